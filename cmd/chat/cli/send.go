package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/terminal"
	"secure-messaging/pkg/client"
)

// Values of --wait.
const (
	waitQueued    = "queued"
	waitStored    = "stored"
	waitDelivered = "delivered"
)

func (a *app) newSend() *cobra.Command {
	var wait string
	var attach []string
	cmd := &cobra.Command{
		Use:   "send NAME [TEXT...]",
		Short: "Send a message; from standard input where no text is given",
		Long: `Send a message to a contact, and print its id. Without TEXT, or with - for it, the message is
all of standard input, less one line break at its end. With --attach it is a file, which may
have a TEXT beside it; of several, each is a message, and the text stands with the first.

The message is sealed and written to this disk first. If the relay does not take it in time,
it stays queued and leaves when chat next reaches the relay; then the exit code is not 0.`,
		Example: `  chat send bob "the build is green"
  make 2>&1 | tail -20 | chat send bob
  chat send bob --attach report.pdf "as promised"
  chat send bob --wait delivered --timeout 1m < report.txt`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVar(&wait, "wait", waitStored, "return when it is queued (on this disk), stored (at the relay) or delivered (on their disk)")
	cmd.Flags().StringArrayVar(&attach, "attach", nil, "a file to send; may be given several times")
	timeout := timeoutFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if wait != waitQueued && wait != waitStored && wait != waitDelivered {
			return wrongUsage(fmt.Sprintf("--wait is queued, stored or delivered, not %q.", wait))
		}
		paths, err := absolute(attach)
		if err != nil {
			return err
		}
		text := ""
		if len(args) > 1 || len(paths) == 0 {
			if text, err = messageText(cmd.Context(), cmd.InOrStdin(), args[1:]); err != nil {
				return err
			}
		}
		return a.with(cmd, func(c *call) error {
			if err := c.heardFrom(args[0], client.Accepted, *timeout); err != nil {
				return err
			}
			if len(paths) == 0 {
				return c.send(wait, *timeout, *asJSON, func() (client.Message, error) { return c.Send(c.ctx, args[0], text) })
			}
			for _, path := range paths {
				err := c.send(wait, *timeout, *asJSON, func() (client.Message, error) { return c.SendFile(c.ctx, args[0], path, text) })
				if err != nil {
					return err
				}
				text = ""
			}
			return nil
		})
	}
	return cmd
}

// messageText takes the message from the arguments, or from standard input. Half
// a message, of a pipe that was interrupted together with us, is none.
func messageText(ctx context.Context, stdin io.Reader, args []string) (string, error) {
	if len(args) > 0 && !(len(args) == 1 && args[0] == "-") {
		return strings.Join(args, " "), nil
	}
	if len(args) == 0 && stdin == os.Stdin && terminal.IsTerminal(os.Stdin) {
		return "", wrongUsage("There is no message. Write it behind the name, or pipe it in: echo hello | chat send NAME")
	}
	b, err := terminal.Input(ctx, stdin, client.MaxText+2)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("standard input cannot be read: %w", err)
	}
	text := strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}

// send queues a message, waits until it has come as far as asked, and prints it.
func (c *call) send(wait string, timeout time.Duration, asJSON bool, queue func() (client.Message, error)) error {
	m, err := queue()
	if err == nil {
		m, err = c.sent(m, wait, timeout)
	}
	if m.ID != "" { // printed even if it is late: that is how it is asked about
		var printed error
		if asJSON {
			printed = printJSON(c.cmd.OutOrStdout(), m)
		} else {
			_, printed = fmt.Fprintln(c.cmd.OutOrStdout(), m.ID)
		}
		if err == nil {
			err = printed
		}
	}
	return err
}

// absolute makes paths fit for the process that has the account open, which
// stands in another folder.
func absolute(paths []string) (all []string, err error) {
	for _, path := range paths {
		if path, err = filepath.Abs(path); err != nil {
			return nil, wrongUsage("The folder that chat stands in cannot be found. Give whole paths.")
		}
		all = append(all, path)
	}
	return all, nil
}

// sent waits until a message has come as far as asked. It returns the message in
// the state that it has reached, also with an error.
func (c *call) sent(m client.Message, wait string, timeout time.Duration) (client.Message, error) {
	if wait == waitQueued {
		return m, nil
	}
	err := c.until(timeout, func() (bool, error) {
		now, err := c.Message(c.ctx, m.ID)
		if err != nil {
			return false, err
		}
		m = now
		switch m.State {
		case client.Failed:
			return false, &client.Error{Code: client.CodeRefused, Text: "The message was not sent: " + m.Reason + "."}
		case client.Stored:
			return wait == waitStored, nil
		case client.Delivered:
			return true, nil
		}
		return c.status(func(client.Status) bool { return false })()
	})
	if errors.Is(err, client.ErrTimeout) && m.State == client.Stored {
		err = &client.Error{Code: client.CodeTimeout, Err: err, Text: fmt.Sprintf("The relay has it, but %s was not there to take it within %v. They get it when they are.", m.Contact, timeout)}
	}
	return m, err
}
