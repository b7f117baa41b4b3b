package client

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// maxEventText bounds the text of the events that are remembered, in
	// bytes: what MaxEvents messages of ordinary length take, many times over.
	maxEventText = 16 << 20
	// maxBatch and maxBatchText bound one batch, so that it fits a line of the
	// agent's protocol: so many events, and texts of so many bytes together
	// and the one that goes over.
	maxBatch     = 1024
	maxBatchText = 256 << 10
)

// eventLog remembers the latest events for any number of readers. Writers
// never wait for readers, and a reader costs nothing while it is away.
type eventLog struct {
	mu     sync.Mutex
	events []Event       // the latest, oldest first
	text   int           // bytes of text in events
	next   uint64        // position of the next event
	more   chan struct{} // closed when the next event comes
	closed error         // set once, ends reading when all is read
}

// newEventLog begins at a position that no log before it has reached, so that
// a reader who comes with a position of another owner is told that it lags.
func newEventLog(now time.Time) *eventLog {
	return &eventLog{next: uint64(now.UnixMicro()), more: make(chan struct{})}
}

func (l *eventLog) publish(events ...Event) {
	if len(events) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, events...)
	l.next += uint64(len(events))
	for i := range events {
		l.text += events[i].text()
	}
	l.forget()
	l.wake()
}

// forget drops the oldest events when there are too many or their text is too
// long. It drops some more, so that the rest is moved rarely.
func (l *eventLog) forget() {
	if len(l.events) <= MaxEvents+MaxEvents/4 && l.text <= maxEventText {
		return
	}
	drop := max(0, len(l.events)-MaxEvents)
	for i := range l.events {
		if i >= drop && l.text <= maxEventText*3/4 {
			drop = i
			break
		}
		l.text -= l.events[i].text()
	}
	l.events = append([]Event(nil), l.events[drop:]...)
}

// text is how many bytes of somebody's text an event holds.
func (e *Event) text() int {
	n := len(e.Warning)
	if e.Message != nil {
		n += len(e.Message.Text)
		if e.Message.File != nil {
			n += len(e.Message.File.Name) + len(e.Message.File.Saved)
		}
		if e.Message.Reply != nil {
			n += len(e.Message.Reply.Text)
		}
		for _, r := range e.Message.Reactions {
			n += len(r.Emoji)
		}
	}
	if e.Contact != nil {
		n += len(e.Contact.Note)
	}
	return n
}

func (l *eventLog) wake() {
	close(l.more)
	l.more = make(chan struct{})
}

// end lets readers return with err when they have read everything.
func (l *eventLog) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed == nil {
		l.closed = err
		l.wake()
	}
}

// after is Account.Events.
func (l *eventLog) after(ctx context.Context, after uint64) (Batch, error) {
	for {
		batch, more, err := l.poll(after)
		if err != nil || more == nil {
			return batch, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Batch{Next: after}, ctx.Err()
		}
	}
}

// poll returns a batch, or a channel to wait on.
func (l *eventLog) poll(after uint64) (Batch, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := l.next - uint64(len(l.events))
	switch {
	case l.closed != nil && (after == 0 || after >= l.next):
		return Batch{}, nil, l.closed
	case after == 0:
		return Batch{Next: l.next}, nil, nil
	case after > l.next, after < oldest:
		return Batch{Next: l.next, Lagged: true}, nil, nil
	case after == l.next:
		return Batch{}, l.more, nil
	}
	rest := l.events[after-oldest:]
	n := 0
	for text := 0; n < len(rest) && n < maxBatch && text < maxBatchText; n++ {
		text += rest[n].text()
	}
	return Batch{Events: append([]Event(nil), rest[:n]...), Next: after + uint64(n)}, nil, nil
}

// eventsOf says what a step has changed.
func (c *Client) eventsOf(st *step) (events []Event) {
	changed := func(m Message, err error) {
		if err == nil { // or it is gone again
			events = append(events, Event{Kind: MessageChanged, Message: &m})
		}
	}
	for _, added := range st.Messages {
		m := c.filled(added.Message)
		events = append(events, Event{Kind: MessageAdded, Message: &m})
		if !m.GoneAt.IsZero() {
			c.hourglass.turn()
		}
	}
	for _, s := range st.States {
		changed(c.store.Sent(s.ID))
	}
	for _, r := range st.Rewrites {
		changed(c.store.Written(r.Author, r.ID))
	}
	for _, r := range st.Reacts {
		changed(c.store.Written(r.Author, r.ID))
	}
	for _, r := range st.Saves {
		changed(c.store.Written(r.Author, r.ID))
	}
	for _, id := range slices.Backward(st.read) {
		changed(c.store.Sent(id))
	}
	for i := range st.touched {
		events = append(events, Event{Kind: ContactChanged, Contact: &st.touched[i]})
	}
	for i := range st.grouped {
		events = append(events, Event{Kind: GroupChanged, Group: &st.grouped[i]})
	}
	for _, w := range st.warnings {
		events = append(events, Event{Kind: Warned, Warning: w})
	}
	return events
}
