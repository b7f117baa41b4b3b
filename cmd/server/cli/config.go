package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newConfig() *cobra.Command {
	var f serveFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the settings in force, and where each comes from",
		Long: `Print what serve would run with, as a file for its --config, and where each value comes from. A
flag counts before the environment, that before the file, and that before the default. Each flag of
serve is a setting: --tls-cert is tls-cert in the file, and SERVER_TLS_CERT in the environment.

The file is the one that --config or SERVER_CONFIG names, or else server.toml in the folder
secure-messaging-relay under $XDG_CONFIG_HOME. Secrets are never settings, only names of files.`,
		Example: `  server config > server.toml           everything there is, to change
  SERVER_TLS=off server config --addr 127.0.0.1:8080`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := loadSettings(cmd.Flags())
			if err != nil {
				return usageError{err}
			}
			if _, err := f.config(cmd, s); err != nil {
				return usageError{err}
			}
			if asJSON {
				return s.printJSON(cmd.OutOrStdout())
			}
			return s.print(cmd.OutOrStdout())
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "one object a line")
	return cmd
}

// valueOf is what a setting has, as TOML and JSON know it.
func valueOf(f *pflag.Flag) any {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return append([]string{}, list.GetSlice()...)
	}
	if f.Value.Type() == "bool" {
		return f.Value.String() == "true"
	}
	return f.Value.String()
}

func (s *settings) print(w io.Writer) error {
	for _, name := range settingNames() {
		line, err := toml.Marshal(map[string]any{name: valueOf(s.flags.Lookup(name))})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%-40s # %s\n", strings.TrimSpace(string(line)), s.from[name]); err != nil {
			return err
		}
	}
	for _, name := range strangers() {
		if _, err := fmt.Fprintf(w, "# the environment has %s, which is no setting\n", name); err != nil {
			return err
		}
	}
	return nil
}

func (s *settings) printJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	for _, name := range settingNames() {
		err := out.Encode(struct {
			Name  string `json:"name"`
			Value any    `json:"value"`
			From  string `json:"from"`
		}{name, valueOf(s.flags.Lookup(name)), s.from[name]})
		if err != nil {
			return err
		}
	}
	return nil
}
