package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"secure-messaging/internal/config"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/tui"
	"secure-messaging/pkg/client"
)

func (a *app) newConfig() *cobra.Command {
	var path bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings of the interface, and where their file lies",
		Long: `Show the settings of the interface that are in force, as the file would say them: colours, keys,
notifications. What the file leaves out is as it is by default.`,
		Example: `  chat config
  chat config > new.toml             a file with everything in it, to change
  $EDITOR "$(chat config --path)"`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&path, "path", false, "only where the file lies")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if path && *asJSON {
			return wrongUsage("--path and --json do not go together: the path is in the JSON.")
		}
		file, err := configFile()
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if path {
			_, err = fmt.Fprintln(out, file)
			return err
		}
		s, err := a.settings(true)
		switch {
		case err != nil:
			return err
		case *asJSON:
			return printJSON(out, struct {
				Path string `json:"path"`
				config.Config
			}{file, s.Complete()})
		}
		state := "this is in force"
		if _, err := os.Stat(file); err != nil {
			state = "not there yet; without it, this is in force"
		}
		_, err = fmt.Fprintf(out, "# %s\n# (%s)\n\n%s", file, state, s.TOML())
		return err
	}
	return cmd
}

func configFile() (string, error) {
	dir, err := profile.ConfigDir()
	return filepath.Join(dir, config.FileName), err
}

// settings are what is in force: the file, and flags, which win over it.
type settings struct {
	config.Config
	file string
}

// settings reads them, where something is to be shown. It comes before anything
// is opened or asked for: a mistake in the file is no reason to type a
// passphrase twice.
func (a *app) settings(wanted bool) (settings, error) {
	if !wanted {
		return settings{}, nil
	}
	file, err := configFile()
	if err != nil {
		return settings{}, err
	}
	c, err := config.Load(file)
	if a.ascii {
		c.ASCII = &a.ascii
	}
	c.Linear = c.Linear || a.linear
	return settings{c, file}, err
}

// screenOf reports whether there is an interface to be shown: where there is a
// terminal for it, or where the one that needs none is asked for.
func (a *app) screenOf(never bool) bool { return !never && (a.linear || a.interactive()) }

// plainLocale reports whether a locale is named that is not UTF-8. Where none
// is named, terminals of today show UTF-8.
func plainLocale() bool {
	locale := strings.ToUpper(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return locale != "" && !strings.Contains(locale, "UTF-8") && !strings.Contains(locale, "UTF8")
}

// run shows an account.
func (s settings) run(ctx context.Context, acc client.Account) error {
	o := s.Options()
	if s.ASCII == nil {
		o.ASCII = plainLocale()
	}
	o.NoColor = os.Getenv("NO_COLOR") != ""
	o.Downloads = xdg.UserDirs.Download
	o.KeepTheme = func(name string) error { return config.SetTheme(s.file, name) }
	if s.Linear {
		return tui.RunLinear(ctx, acc, o)
	}
	return tui.Run(ctx, acc, o)
}
