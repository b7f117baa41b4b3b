package client

import (
	"context"
	"sync"
)

// eventLog remembers the latest MaxEvents events for any number of readers.
// Writers never wait for readers, and a reader costs nothing while it is away.
type eventLog struct {
	mu     sync.Mutex
	events []Event       // the latest, oldest first, at most MaxEvents
	next   uint64        // position of the next event; the first is 1
	more   chan struct{} // closed when the next event comes
	closed error         // set once, ends all reading
}

func newEventLog() *eventLog {
	return &eventLog{next: 1, more: make(chan struct{})}
}

func (l *eventLog) publish(events ...Event) {
	if len(events) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, events...)
	l.next += uint64(len(events))
	if over := len(l.events) - MaxEvents; over > MaxEvents/4 { // move rarely
		l.events = append([]Event(nil), l.events[over:]...)
	}
	l.wake()
}

func (l *eventLog) wake() {
	close(l.more)
	l.more = make(chan struct{})
}

// end lets all readers return with err.
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
	last := l.next - 1
	switch {
	case l.closed != nil:
		return Batch{}, nil, l.closed
	case after == 0:
		return Batch{Next: l.next}, nil, nil
	case after > l.next: // from another life of the owner
		return Batch{Next: l.next, Lagged: true}, nil, nil
	case after == l.next:
		return Batch{}, l.more, nil
	}
	oldest := last - uint64(len(l.events)) + 1
	if after < oldest {
		return Batch{Next: l.next, Lagged: true}, nil, nil
	}
	batch := append([]Event(nil), l.events[after-oldest:]...)
	return Batch{Events: batch, Next: l.next}, nil, nil
}
