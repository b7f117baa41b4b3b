package client

import (
	"slices"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// The relay is told with whom this account shares that it is connected: all its
// contacts, or nobody. It is told on each connection, and when that changes.

// renewPresence lets the writer tell the relay anew.
func (c *Client) renewPresence() {
	c.presence.Store(true)
	c.signal()
}

// list is what the relay is to be told, or says how long that has to wait. It is
// sent once nothing is left of the outbox; that there is nobody any more, at once.
func (c *Client) list(drained bool) (frame []byte, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	with := []crypto.Username{}
	if c.session.settings.Presence {
		if wait := time.Until(c.shareAt); wait > 0 || !drained {
			return nil, max(wait, 0)
		}
		with = c.session.followed()
	}
	return protocol.Encode(&protocol.SharePresence{ID: c.share, With: with}), 0
}

// heardPresence takes a frame that is about presence: what the relay says of
// somebody, or that it wants to be told less often. It reports whether f was one.
func (c *Client) heardPresence(f protocol.Frame) bool {
	switch f := f.(type) {
	case *protocol.Presence:
		c.setOnline(f.User, f.State == protocol.Online)
		return true
	case *protocol.Error:
		if f.Code != protocol.CodeRateLimited || f.ID == nil {
			return false
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if *f.ID != c.share {
			return false
		}
		c.shareAt = time.Now().Add(slowFrame(f.RetryAfter).pause())
		c.renewPresence()
		return true
	}
	return false
}

// followed are the contacts whose presence is of interest, those who spoke last
// where they are too many.
func (s *session) followed() []crypto.Username {
	people := slices.DeleteFunc(s.list(), func(c Contact) bool { return c.State != Accepted || c.Trust == Changed })
	if len(people) > protocol.MaxPresence {
		slices.SortFunc(people, func(a, b Contact) int { return b.LastAt.Compare(a.LastAt) })
		people = people[:protocol.MaxPresence]
	}
	with := make([]crypto.Username, len(people))
	for i, c := range people {
		with[i] = crypto.Username(c.Name)
	}
	return with
}
