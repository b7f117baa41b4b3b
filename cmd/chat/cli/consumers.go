package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) newConsumers() *cobra.Command {
	var forget string
	cmd := &cobra.Command{
		Use:   "consumers",
		Short: "List the consumers of listen, and how far each has come",
		Long: `List the consumers that chat listen --consumer, or a bot, has made, and the cursor of the last
message that each has handled. One that is forgotten begins anew when it listens again.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&forget, "forget", "", "forget this consumer and its place")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.with(cmd, func(c *call) error {
			if cmd.Flags().Changed("forget") {
				return c.DropConsumer(c.ctx, forget)
			}
			all, err := c.Consumers(c.ctx)
			if err != nil {
				return err
			}
			if len(all) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "There are no consumers. Make one with: chat listen --consumer NAME")
			}
			for _, o := range all {
				if *asJSON {
					err = printJSON(cmd.OutOrStdout(), o)
				} else {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%-16s up to %d, %s\n", o.Name, o.Cursor, stamp(o.At))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}
