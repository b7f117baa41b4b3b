package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"secure-messaging/pkg/client"
)

func (a *app) newHistory() *cobra.Command {
	var q client.Query
	cmd := &cobra.Command{
		Use:   "history [NAME]",
		Short: "Print messages of the past, oldest first",
		Long: `Print messages of the past, oldest first: the latest of one conversation, or of all. To page
back, give the cursor of the first message, which --json shows, as --before.`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := cmd.Flags()
	flags.IntVar(&q.Limit, "limit", client.DefaultLimit, fmt.Sprintf("at most that many, up to %d", client.MaxLimit))
	flags.Int64Var(&q.Before, "before", 0, "only messages before this cursor")
	flags.Int64Var(&q.After, "after", 0, "only messages behind this cursor, and of these the earliest")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if q.Limit < 1 || q.Limit > client.MaxLimit {
			return wrongUsage(fmt.Sprintf("--limit is 1 to %d.", client.MaxLimit))
		}
		return a.with(cmd, func(c *call) error {
			if len(args) == 1 {
				q.Contact = args[0]
			}
			c.glance(glanceTime)
			ms, err := c.History(c.ctx, q)
			if err != nil {
				return err
			}
			if len(ms) == 0 {
				if err := c.knows(q.Contact); err != nil {
					return err
				}
			}
			show := messagePrinter(*asJSON)
			for _, m := range ms {
				if err := show(cmd.OutOrStdout(), m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}
