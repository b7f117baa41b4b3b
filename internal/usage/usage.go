// Package usage gives mistakes in a command line their own error, in both
// programs alike.
package usage

import (
	"fmt"

	"github.com/spf13/cobra"
)

// Mark lets wrap make the error of a wrong flag, argument or command, of root
// and all commands below it. Call it once root has all its commands.
func Mark(root *cobra.Command, wrap func(error) error) {
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return wrap(advise(cmd, err)) })
	mark(root, wrap)
}

func mark(cmd *cobra.Command, wrap func(error) error) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return wrap(advise(cmd, err))
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		mark(sub, wrap)
	}
}

func advise(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w. See: %s --help", err, cmd.CommandPath())
}
