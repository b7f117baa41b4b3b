package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"secure-messaging/pkg/client"
)

// stream is all that one sender writes to one recipient, numbered from 1.
type stream struct{ from, to string }

// fanOut is to how many recipients a sender writes.
const fanOut = 3

// text is the message with a number. Its length varies, as that of messages
// does.
func (s stream) text(n int) string {
	return strconv.Itoa(n) + " " + strings.Repeat(s.from+" ", n*31%29)
}

// number is that of a text.
func number(text string) int {
	digits, _, _ := strings.Cut(text, " ")
	n, _ := strconv.Atoi(digits)
	return n
}

// progress is what is known of a stream.
type progress struct {
	heard []client.MessageState // what the sender has heard of each message, "" for nothing
	shown int                   // how many the recipient was shown, in order
}

// oracle knows what senders have heard and what recipients were shown, and
// notices the first message that is not where it should be.
type oracle struct {
	streams []stream // static, in a fixed order
	total   int      // static: messages in all

	mu      sync.Mutex // guards what follows
	of      map[stream]*progress
	shown   int
	stored  int // messages of which their sender has heard stored, and before delivered
	pending int // messages of which their sender has heard, not shown
	next    chan struct{}
}

// newOracle expects so many messages in each stream.
func newOracle(counts map[stream]int) *oracle {
	o := &oracle{of: map[stream]*progress{}, next: make(chan struct{})}
	for s, n := range counts {
		o.streams = append(o.streams, s)
		o.of[s] = &progress{heard: make([]client.MessageState, n)}
		o.total += n
	}
	slices.SortFunc(o.streams, func(a, b stream) int {
		return strings.Compare(a.from+" "+a.to, b.from+" "+b.to)
	})
	return o
}

// hear notes what a sender has heard of a message.
func (o *oracle) hear(s stream, n int, state client.MessageState) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.of[s]
	if p == nil || n < 1 || n > len(p.heard) {
		return fmt.Errorf("%s tells of a message %d to %s, which was never to be written (%s)", s.from, n, s.to, state)
	}
	switch state {
	case client.Failed:
		return fmt.Errorf("%s has failed for its sender", o.name(s, n))
	case client.Stored, client.Delivered:
		if p.heard[n-1] == "" {
			if state == client.Stored {
				o.stored++
			}
			if n > p.shown {
				o.pending++
			}
		}
		if p.heard[n-1] != client.Delivered {
			p.heard[n-1] = state
		}
		o.tell()
	}
	return nil
}

// show notes a message on a recipient's screen.
func (o *oracle) show(m client.Message, to string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := stream{m.From, to}
	p := o.of[s]
	if p == nil {
		return fmt.Errorf("%s is shown a message of %s, who does not write to them", to, m.From)
	}
	n := p.shown + 1
	switch {
	case m.Type == client.TypeMissing:
		return fmt.Errorf("lost: %s; %s is shown a gap of %s in its place", o.name(s, n), to, m.Text)
	case m.Type != client.TypeText:
		return fmt.Errorf("lost: %s; %s is shown a message of type %q in its place", o.name(s, n), to, m.Type)
	case n <= len(p.heard) && m.Text == s.text(n):
	case number(m.Text) > n:
		return fmt.Errorf("lost or out of order: %s; %s is shown message %d in its place", o.name(s, n), to, number(m.Text))
	default:
		return fmt.Errorf("twice or out of order: %s is shown message %d of %s again, behind %d", to, number(m.Text), m.From, p.shown)
	}
	if p.heard[n-1] != "" {
		o.pending--
	}
	p.shown++
	o.shown++
	o.tell()
	return nil
}

// name names a message and what its sender knows. mu is held.
func (o *oracle) name(s stream, n int) string {
	heard := "the sender has heard nothing of it"
	if p := o.of[s]; n <= len(p.heard) && p.heard[n-1] != "" {
		heard = "the sender has heard " + string(p.heard[n-1])
	}
	return fmt.Sprintf("message %d of %s to %s (%s)", n, s.from, s.to, heard)
}

// tell wakes who waits. mu is held.
func (o *oracle) tell() {
	close(o.next)
	o.next = make(chan struct{})
}

// await returns nil once done reports true of what is known. It calls done with
// mu held.
func (o *oracle) await(ctx context.Context, done func(*oracle) bool) error {
	for {
		o.mu.Lock()
		ok, next := done(o), o.next
		o.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// nudge lets everybody who waits look again.
func (o *oracle) nudge() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tell()
}

// missing returns an error that names a message which was promised and is not
// shown, to one of the recipients that are asked about; nil if there is none.
// mu is held.
func (o *oracle) missing(asked func(to string) bool) error {
	for _, s := range o.streams {
		p := o.of[s]
		for n := p.shown + 1; n <= len(p.heard) && asked(s.to); n++ {
			if p.heard[n-1] != "" {
				return fmt.Errorf("lost: %s is not on the screen of %s, who has all that the relay had", o.name(s, n), s.to)
			}
		}
	}
	return nil
}

// behind says which message has not arrived, when time is up.
func (o *oracle) behind() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.streams {
		if p := o.of[s]; p.shown < len(p.heard) {
			return fmt.Sprintf("%d of %d messages were shown; among those that were not is %s", o.shown, o.total, o.name(s, p.shown+1))
		}
	}
	return "all messages were shown"
}

func (o *oracle) counts() (shown, pending int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.shown, o.pending
}
