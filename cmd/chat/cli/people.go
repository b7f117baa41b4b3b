package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

func (a *app) newConnect() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "connect NAME",
		Short: "Ask somebody to be a contact",
		Long: `Ask somebody to be a contact. They see your name, your fingerprint and the note, and accept
or not. Their fingerprint is printed: it is the relay's word, until you have compared numbers
with them by another way: chat verify.`,
		Example: `  chat connect bob
  chat connect bob --note "Alice from work"`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&note, "note", "", fmt.Sprintf("a line that they see beside the request, sealed (at most %d bytes)", client.MaxNote))
	timeout := timeoutFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd, func(c *call) error {
			before, _, err := c.contact(args[0])
			if err != nil {
				return err
			}
			if _, err := c.Connect(c.ctx, args[0], note); err != nil {
				return err
			}
			if before.State == client.Blocked {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s is not blocked any more\n", args[0])
			}
			return c.settle(args[0], *timeout, *asJSON)
		})
	}
	return cmd
}

// settle waits until the relay has the request or answer to a person, and
// prints how the two stand to each other then.
func (c *call) settle(name string, timeout time.Duration, asJSON bool) error {
	if err := c.flush(timeout); err != nil {
		return err
	}
	p, ok, err := c.contact(name)
	switch {
	case err != nil:
		return err
	case !ok: // flush has printed the reason as a warning
		return &client.Error{Code: client.CodeRefused, Text: "Nothing has come of it with " + name + "."}
	case asJSON:
		return printJSON(c.cmd.OutOrStdout(), p)
	}
	what := map[client.ContactState]string{
		client.Requested: "has been asked",
		client.Accepted:  "is a contact",
	}[p.State]
	line := fmt.Sprintf("%s %s; their fingerprint is %s", p.Name, what, p.Fingerprint)
	if m := mark(p.Trust); m != "" {
		line += "  " + m
	}
	_, err = fmt.Fprintln(c.cmd.OutOrStdout(), line)
	return err
}

func (a *app) newAccept() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accept NAME",
		Short: "Accept a request",
		Args:  cobra.ExactArgs(1),
	}
	timeout := timeoutFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd, func(c *call) error {
			if err := c.heardFrom(client.Incoming, *timeout, args[0]); err != nil {
				return err
			}
			if _, err := c.Accept(c.ctx, args[0]); err != nil {
				return err
			}
			return c.settle(args[0], *timeout, *asJSON)
		})
	}
	return cmd
}

func (a *app) newReject() *cobra.Command {
	return a.newEnding("reject NAME", "Drop a request; they are not told", "the request of %s is dropped\n",
		func(c *call, name string, timeout time.Duration) error {
			if err := c.heardFrom(client.Incoming, timeout, name); err != nil {
				return err
			}
			if err := c.Reject(c.ctx, name); err != nil {
				return err
			}
			return c.flush(timeout)
		})
}

func (a *app) newBlock() *cobra.Command {
	cmd := a.newEnding("block NAME", "Hear nothing from somebody any more", "%[1]s is blocked; to lift it: chat connect %[1]s\n",
		func(c *call, name string, timeout time.Duration) error {
			if err := c.Block(c.ctx, name); err != nil {
				return err
			}
			if err := c.flush(timeout); err != nil {
				return err
			}
			if _, there, err := c.contact(name); there || err != nil {
				return err
			}
			return &client.Error{Code: client.CodeNoUser, Text: "Nothing was changed."} // flush has printed the reason
		})
	cmd.Long = `Hear nothing from somebody any more. They get no notice, but what they write is refused from
then on, as it is to anybody who is not a contact. A chat connect of yours lifts it.`
	return cmd
}

// newEnding makes a command that ends a relation, and prints done when the
// relay has taken it.
func (a *app) newEnding(use, short, done string, end func(c *call, name string, timeout time.Duration) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)}
	timeout := timeoutFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd, func(c *call) error {
			if err := end(c, args[0], *timeout); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.ErrOrStderr(), done, args[0])
			return err
		})
	}
	return cmd
}

func (a *app) newRequests() *cobra.Command {
	return a.newList("requests", "List the requests that wait for an answer", "Nobody is waiting for an answer.",
		func(c client.Contact) bool { return c.State == client.Incoming })
}

func (a *app) newContacts() *cobra.Command {
	return a.newList("contacts", "List contacts, requests and blocked people", "There is nobody yet. Ask somebody: chat connect NAME",
		func(client.Contact) bool { return true })
}

func (a *app) newList(use, short, nobody string, want func(client.Contact) bool) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	timeout := timeoutFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.with(cmd, func(c *call) error {
			c.glance(*timeout)
			contacts, err := c.Contacts(c.ctx)
			if err != nil {
				return err
			}
			n := 0
			for _, p := range contacts {
				if !want(p) {
					continue
				}
				n++
				if *asJSON {
					err = printJSON(cmd.OutOrStdout(), p)
				} else {
					err = printContact(cmd.OutOrStdout(), p)
				}
				if err != nil {
					return err
				}
			}
			if n == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), nobody)
			}
			return nil
		})
	}
	return cmd
}

// standing says in a word or two how a person stands to us.
var standing = map[client.ContactState]string{
	client.Accepted:  "contact",
	client.Incoming:  "asks you",
	client.Requested: "asked",
	client.Blocked:   "blocked",
}

func printContact(w io.Writer, c client.Contact) error {
	line := fmt.Sprintf("%-20s %-10s %s", c.Name, standing[c.State], c.Fingerprint)
	if m := mark(c.Trust); m != "" {
		line += "  " + m
	}
	if c.Unread > 0 {
		line += fmt.Sprintf("  %d unread", c.Unread)
	}
	if c.Note != "" {
		line += fmt.Sprintf("  %q", sanitize.Line(c.Note))
	}
	return printFolded(w, strings.TrimRight(line, " "))
}
