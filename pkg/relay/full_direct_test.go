package relay_test

import (
	"context"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// brimful is a store that has no room while it is full.
type brimful struct {
	relay.Mailboxes
	full bool
}

func (s *brimful) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	if !s.full {
		return s.Mailboxes.Append(ctx, ds)
	}
	return relay.Appended{Seqs: make([]uint64, len(ds)), StoreFull: true, Wait: func() error { return nil }}, nil
}

// TestFullStoreIsInNobodysWay: what was refused for want of room keeps nobody
// who is there from getting what comes next.
func TestFullStoreIsInNobodysWay(t *testing.T) {
	var s *brimful
	w := newWorld(t, func(c *relay.Config) {
		s = &brimful{Mailboxes: c.Mailboxes, full: true}
		c.Mailboxes = s
	})
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	id := a.message("at once", bob)
	b.ack(b.takes(id))
	delivered(a, bob, id)

	note, behind := &protocol.ConnectRequest{ID: crypto.NewMessageID(), Target: bob.addr(), Data: []byte("x")}, letter("behind it", bob)
	a.burst(note, behind)
	a.refused(note.ID, nil, protocol.CodeRelayFull)
	a.refused(behind.ID, bob, protocol.CodeRelayFull)
	id = a.message("at once again", bob)
	b.ack(b.takes(id))
	delivered(a, bob, id)
}
