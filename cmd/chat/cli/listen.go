package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/pkg/client"
)

func (a *app) newListen() *cobra.Command {
	var from string
	var since int64
	var max int
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Print messages as they come in",
		Long: `Print what others write, as it comes in, until ctrl-c. With --since it begins behind a
message that is in the history already: give the cursor of the last line that was handled, and
nothing is skipped. Reading does not clear unread marks.`,
		Example: `  chat listen --json | jq -r .text
  chat listen --from bob --max 1 --timeout 1m`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&from, "from", "", "only what this contact writes")
	flags.Int64Var(&since, "since", -1, "begin behind the message with this cursor; 0 for the whole history (default: only what comes from now on)")
	flags.IntVar(&max, "max", 0, "end after that many messages; 0 for no end")
	flags.DurationVar(&timeout, "timeout", 0, "end after that time, with exit code 9; 0 for no end")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l := listener{from: from, since: since, max: max, show: messagePrinter(*asJSON)}
		return a.with(cmd, func(c *call) error { return l.run(c, timeout) })
	}
	return cmd
}

// listener prints incoming messages in the order of their cursors. Events only
// wake it: what it prints it reads from the history, so that nothing is missed
// or doubled however far it falls behind.
type listener struct {
	from  string
	since int64 // cursor of the last message that is not wanted; below 0: the latest there is
	max   int
	show  func(io.Writer, client.Message) error

	shown int
}

func (l *listener) run(c *call, timeout time.Duration) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		c.ctx, cancel = context.WithTimeoutCause(c.ctx, timeout, errListenTime)
		defer cancel()
	}
	err := l.follow(c)
	if errors.Is(context.Cause(c.ctx), errListenTime) && errors.Is(err, context.DeadlineExceeded) {
		return errListenTime
	}
	return err
}

var errListenTime = &client.Error{Code: client.CodeTimeout, Text: "The time to listen is over."}

func (l *listener) follow(c *call) error {
	if l.since < 0 {
		l.since = c.latest
	}
	if l.since == 0 {
		l.since = client.FromStart
	}
	return client.Await(c.ctx, c, &c.next, func([]client.Event) (bool, error) { return l.drain(c) })
}

// drain prints what the history has behind the last message.
func (l *listener) drain(c *call) (done bool, err error) {
	for {
		ms, err := c.History(c.ctx, client.Query{Contact: l.from, After: l.since, Limit: client.MaxLimit, Incoming: true})
		if err != nil {
			return false, err
		}
		for _, m := range ms {
			if err := l.show(c.cmd.OutOrStdout(), m); err != nil {
				return false, err
			}
			l.since = m.Cursor
			if l.shown++; l.max > 0 && l.shown >= l.max {
				return true, nil
			}
		}
		if len(ms) < client.MaxLimit {
			return false, nil
		}
	}
}
