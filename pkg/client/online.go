package client

import "secure-messaging/pkg/crypto"

// Whether a contact is online is the relay's word on the present connection. It
// lives in memory and is never stored.

// setOnline notes what the relay says of a contact, and tells of what is new.
// It counts only for people who are contacts, and where the user wants to know.
func (c *Client) setOnline(name crypto.Username, online bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.session.contacts[name]
	online = online && r.State == Accepted && c.session.settings.Presence
	if !ok || r.Online == online {
		return
	}
	r.Online = online
	c.session.contacts[name] = r
	c.events.publish(Event{Kind: ContactChanged, Contact: &r.Contact})
}

// nobodyOnline takes everybody for offline: the connection has ended, or the
// user does not want to know any more.
func (c *Client) nobodyOnline() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.session.list() {
		if known.Online {
			r := c.session.contacts[crypto.Username(known.Name)]
			r.Online = false
			c.session.contacts[crypto.Username(known.Name)] = r
			c.events.publish(Event{Kind: ContactChanged, Contact: &r.Contact})
		}
	}
}
