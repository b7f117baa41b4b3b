package cli

import (
	"github.com/spf13/cobra"

	"secure-messaging/internal/agent"
)

func (a *app) newRPC() *cobra.Command {
	return &cobra.Command{
		Use:   "rpc",
		Short: "Speak JSON-RPC on standard input and output",
		Long: `Speak JSON-RPC 2.0 on standard input and output, one object a line, until the input ends. The
methods are those of the profile's private socket; docs/RPC.md lists them.`,
		Example: `  echo '{"jsonrpc":"2.0","id":1,"method":"contacts","params":{}}' | chat rpc`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(c *call) error { return agent.ServePipe(c.ctx, c.Account, cmd.InOrStdin(), cmd.OutOrStdout()) })
		},
	}
}
