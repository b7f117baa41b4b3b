package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

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
	var wait, file, reply string
	var attach []string
	cmd := &cobra.Command{
		Use:   "send NAME[,NAME...] [TEXT...]",
		Short: "Send a message; from standard input where no text is given",
		Long: `Send a message to a contact, or to a +group, which is one message to all of it; or to several,
each of whom gets it as a message to them alone. Print its id: one a line, in the order of the
names. Without TEXT, or with - for it, the message is all of standard input, less one line break
at its end; with --file it is what stands in a text file. With --attach it is a file, which may
have a TEXT beside it; of several, each is a message, and the text stands with the first.

The message is sealed and written to this disk first. If the relay does not take it in time,
it stays queued and leaves when chat next reaches the relay; then the exit code is not 0. It is
17 where some of several have it and some do not; standard error has a line for each of these.`,
		Example: `  chat send bob "the build is green"
  make 2>&1 | tail -20 | chat send bob,carol
  chat send +ops "deploying now"
  chat send bob --file notes.txt
  chat send bob --reply-to 41 "on my way"
  chat send bob --attach report.pdf "as promised"
  chat send bob --wait delivered --timeout 1m < report.txt`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&wait, "wait", waitStored, "return when it is queued (on this disk), stored (at the relay) or delivered (on their disk)")
	flags.StringVar(&file, "file", "", "a text file that is the message; - for standard input")
	flags.StringVar(&reply, "reply-to", "", "the message that this one answers: its cursor or its id, which history --json and listen --json show")
	flags.StringArrayVar(&attach, "attach", nil, "a file to send; may be given several times")
	timeout := timeoutFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := parseRecipients(args[0])
		switch {
		case err != nil:
			return err
		case wait != waitQueued && wait != waitStored && wait != waitDelivered:
			return wrongUsage(fmt.Sprintf("--wait is queued, stored or delivered, not %q.", wait))
		case reply != "" && (len(names) > 1 || len(attach) > 0):
			return wrongUsage("--reply-to answers with words, in one conversation: give one NAME, and no --attach.")
		case file != "" && len(args) > 1:
			return wrongUsage("The message is the TEXT or what stands in --file: give one of them. A file as it is goes with --attach.")
		}
		paths, err := absolute(attach)
		if err != nil {
			return err
		}
		text := ""
		if len(args) > 1 || len(paths) == 0 || file != "" {
			if text, err = messageText(cmd.Context(), cmd.InOrStdin(), file, args[1:]); err != nil {
				return err
			}
		}
		return a.with(cmd, func(c *call) error {
			return c.sendTo(names, wait, *timeout, *asJSON, func(s *sending) error { return s.content(reply, text, paths) })
		})
	}
	return cmd
}

// content sends a text, an answer, or files of which the first has the text beside
// it.
func (s *sending) content(reply, text string, paths []string) error {
	queue := func(to string) (client.Message, error) { return s.Send(s.ctx, to, text) }
	if reply != "" {
		var err error
		if queue, err = s.replied(s.parcels[0].to, reply, text); err != nil {
			return err
		}
	}
	if len(paths) == 0 {
		return s.all(queue)
	}
	for _, path := range paths {
		if err := s.all(func(to string) (client.Message, error) { return s.SendFile(s.ctx, to, path, text) }); err != nil {
			return err
		}
		text = ""
	}
	return nil
}

// messageText takes the message from the arguments, from a file, or from standard
// input. Half a message, of a pipe that was interrupted together with us, is none.
func messageText(ctx context.Context, stdin io.Reader, file string, args []string) (string, error) {
	if len(args) > 0 && !(len(args) == 1 && args[0] == "-") {
		return strings.Join(args, " "), nil
	}
	if file != "" && file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", unreadable(file, err)
		}
		defer f.Close()
		stdin = f
	} else if len(args) == 0 && file == "" && stdin == os.Stdin && terminal.IsTerminal(os.Stdin) {
		return "", wrongUsage("There is no message. Write it behind the name, or pipe it in: echo hello | chat send NAME")
	}
	b, err := terminal.Input(ctx, stdin, client.MaxText+2)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil && stdin != os.Stdin && file != "" {
		return "", unreadable(file, err)
	}
	if err != nil {
		return "", fmt.Errorf("standard input cannot be read: %w", err)
	}
	if file != "" && file != "-" && (len(b) > client.MaxText+1 || !utf8.Valid(b)) {
		return "", wrongUsage(fmt.Sprintf("%s is no text that fits one message: at most %d KiB, in UTF-8. Send it as a file, with --attach.", file, client.MaxText>>10))
	}
	text := strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}

// unreadable is the error of a text file that cannot be read.
func unreadable(path string, err error) error {
	var onDisk *fs.PathError
	if errors.As(err, &onDisk) {
		err = onDisk.Err
	}
	return wrongUsage(fmt.Sprintf("%s cannot be read: %v. Name a text file of yours with --file, or - for standard input.", path, err))
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
