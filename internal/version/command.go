package version

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
)

// Command is the version command of both programs.
func Command() *cobra.Command {
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
