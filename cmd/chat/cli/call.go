package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/owner"
	"secure-messaging/pkg/client"
)

const (
	// defaultTimeout is how long a command waits for the relay to take what it
	// has queued: a relay that restarts is back by then.
	defaultTimeout = 10 * time.Second
	// linger is how long a command that owned the profile waits for others
	// that have attached to it meanwhile.
	linger = 3 * time.Second
	// screenLinger is the same for the interface, whose user has left it and
	// looks at a shell that does not come back.
	screenLinger = 500 * time.Millisecond
	// glanceTime is how long a look into the past waits for what has come
	// since: a relay that answers at all has handed it over by then.
	glanceTime = 2 * time.Second
	// lateTime is how long a command that is late already waits to hear why.
	lateTime = 2 * time.Second
)

// call is one command at work on an account.
type call struct {
	*owner.Account
	ctx context.Context
	cmd *cobra.Command

	// As of before the account was started, so that nothing is missed.
	next   uint64 // position in the account's events
	latest int64  // cursor of the newest message, 0 if there is none
}

// with runs a command on the chosen account.
func (a *app) with(cmd *cobra.Command, do func(*call) error) error {
	acc, err := a.open(cmd)
	if err != nil {
		return err
	}
	c := &call{Account: acc, ctx: cmd.Context(), cmd: cmd}
	return errors.Join(c.run(do), acc.Close(linger))
}

func (c *call) run(do func(*call) error) error {
	if err := c.Registered(); err != nil {
		return err
	}
	batch, err := c.Events(c.ctx, 0)
	if err != nil {
		return err
	}
	c.next = batch.Next
	newest, err := c.History(c.ctx, client.Query{Limit: 1})
	if err != nil {
		return err
	}
	for _, m := range newest {
		c.latest = m.Cursor
	}
	if err := c.ctx.Err(); err != nil { // what works on the disk alone would not notice
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	return do(c)
}

// until waits for a condition on the account, which it asks about after each
// batch of events, and prints the warnings that came before it was met. When
// time is up it says why nothing has come. While a file moves, time begins anew.
func (c *call) until(timeout time.Duration, done func() (bool, error)) error {
	return c.follow(timeout, func([]client.Event) (bool, error) { return done() })
}

// follow is until for a condition that looks at the events: none come with the
// first call, and where some were lost.
func (c *call) follow(timeout time.Duration, done func([]client.Event) (bool, error)) error {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	limit := time.AfterFunc(timeout, cancel)
	defer limit.Stop()
	err := client.Await(ctx, c, &c.next, func(events []client.Event) (bool, error) {
		c.warn(events)
		if slices.ContainsFunc(events, moves) {
			limit.Reset(timeout)
		}
		return done(events)
	})
	switch {
	case err == nil:
		c.hearOut(ctx)
	case ctx.Err() != nil && c.ctx.Err() == nil:
		return c.late(timeout)
	}
	return err
}

// moves reports whether an event tells how far a file has come.
func moves(e client.Event) bool {
	return e.Kind == client.MessageChanged && e.Message.File != nil && e.Message.File.Done > 0
}

// hearOut takes the events that there are: a condition may be met by a step
// that has warned of something since the last batch.
func (c *call) hearOut(ctx context.Context) {
	newest, err := c.Events(ctx, 0)
	for err == nil && c.next < newest.Next {
		var batch client.Batch
		if batch, err = c.Events(ctx, c.next); err == nil {
			c.warn(batch.Events)
			c.next = batch.Next
		}
	}
}

// warn prints what the user should know of.
func (c *call) warn(events []client.Event) {
	for _, e := range events {
		if e.Kind == client.Warned {
			fmt.Fprintln(c.cmd.ErrOrStderr(), "warning:", e.Warning)
		}
	}
}

// late is the error of something that did not happen in time.
func (c *call) late(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(c.ctx, lateTime)
	defer cancel()
	s, err := c.Status(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return &client.Error{Code: client.CodeTimeout, Err: err, Text: fmt.Sprintf("Nothing came within %v, and the chat that is running with this profile does not answer. Continue it if it was stopped, or end it if it hangs.", timeout)}
	}
	if err != nil {
		return err
	}
	if s.State == client.Connected {
		return &client.Error{Code: client.CodeTimeout, Text: fmt.Sprintf("Nothing came within %v. What was queued stays queued.", timeout)}
	}
	return c.down(s)
}

// down is the error of a connection that does not come about.
func (c *call) down(s client.Status) error {
	reason, code := s.Reason, client.CodeUnreachable
	if reason == "" {
		reason = "The relay at " + c.Ref.Server + " does not answer."
	}
	if stuck(s) || s.Code == client.CodeRateLimit || s.Fatal && s.Code != "" {
		code = s.Code
	}
	queued := ""
	if s.Waiting > 0 && !s.Fatal {
		queued = fmt.Sprintf("\n%d waiting in the outbox: nothing is lost, it leaves when chat next reaches the relay.", s.Waiting)
	}
	return &client.Error{Code: code, Text: reason + queued}
}

// stuck reports whether the connection fails for a reason that a person has to
// look into: tries go on, and none will do before that.
func stuck(s client.Status) bool {
	return s.Code == client.CodeKeyChanged || s.Code == client.CodeStorage
}

// status is a condition for until on the connection. A connection that will
// not be tried again ends the wait, as does one that is stuck.
func (c *call) status(ok func(client.Status) bool) func() (bool, error) {
	return func() (bool, error) {
		s, err := c.Status(c.ctx)
		switch {
		case err != nil:
			return false, err
		case ok(s):
			return true, nil
		case s.Fatal || stuck(s):
			return false, c.down(s)
		}
		return false, nil
	}
}

// flush waits until the relay has everything that was queued.
func (c *call) flush(timeout time.Duration) error {
	return c.until(timeout, c.status(func(s client.Status) bool { return s.Waiting == 0 }))
}

// caughtUp waits until everything that the relay has kept for this device is
// in the profile.
func (c *call) caughtUp(timeout time.Duration) error {
	return c.until(timeout, c.status(func(s client.Status) bool { return s.CaughtUp }))
}

// contact gives a person that the account has a relation to.
func (c *call) contact(name string) (client.Contact, bool, error) {
	contacts, err := c.Contacts(c.ctx)
	for _, p := range contacts {
		if p.Name == name {
			return p, true, nil
		}
	}
	return client.Contact{}, false, err
}

// knows fails if there is a name and nobody of that name.
func (c *call) knows(name string) error {
	if name == "" {
		return nil
	}
	if isGroup(name) {
		_, err := c.group(name)
		return err
	}
	_, known, err := c.contact(name)
	if err == nil && !known {
		err = &client.Error{Code: client.CodeNotFound, Text: fmt.Sprintf("There is nobody called %q among your contacts. See: chat contacts", name)}
	}
	return err
}

// heardFrom waits where one of these people does not stand to the account as
// wanted, or is a group of which it does not reach every member, for their word may
// still be at the relay; not longer than it takes to be sure that it is not, and
// once for all of them. A disk that takes nothing in is no such answer.
func (c *call) heardFrom(want client.ContactState, timeout time.Duration, names ...string) error {
	for _, name := range names {
		if settled, err := c.stands(name, want); err != nil {
			return err
		} else if !settled {
			return c.hear(timeout)
		}
	}
	return nil
}

// stands reports whether a person or a group is known to be as wanted.
func (c *call) stands(name string, want client.ContactState) (bool, error) {
	if isGroup(name) && want == client.Accepted {
		g, _ := c.group(name)
		return g.State == client.Joined && !slices.ContainsFunc(g.Members, func(m client.Member) bool { return m.Reach == client.Stranger }), nil
	}
	p, _, err := c.contact(name)
	return p.State == want, err
}

// hear waits for all that the relay has, and says where it is not to be had.
func (c *call) hear(timeout time.Duration) error {
	err := c.caughtUp(timeout)
	if errors.Is(err, client.ErrStorage) {
		return err
	}
	c.tell(err)
	return c.ctx.Err()
}

// glance waits like caughtUp, but not for a relay that cannot be reached at
// once: the commands that use it have something to show all the same.
func (c *call) glance(timeout time.Duration) {
	c.tell(c.until(timeout, c.atOnce(func(s client.Status) bool { return s.CaughtUp })))
}

// connected waits until the relay has let this device in, like glance.
func (c *call) connected(timeout time.Duration) error {
	return c.until(timeout, c.atOnce(func(s client.Status) bool { return s.State == client.Connected }))
}

// atOnce is status for who does not wait for a second try.
func (c *call) atOnce(ok func(client.Status) bool) func() (bool, error) {
	return func() (bool, error) {
		s, err := c.Status(c.ctx)
		if err == nil && s.State == client.Offline {
			err = c.down(s)
		}
		return ok(s), err
	}
}

// tell says why the state may be an old one.
func (c *call) tell(err error) {
	if err != nil && c.ctx.Err() == nil {
		fmt.Fprintf(c.cmd.ErrOrStderr(), "%v\nWhat follows is as of the last connection.\n", err)
	}
}

// timeoutFlag adds --timeout to a command that waits for the relay.
func timeoutFlag(cmd *cobra.Command) *time.Duration {
	return cmd.Flags().Duration("timeout", defaultTimeout, "how long to wait for the relay")
}
