package relay_test

import (
	"testing"

	"secure-messaging/pkg/protocol"
)

// TestConversation is the main job: two people meet and talk.
func TestConversation(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	a, b := w.login(alice), w.login(bob)

	id := a.request(bob)
	a.expectStored(id, nil)
	asked := expect[*protocol.ConnectionRequest](b)
	if asked.From != alice.addr() || asked.ID != id || asked.Certificate.Hash() != alice.cert.Hash() || string(asked.Data) != "request" {
		t.Fatalf("the request has changed: %s", protocol.Encode(asked))
	}
	b.ack(asked.Seq)
	b.expectStored(b.accept(alice), nil)
	accepted := expect[*protocol.ConnectionAccepted](a)
	a.ack(accepted.Seq)

	id = a.message("hello", bob)
	a.expectStored(id, bob)
	got := expect[*protocol.EncryptedMessage](b)
	if got.From != alice.addr() || got.ID != id || string(got.Data) != "hello" || got.Seq <= asked.Seq {
		t.Fatalf("the message has changed: %s", protocol.Encode(got))
	}
	b.ack(got.Seq)
	receipt := expect[*protocol.Receipt](a)
	if receipt.State != protocol.ReceiptDelivered || receipt.ID != id || *receipt.Recipient != bob.addr() {
		t.Fatalf("not what says delivered: %s", protocol.Encode(receipt))
	}
	a.ack(receipt.Seq)
}
