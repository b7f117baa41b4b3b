package cli

import (
	"context"

	"github.com/spf13/cobra"

	"secure-messaging/internal/demo"
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
			if script || !a.screenOf(false) {
				return demo.Script(cmd.Context(), cmd.OutOrStdout())
			}
			s, err := a.settings(true)
			if err != nil {
				return err
			}
			return demo.Run(cmd.Context(), func(ctx context.Context, acc client.Account) error { return s.run(ctx, acc) })
		},
	}
	cmd.Flags().BoolVar(&script, "script", false, "without the interface: play it and print what happens")
	return cmd
}
