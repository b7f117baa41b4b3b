package client

import (
	"slices"

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

// unshared gives the writer the list that the relay is to be told, if it is to.
// Without it, on a new connection, nobody is told of this device.
func (c *Client) unshared() (frame []byte, due bool) {
	if !c.presence.CompareAndSwap(true, false) {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	with := []crypto.Username{}
	if c.session.settings.Presence {
		with = c.session.followed()
	}
	return protocol.Encode(&protocol.SharePresence{With: with}), true
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
