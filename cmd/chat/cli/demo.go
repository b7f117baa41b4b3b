package cli

import (
	"context"

	"github.com/spf13/cobra"

	"secure-messaging/internal/demo"
	"secure-messaging/internal/tui"
	"secure-messaging/pkg/client"
)

func (a *app) newDemo() *cobra.Command {
	var script bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Look around: a relay, a friend who answers, nothing left behind",
		Long: `Start a relay on a free loopback port, make a throw-away account and a friend who accepts and
answers, and open the interface. Everything lies in a temporary folder that goes with it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if script || !a.interactive() {
				return demo.Script(cmd.Context(), cmd.OutOrStdout())
			}
			return demo.Run(cmd.Context(), func(ctx context.Context, acc client.Account) error {
				return tui.Run(ctx, acc, a.screenOptions())
			})
		},
	}
	cmd.Flags().BoolVar(&script, "script", false, "without the interface: play it and print what happens")
	return cmd
}
