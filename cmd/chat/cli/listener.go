package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"secure-messaging/pkg/client"
)

const (
	// maxGiven is how many messages are given ahead of the acks of a consumer: more
	// than one handles at a time, and little to hand out again when it dies.
	maxGiven = 1000
	// maxAcks is how many acks are taken with one write to the disk.
	maxAcks = 256
)

// listener hands on incoming messages in the order of their cursors. Events only
// wake it: what it hands on it reads from the history, so that nothing is missed
// or doubled however far it falls behind.
type listener struct {
	// Static while it follows.
	from     string
	consumer string // whose place is kept; empty for nobody's
	max      int
	show     func(io.Writer, client.Message) error
	run      *runner       // takes messages in place of show; nil without
	acks     <-chan string // lines of a consumer that acks by itself; nil where handing on is handling
	noMore   error         // why they end, where that is no good end; read when acks is closed

	mu      sync.Mutex // guards what follows, against the taker of acks
	after   int64      // cursor of the last message that is not wanted any more
	now     bool       // that is the latest one, and not known yet
	placed  bool       // after is where the consumer stands, or was told to
	shown   int
	given   []int64 // cursors, oldest first, of what was shown and is to be acked by acks
	handled int64   // cursor of the last message that is handled
	acked   int64   // what of that the profile knows

	following bool        // has got as far as listening
	told      client.Code // why nothing comes
}

// errEnough ends the listening in good order.
var errEnough = errors.New("that was all")

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
	if err := l.place(c); err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(c.ctx)
	var taking sync.WaitGroup
	if l.acks != nil {
		taking.Go(func() { end(l.take(ctx, c)) })
	}
	err := client.Await(ctx, c, &c.next, func(events []client.Event) (bool, error) {
		c.warn(events)
		if done, err := l.drain(c); done || err != nil {
			return done, err
		}
		return false, l.look(c)
	})
	if cause := context.Cause(ctx); cause != nil && c.ctx.Err() == nil {
		err = cause
	}
	end(nil)
	taking.Wait()
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	c.hearOut(c.ctx)
	return nil
}

// place finds out where the consumer stands, once, and makes a new one. What was
// handled and could not be told to the process that held the profile is told now.
func (l *listener) place(c *call) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.consumer == "" {
		return nil
	}
	if l.placed {
		return l.ack(c)
	}
	all, err := c.Consumers(c.ctx)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(o client.Consumer) bool { return o.Name == l.consumer }); i >= 0 {
		l.after = all[i].Cursor
	} else if err := c.Ack(c.ctx, l.consumer, max(0, l.after)); err != nil {
		return err
	}
	l.placed, l.acked = true, max(0, l.after)
	if l.after == 0 {
		l.after = client.FromStart
	}
	return nil
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
	case (stuck(s) || s.Code == client.CodeRefused) && l.told != s.Code: // suspended, for instance
		fmt.Fprintln(c.cmd.ErrOrStderr(), "warning:", s.Reason)
	}
	l.told = s.Code
	return nil
}

// drain hands on what the history has behind the last message.
func (l *listener) drain(c *call) (done bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		limit := min(client.MaxLimit, maxGiven-len(l.given))
		if l.max > 0 {
			limit = min(limit, l.max-l.shown)
		}
		if limit <= 0 {
			return l.enough(), nil
		}
		ms, err := c.History(c.ctx, client.Query{Contact: l.from, After: l.after, Limit: limit, Incoming: true})
		if err != nil {
			return false, err
		}
		for _, m := range ms {
			if err := l.handOn(c, m); err != nil {
				return false, err
			}
		}
		if err := l.ack(c); err != nil || l.enough() {
			return err == nil, err
		}
		if len(ms) < limit {
			return false, nil
		}
	}
}

// enough reports whether all that was asked for is handed on, and acked. mu is held.
func (l *listener) enough() bool { return l.max > 0 && l.shown >= l.max && len(l.given) == 0 }

// handOn hands on one message. mu is held.
func (l *listener) handOn(c *call, m client.Message) error {
	var err error
	if l.run != nil {
		err = l.run.handle(c.ctx, m)
	} else {
		err = l.show(c.cmd.OutOrStdout(), m)
	}
	if err != nil {
		return err
	}
	l.after = m.Cursor
	l.shown++
	if l.acks != nil {
		l.given = append(l.given, m.Cursor)
		return nil
	}
	l.handled = m.Cursor
	if l.run != nil {
		return l.ack(c)
	}
	return nil
}

// ack tells the profile what is handled. mu is held.
func (l *listener) ack(c *call) error {
	if l.consumer == "" || l.handled <= l.acked {
		return nil
	}
	if err := c.Ack(c.ctx, l.consumer, l.handled); err != nil {
		return err
	}
	l.acked = l.handled
	return nil
}

// take takes acks until ctx ends, or there are no more of them.
func (l *listener) take(ctx context.Context, c *call) error {
	for {
		select {
		case line, more := <-l.acks:
			if !more && l.noMore != nil {
				return wrongUsage(fmt.Sprintf("The acks on standard input end: %v. Write one cursor a line.", l.noMore))
			}
			if !more {
				return errEnough
			}
			if err := l.takeAll(c, line); err != nil {
				return err
			}
			if done, err := l.drain(c); err != nil {
				return err
			} else if done {
				return errEnough
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// takeAll takes a line and those that have come with it, with one write.
func (l *listener) takeAll(c *call, line string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.note(line)
	for range len(l.acks) {
		if err == nil {
			err = l.note(<-l.acks)
		}
	}
	return errors.Join(err, l.ack(c))
}

// note takes the cursor in a line. mu is held.
func (l *listener) note(line string) error {
	cursor, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil || cursor < 0 || cursor > max(l.after, l.acked) {
		return wrongUsage(fmt.Sprintf("%.40q is no cursor of a message that was printed. Write the cursor of the last message that is handled, one a line.", line))
	}
	l.handled = max(l.handled, cursor)
	n := slices.IndexFunc(l.given, func(c int64) bool { return c > cursor })
	if n < 0 {
		n = len(l.given)
	}
	l.given = slices.Delete(l.given, 0, n)
	return nil
}

// readAcks makes acks the lines of a stream, until it or ctx ends.
func (l *listener) readAcks(ctx context.Context, in io.Reader) {
	lines := make(chan string, maxAcks)
	l.acks = lines
	go func() {
		defer close(lines)
		s := bufio.NewScanner(in)
		for s.Scan() {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
		l.noMore = s.Err()
	}()
}
