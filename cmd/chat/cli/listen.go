package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/pkg/client"
)

// Values of --ack.
const (
	ackAuto   = "auto"
	ackManual = "manual"
)

func (a *app) newListen() *cobra.Command {
	var l listener
	var since int64
	var timeout time.Duration
	var ack, command string
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Print messages as they come in, or run a command for each",
		Long: `Print what others write, as it comes in, until ctrl-c. With --since it begins behind a
message that is in the history already: give the cursor of the last line that was handled, and
nothing is skipped. Reading does not clear unread marks. docs/JSON.md says what the lines of
--json hold.

With --consumer, the profile keeps how far a bot has come, under that name. It goes on there
whenever it listens again, whatever happened to it; --since is for where a new one begins. Each
consumer has its own place, and gets every message. "chat consumers" lists them.

A message is acked when it is printed. With --ack manual it is when the bot says so: it writes
the cursor of the last message that it has handled to the standard input of listen, one a line,
which acks those before it, too. What is not acked when either of them ends comes again. At most
1000 messages are printed ahead of that; listen ends when its standard input does.

With --exec, a command runs for each message (by sh -c, or cmd /C on Windows), one after the
other, with the message as a line of JSON at its standard input and nothing of it in its arguments
or environment. Exit code 0 acks. After any other it gets the same message again, after a pause
that grows to a minute; a command that is to skip a message exits with 0. It ends with listen.`,
		Example: `  chat listen --json | jq -r .text
  chat listen --from bob --max 1 --timeout 1m
  chat listen --consumer deploy --from bob --exec ./deploy.sh
  chat listen --consumer archive --since 0 --exec 'cat >> archive.jsonl'`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&l.from, "from", "", "only what this contact writes, or what is said in this group")
	flags.Int64Var(&since, "since", -1, "begin behind the message with this cursor (--json shows them); 0 for the whole history, below 0 for only what comes from now on")
	flags.IntVar(&l.max, "max", 0, "end after that many messages; 0 for no end")
	flags.DurationVar(&timeout, "timeout", 0, "end after that time, with exit code 9; 0 for no end")
	flags.StringVar(&l.consumer, "consumer", "", "go on where the consumer of this name has come to, and keep its place")
	flags.StringVar(&ack, "ack", ackAuto, "a message is handled when it is printed (auto), or when its cursor comes on standard input (manual)")
	flags.StringVar(&command, "exec", "", "run this command for each message, which gets it as JSON on standard input")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case ack != ackAuto && ack != ackManual:
			return wrongUsage(fmt.Sprintf("--ack is auto or manual, not %q.", ack))
		case ack == ackManual && l.consumer == "":
			return wrongUsage("--ack manual needs a name to keep the place under: give --consumer NAME.")
		case ack == ackManual && command != "":
			return wrongUsage("A command of --exec acks with its exit code: leave --ack manual away.")
		case cmd.Flags().Changed("exec") && command == "":
			return wrongUsage("--exec needs a command. An empty one, of a variable that is not set, would take every message.")
		case cmd.Flags().Changed("consumer") && l.consumer == "":
			return wrongUsage("--consumer needs a name: a-z, 0-9, _ and -.")
		}
		if timeout > 0 {
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), timeout, errListenTime)
			defer cancel()
			cmd.SetContext(ctx)
		}
		l.after, l.now, l.show = since, since < 0, messagePrinter(*asJSON)
		if since == 0 {
			l.after = client.FromStart
		}
		if ack == ackManual {
			l.readAcks(cmd.Context(), cmd.InOrStdin())
		}
		if command != "" {
			l.run = &runner{command: command, out: cmd.OutOrStdout(), errs: cmd.ErrOrStderr(), pause: runPause}
		}
		return a.listen(cmd, &l)
	}
	return cmd
}

// listen listens until it is over, with whichever process holds the profile.
func (a *app) listen(cmd *cobra.Command, l *listener) error {
	for {
		l.following = false
		err := a.with(cmd, l.follow)
		if l.following && errors.Is(err, client.ErrBusy) {
			continue // the chat that held the profile has ended: on with the next, or alone
		}
		if errors.Is(context.Cause(cmd.Context()), errListenTime) && errors.Is(err, context.DeadlineExceeded) {
			err = errListenTime
		}
		return err
	}
}

var errListenTime = &client.Error{Code: client.CodeTimeout, Text: "The time to listen is over."}
