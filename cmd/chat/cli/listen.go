package cli

import (
	"context"
	"errors"
	"fmt"
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
	flags.StringVar(&from, "from", "", "only what this contact writes, or what is said in this group")
	flags.Int64Var(&since, "since", -1, "begin behind the message with this cursor (--json shows them); 0 for the whole history, below 0 for only what comes from now on")
	flags.IntVar(&max, "max", 0, "end after that many messages; 0 for no end")
	flags.DurationVar(&timeout, "timeout", 0, "end after that time, with exit code 9; 0 for no end")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if timeout > 0 {
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), timeout, errListenTime)
			defer cancel()
			cmd.SetContext(ctx)
		}
		l := listener{from: from, after: since, now: since < 0, max: max, show: messagePrinter(*asJSON)}
		if since == 0 {
			l.after = client.FromStart
		}
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
	return cmd
}

// listener prints incoming messages in the order of their cursors. Events only
// wake it: what it prints it reads from the history, so that nothing is missed
// or doubled however far it falls behind.
type listener struct {
	from  string
	after int64 // cursor of the last message that is not wanted any more
	now   bool  // that is the latest one, and not known yet
	max   int
	show  func(io.Writer, client.Message) error

	shown     int
	following bool        // has got as far as listening
	told      client.Code // why nothing comes
}

var errListenTime = &client.Error{Code: client.CodeTimeout, Text: "The time to listen is over."}

func (l *listener) follow(c *call) error {
	if isGroup(l.from) { // its owner's word may have come meanwhile
		c.glance(glanceTime)
	}
	if err := c.knows(l.from); err != nil {
		return err
	}
	if l.now {
		if l.after, l.now = c.latest, false; l.after == 0 {
			l.after = client.FromStart
		}
	}
	l.following = true
	return client.Await(c.ctx, c, &c.next, func(events []client.Event) (bool, error) {
		c.warn(events)
		if done, err := l.drain(c); done || err != nil {
			return done, err
		}
		return false, l.look(c)
	})
}

// look ends the listening to a relay that is not asked any more, where nothing
// would ever come, and says, once, what keeps it from coming.
func (l *listener) look(c *call) error {
	s, err := c.Status(c.ctx)
	switch {
	case err != nil:
		return err
	case s.Fatal:
		return c.down(s)
	case stuck(s) && l.told != s.Code:
		fmt.Fprintln(c.cmd.ErrOrStderr(), "warning:", s.Reason)
	}
	l.told = s.Code
	return nil
}

// drain prints what the history has behind the last message.
func (l *listener) drain(c *call) (done bool, err error) {
	for {
		ms, err := c.History(c.ctx, client.Query{Contact: l.from, After: l.after, Limit: client.MaxLimit, Incoming: true})
		if err != nil {
			return false, err
		}
		for _, m := range ms {
			if err := l.show(c.cmd.OutOrStdout(), m); err != nil {
				return false, err
			}
			l.after = m.Cursor
			if l.shown++; l.max > 0 && l.shown >= l.max {
				return true, nil
			}
		}
		if len(ms) < client.MaxLimit {
			return false, nil
		}
	}
}
