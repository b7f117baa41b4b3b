package relay_test

import (
	"context"
	"sync/atomic"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// lateDelete is a store whose deletions wait, once it is told to.
type lateDelete struct {
	relay.Mailboxes
	on            atomic.Bool
	reached, goOn chan struct{}
}

func (s *lateDelete) Delete(ctx context.Context, owner crypto.Address, upTo uint64) error {
	if s.on.CompareAndSwap(true, false) {
		close(s.reached)
		<-s.goOn
	}
	return s.Mailboxes.Delete(ctx, owner, upTo)
}

// TestSentAgainWhileAcked: who sends a message again after it was acked, and
// before it is forgotten, hears that it is stored, and then that it is
// delivered, though the first word of that went to a connection that is dead.
func TestSentAgainWhileAcked(t *testing.T) {
	s := &lateDelete{reached: make(chan struct{}), goOn: make(chan struct{})}
	w := newWorld(t, func(c *relay.Config) {
		s.Mailboxes = c.Mailboxes
		c.Mailboxes = s
	})
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	dead := w.online(alice)
	f := &protocol.SendMessage{ID: crypto.NewMessageID(), Recipients: []crypto.Address{bob.addr()}, EncryptedData: []protocol.Sealed{[]byte("x")}}
	dead.send(f)
	dead.expectStored(f.ID, bob)
	b := w.login(bob)
	seq := b.nextMessage().Seq
	s.on.Store(true)
	b.ack(seq)
	<-s.reached
	a := w.login(alice)
	a.send(f)
	a.expectStored(f.ID, bob)
	close(s.goOn)
	delivered(a, bob, f.ID)
}
