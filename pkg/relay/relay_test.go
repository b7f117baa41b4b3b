package relay_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// TestConversation is the main job: two people meet and talk.
func TestConversation(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	a, b := w.login(alice), w.login(bob)

	id := a.request(bob)
	a.expectStored(id, nil)
	asked := expect[*protocol.ConnectionRequest](b)
	if asked.From != alice.addr() || asked.ID != id || string(asked.Data) != "request" {
		t.Fatalf("the request has changed: %s", protocol.Encode(asked))
	}
	b.ack(asked.Seq)
	b.expectStored(b.accept(alice), nil)
	accepted := expect[*protocol.ConnectionAccepted](a)
	a.ack(accepted.Seq)

	id = a.message("hello", bob)
	got := expect[*protocol.EncryptedMessage](b)
	if got.From != alice.addr() || got.ID != id || string(got.Data) != "hello" || got.Seq <= asked.Seq {
		t.Fatalf("the message has changed: %s", protocol.Encode(got))
	}
	b.ack(got.Seq)
	delivered(a, bob, id)
	b.expectSettled(alice)
	if left := w.entries(bob); len(left) != 0 {
		t.Errorf("%d entries are left", len(left))
	}
}

// TestHandler: the relay also serves behind a server of the caller's.
func TestHandler(t *testing.T) {
	w := newWorld(t)
	if w.relay.PublicKey() != w.key.Public() {
		t.Error("that is not the relay's key")
	}
	server := httptest.NewServer(w.relay.Handler())
	defer server.Close()
	w.addr = server.Listener.Addr().String()
	alice := w.register("alice")
	a := w.login(alice)
	a.refused(a.request(alice), nil, protocol.CodeSelf)
	w.stop()
	a.expectClose(1012)
	w.expectHTTP(w.request("GET", "/readyz", ""), http.StatusServiceUnavailable, protocol.CodeUnavailable)
}

func TestNewNeedsStores(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a relay without stores was made")
		}
	}()
	relay.New(relay.Config{Key: crypto.NewRelayPrivate()})
}

// BenchmarkMessage is one message after the other, from the sender's frame to
// the recipient's socket, its ack, and the receipt.
func BenchmarkMessage(b *testing.B) {
	w := newWorld(b)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	from, to := w.login(alice), w.online(bob)
	for b.Loop() {
		from.message("x", bob)
		to.ack(expect[*protocol.EncryptedMessage](to).Seq)
		expect[*protocol.Receipt](from)
	}
}
