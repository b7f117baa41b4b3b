package client

import (
	"context"
	"errors"
	"maps"
	"slices"

	e2e "secure-messaging/pkg/crypto/session"
)

// Reconnect asks every contact with whom there is no session, as after the
// account has moved to a new device, for one; their device accepts by itself. It
// returns whom it has asked, and why not others. One who cannot be asked keeps
// nobody else waiting; a relay that does not answer, or wants to be asked less,
// ends it, and the next call goes on.
func (c *Client) Reconnect(ctx context.Context) (asked []string, err error) {
	for _, name := range c.withoutSession() {
		_, why := c.Connect(ctx, name, "")
		if why == nil {
			asked = append(asked, name)
			continue
		}
		err = errors.Join(err, why)
		if ctx.Err() != nil || errors.Is(why, ErrUnreachable) || errors.Is(why, ErrRateLimit) {
			break
		}
	}
	return asked, err
}

// withoutSession names the contacts to whom nothing can be sealed, and who are to
// be asked without their user's having to look first.
func (c *Client) withoutSession() (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, user := range slices.Sorted(maps.Keys(c.session.contacts)) {
		r := c.session.contacts[user]
		if peer, err := e2e.Restore(r.Session); r.State == Accepted && r.mustLook() == nil && err == nil && !peer.Begun() {
			names = append(names, r.Name)
		}
	}
	return names
}
