package version

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
)

// Add adds the version command to one of the programs, and a flag that says the
// same.
func Add(root *cobra.Command) {
	root.Version = Get().String()
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddCommand(command())
}

func command() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			line := cmd.Root().Name() + " " + Get().String()
			if asJSON {
				b, err := json.Marshal(Get())
				if err != nil {
					return err
				}
				line = string(b)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}
