package relay_test

import (
	"testing"

	"secure-messaging/pkg/protocol"
)

// TestAcceptanceToAFullMailbox: it is not lost, for then only one of the two
// would know that they are contacts. Nor does anybody's full mailbox keep
// others from writing to others.
func TestAcceptanceToAFullMailbox(t *testing.T) {
	w := newSmallWorld(t)
	alice, bob, carol := w.register("alice"), w.register("bob"), w.register("carol")
	w.befriend(bob, carol)
	w.befriend(alice, carol)
	b := w.login(bob)
	b.expectStored(b.request(alice), nil)
	w.leave(b)
	c := w.online(carol) // fills bob's mailbox
	for range 2 {
		c.expectStored(c.message("x", bob), bob)
	}

	a := w.login(alice)
	a.ack(expect[*protocol.ConnectionRequest](a).Seq)
	a.expectStored(a.accept(bob), nil)
	a.refused(a.message("x", bob), bob, protocol.CodeMailboxFull)
	a.expectStored(a.accept(bob), nil) // as often as there were messages
	a.refused(a.accept(bob), nil, protocol.CodeMailboxFull)
	a.refused(a.request(bob), nil, protocol.CodeMailboxFull)
	id := a.message("x", carol)
	c.ack(expect[*protocol.EncryptedMessage](c).Seq)
	delivered(a, carol, id)

	b = w.login(bob)
	expect[*protocol.EncryptedMessage](b)
	expect[*protocol.EncryptedMessage](b)
	expect[*protocol.ConnectionAccepted](b)
}
