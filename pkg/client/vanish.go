package client

import (
	"context"
	"time"
)

const (
	// vanishBatch is how many messages disappear in one transaction, while
	// everything else waits.
	vanishBatch = 256
	// vanishLook is how often a clock is looked at that may have been set, or
	// have run on while the machine slept.
	vanishLook = time.Minute
	// vanishApart keeps a store that is of two minds about what is due from
	// being asked for ever; nobody sees a tenth of a second.
	vanishApart = time.Second / 10
	// vanishRetry is when a disk that did not take it is tried again.
	vanishRetry = time.Minute
)

// hourglass is turned when a message may have to disappear sooner than was
// known.
type hourglass chan struct{} // capacity 1

func (h hourglass) turn() {
	select {
	case h <- struct{}{}:
	default:
	}
}

// vanish lets messages disappear when their time has come, until ctx ends.
func (c *Client) vanish(ctx context.Context) {
	warned := ""
	for ctx.Err() == nil {
		wait, err := c.vanishDue(time.Now())
		switch {
		case err == nil:
			warned = ""
		case err.Error() != warned: // once, while it lasts
			warned = err.Error()
			c.events.publish(Event{Kind: Warned, Warning: warned})
		}
		var due <-chan time.Time // an idle program is not woken
		if wait >= 0 {
			due = time.After(wait)
		}
		turned := c.hourglass
		if err != nil {
			turned = nil // nothing is gained by trying sooner
		}
		select {
		case <-due:
		case <-turned:
		case <-ctx.Done():
		}
	}
}

// vanishDue lets a batch of messages disappear and says when to come again;
// never, where that is below zero.
func (c *Client) vanishDue(now time.Time) (wait time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone, next, err := c.store.Vanish(now, vanishBatch)
	if err != nil {
		return vanishRetry, err
	}
	events := make([]Event, len(gone))
	for i := range gone {
		events[i] = Event{Kind: MessageGone, Message: &gone[i]}
	}
	c.events.publish(events...)
	switch {
	case len(gone) == vanishBatch:
		return 0, nil
	case next.IsZero():
		return -1, nil
	}
	return min(max(vanishApart, next.Sub(now)), vanishLook), nil
}
