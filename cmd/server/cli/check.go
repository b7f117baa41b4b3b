package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"secure-messaging/internal/relayhost"
)

func newCheck() *cobra.Command {
	var f serveFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for what keeps the relay from running well, and say what to do",
		Long: `Look at the settings, the data folder and who can write there, the store, the relay's key, the
disk, the certificate, the clock, the port and where metrics are, each in a line. Nothing is changed. Run it with the
settings of serve, as the user that runs the relay or as root; the relay may run meanwhile. Ends with
1 where something is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := f.check(cmd)
			wrong := 0
			for _, finding := range found {
				if finding.Result == relayhost.Problem {
					wrong++
				}
				var err error
				if asJSON {
					err = json.NewEncoder(cmd.OutOrStdout()).Encode(finding)
				} else {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%-8s %-14s %s\n", finding.Result, finding.Check, finding.Says)
				}
				if err != nil {
					return err
				}
			}
			if wrong > 0 {
				return fmt.Errorf("%d of %d checks found something wrong", wrong, len(found))
			}
			return nil
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "one object a line")
	return cmd
}

// check looks at the settings, and at the rest if they can be used.
func (f *serveFlags) check(cmd *cobra.Command) []relayhost.Finding {
	const name = "configuration"
	settings, err := loadSettings(cmd.Flags())
	var cfg relayhost.Config
	if err == nil {
		cfg, err = f.config(cmd, settings)
	}
	if err != nil {
		return []relayhost.Finding{{Check: name, Result: relayhost.Problem, Says: err.Error()}}
	}
	first := relayhost.Finding{Check: name, Result: relayhost.Fine, Says: "from flags, environment and defaults; there is no file."}
	if settings.file != "" {
		first.Says = settings.file + " is understood."
	}
	if names := strangers(); len(names) > 0 {
		first.Result, first.Says = relayhost.Unknown, "the environment has what looks like a setting and is none: "+strings.Join(names, ", ")+". See: server config."
	}
	return append([]relayhost.Finding{first}, relayhost.Check(cfg)...)
}
