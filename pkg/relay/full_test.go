package relay_test

import (
	"testing"

	"secure-messaging/pkg/protocol"
)

// TestAcceptanceToAFullMailbox: it is not lost, for then only one of the two
// would know that they are contacts.
func TestAcceptanceToAFullMailbox(t *testing.T) {
	w := newSmallWorld(t)
	alice, bob, carol := w.register("alice"), w.register("bob"), w.register("carol")
	w.befriend(bob, carol)
	b := w.login(bob)
	b.expectStored(b.request(alice), nil)

	c := w.login(carol) // fills bob's mailbox, whose messages he does not ack
	c.expectStored(c.message("x", bob), bob)
	c.expectStored(c.message("x", bob), bob)
	a := w.login(alice)
	expect[*protocol.ConnectionRequest](a)
	a.refused(a.accept(bob), nil, protocol.CodeUnavailable)
	a.expectClose(1011)

	expect[*protocol.EncryptedMessage](b)
	b.ack(expect[*protocol.EncryptedMessage](b).Seq)
	b.expectSettled(carol)
	a = w.login(alice)
	expect[*protocol.ConnectionRequest](a)
	a.expectStored(a.accept(bob), nil)
	expect[*protocol.ConnectionAccepted](b)

	// A request is refused like a message.
	d := w.login(w.register("dave"))
	e := w.login(w.register("erin"))
	d.expectStored(d.request(carol), nil)
	e.refused(e.request(carol), nil, protocol.CodeMailboxFull)
}
