// Package cli is the relay's command line: flags to a configuration, and
// nothing else.
package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"secure-messaging/internal/interrupt"
	"secure-messaging/internal/manual"
	"secure-messaging/internal/relayadmin"
	"secure-messaging/internal/usage"
	"secure-messaging/internal/version"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1 // it could not start, or ended because of a fault; the message says why
	exitUsage = 2 // unknown command or flag
)

// Main runs the command line of this process and returns its exit code.
func Main() int {
	ctx, stop := interrupt.Context()
	defer stop()
	err := newRoot().ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(os.Stderr, "server:", err)
	var usage usageError
	var mistake relayadmin.Mistake
	if errors.As(err, &usage) || errors.As(err, &mistake) {
		return exitUsage
	}
	return exitError
}

// usageError is a mistake in the command line itself.
type usageError struct{ error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "server",
		Short: "The relay of a private chat: it routes sealed messages and can read none",
		Long: `The relay of a private chat. It hands sealed messages from one person to another, keeps
them for those who are away, and can read none of them.

  server serve --addr :8443     start it; it says what its users type next
  server limits > limits.json   what its users may do, to change for serve --limits limits.json
  server invite create          a link that lets somebody register, while the relay runs
  server users list             who has an account
  server stats                  what it does, once a second

Exit codes: 0 it ended as asked, 1 it could not start or go on, 2 wrong usage.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(
		newServe(), newHealth(),
		newConfig(), newCheck(), newLimits(),
		newBackup(), newRestore(),
		newUsers(), newInvite(), newStats(),
		manual.Command(func(err error) error { return usageError{err} }),
	)
	version.Add(root)
	usage.Mark(root, func(err error) error { return usageError{err} })
	return root
}
