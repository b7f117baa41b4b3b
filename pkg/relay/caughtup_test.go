package relay_test

import (
	"testing"

	"secure-messaging/pkg/protocol"
)

// TestCaughtUp: once on each connection, behind what had waited and before
// what comes later.
func TestCaughtUp(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a := w.login(alice)
	for range 300 { // more than one read of the mailbox, and than the window
		a.expectStored(a.message("waiting", bob), bob)
	}
	b := w.login(bob)
	for i := range 300 {
		f := expect[*protocol.EncryptedMessage](b)
		if b.caughtUp != 0 {
			t.Fatalf("caught_up came before message %d of 300", i+1)
		}
		if i%100 == 99 {
			b.ack(f.Seq)
		}
	}
	a.message("later", bob)
	a.message("later still", bob)
	expect[*protocol.EncryptedMessage](b)
	expect[*protocol.EncryptedMessage](b)
	if b.caughtUp != 1 {
		t.Fatalf("caught_up came %d times", b.caughtUp)
	}
}
