// Package usage gives mistakes in a command line their own error, in both
// programs alike, with what to type instead.
package usage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Mark lets wrap make the error of a wrong flag, argument or command, of root
// and all commands below it. Call it once root has all its commands.
func Mark(root *cobra.Command, wrap func(error) error) {
	root.InitDefaultCompletionCmd()
	root.SuggestionsMinimumDistance = 2 // letters that a typing error may change
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return wrap(see(cmd, plain(err))) })
	mark(root, wrap)
}

func mark(cmd *cobra.Command, wrap func(error) error) {
	if !cmd.Runnable() { // cobra would print help and call it a success
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			return wrap(see(cmd, fmt.Errorf("%s needs one of its commands", cmd.CommandPath())))
		}
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			return wrap(see(cmd, misplaced(cmd, args)))
		}
	}
	for _, sub := range cmd.Commands() {
		mark(sub, wrap)
	}
}

// misplaced is the error of arguments that a command does not take.
func misplaced(cmd *cobra.Command, args []string) error {
	if !cmd.HasSubCommands() || len(args) == 0 {
		return fmt.Errorf("usage: %s", cmd.UseLine())
	}
	near := ""
	if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
		near = fmt.Sprintf("; did you mean %s %s?", cmd.CommandPath(), names[0])
	}
	return fmt.Errorf("there is no command %q%s", args[0], near)
}

// plain leaves out of a flag's error what is of use to programmers only.
func plain(err error) error {
	text, _, found := strings.Cut(err.Error(), ": strconv.")
	if !found {
		return err
	}
	return errors.New(text)
}

func see(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w. See: %s --help", err, cmd.CommandPath())
}
