package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/relayadmin"
	"secure-messaging/pkg/crypto"
)

// usersPage is how many users are listed if nothing else is said.
const usersPage = 100

func newUsers() *cobra.Command {
	act := func(use, short, long, done string, do func(*relayadmin.Client) func(context.Context, string) error) *cobra.Command {
		var o operator
		cmd := &cobra.Command{
			Use: use + " NAME", Short: short, Long: long, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				name, err := crypto.ParseUsername(args[0])
				if err != nil {
					return usageError{err}
				}
				relay, err := o.call(cmd)
				if err != nil {
					return err
				}
				if err := do(relay)(cmd.Context(), string(name)); err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.ErrOrStderr(), done+"\n", name)
				return err
			},
		}
		o.addData(cmd)
		return cmd
	}
	return group("users", "List the users of the running relay, suspend and remove them",
		`Look at who has an account at the relay that runs on this machine, and decide about them. What they
say to each other is sealed; the relay knows names, keys, sizes and times.`,
		newUsersList(), newUsersShow(),
		act("suspend", "Keep a user out, for now",
			"End the user's connection and let them in no more, until resume. What is sent to them waits.",
			"%s is suspended", func(c *relayadmin.Client) func(context.Context, string) error { return c.Suspend }),
		act("resume", "Let a suspended user in again", "Let a suspended user in again.",
			"%s is let in again", func(c *relayadmin.Client) func(context.Context, string) error { return c.Resume }),
		act("remove", "Remove a user and all that is theirs, for good",
			`Remove a user: their contacts, prekeys, files and what waits for them, whose senders hear that it
has expired. There is no way back, and nobody is given the name again.`,
			"%s is removed, and nobody is given the name again", func(c *relayadmin.Client) func(context.Context, string) error { return c.Remove }),
	)
}

func newUsersList() *cobra.Command {
	var o operator
	var after string
	var n int
	cmd := &cobra.Command{
		Use: "list", Short: "List users in the order of their names", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			relay, err := o.call(cmd)
			if err != nil {
				return err
			}
			page, err := relay.Users(cmd.Context(), after, n)
			if err != nil {
				return err
			}
			if o.asJSON {
				return printJSON(cmd.OutOrStdout(), page...)
			}
			if err := printUsers(cmd.OutOrStdout(), page); err != nil {
				return err
			}
			if len(page) == n {
				fmt.Fprintf(cmd.ErrOrStderr(), "there may be more: server users list --after %s\n", page[n-1].Name)
			}
			return nil
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&after, "after", "", "begin behind this name")
	cmd.Flags().IntVar(&n, "max", usersPage, "at most so many, up to 1000")
	return cmd
}

func printUsers(w io.Writer, page []relayadmin.User) error {
	return table(w, func(row func(string, ...any)) {
		row("NAME\tSINCE\tSTATE\tWAITING")
		for _, u := range page {
			row("%s\t%s\t%s\t%d", u.Name, u.Since.Local().Format(time.DateOnly), state(u), u.Waiting)
		}
	})
}

func state(u relayadmin.User) string {
	switch {
	case !u.Suspended.IsZero():
		return "suspended"
	case u.Online:
		return "online"
	}
	return "away"
}

func newUsersShow() *cobra.Command {
	var o operator
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show what the relay knows of a user", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := crypto.ParseUsername(args[0])
			if err != nil {
				return usageError{err}
			}
			relay, err := o.call(cmd)
			if err != nil {
				return err
			}
			u, err := relay.User(cmd.Context(), string(name))
			if err != nil {
				return err
			}
			if o.asJSON {
				return printJSON(cmd.OutOrStdout(), u)
			}
			return table(cmd.OutOrStdout(), func(row func(string, ...any)) {
				row("name\t%s", u.Name)
				row("state\t%s", state(u))
				if !u.Suspended.IsZero() {
					row("suspended\t%s", u.Suspended.Local().Format(time.DateTime))
				}
				row("fingerprint\t%s", u.Fingerprint)
				row("device\t%s, since %s by its clock", u.Device, u.Since.Local().Format(time.DateTime))
				row("waiting\t%d, of %d bytes", u.Waiting, u.WaitBytes)
				row("files\t%d, of %d bytes", u.Files, u.FileBytes)
			})
		},
	}
	o.add(cmd)
	return cmd
}
