package client

import (
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// published reads the frames of prekeys in the outbox.
func (p *person) published() (frames []*protocol.PublishPrekeys) {
	p.w.t.Helper()
	items, err := p.store.Outbox(0, MaxOutbox)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, it := range items {
		f, err := protocol.DecodeFromClient(it.Frame)
		if err != nil {
			p.w.t.Fatal(err)
		}
		if f, ok := f.(*protocol.PublishPrekeys); ok {
			frames = append(frames, f)
		}
	}
	return frames
}

// The stock is filled when the relay says that it is low, once, with keys that
// this device has signed and keeps the secrets of.
func TestStockIsFilled(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.people["alice"]
	low := &protocol.PrekeyStock{Signed: 1, OneTime: 3}
	alice.receives(&protocol.PrekeyStock{Signed: 1, OneTime: protocol.LowPrekeys + 1})
	if n := len(alice.published()); n != 0 {
		t.Fatalf("%d frames for a stock that is not low", n)
	}
	for range 2 {
		alice.receives(low)
		alice.restart()
	}
	frames := alice.published()
	if len(frames) != 1 || len(frames[0].OneTime) != prekeyStock-3 || frames[0].Signed != nil || alice.waiting != 0 {
		t.Fatalf("%d frames, %d waiting", len(frames), alice.waiting)
	}
	last := crypto.PrekeyID(1)
	for _, raw := range frames[0].OneTime {
		k, err := crypto.ParsePrekey(raw, alice.cert())
		if err != nil || k.Kind != crypto.PrekeyOneTime || k.ID != last+1 {
			t.Fatalf("id %d behind %d, %v", k.ID, last, err)
		}
		if secret, err := alice.store.Prekey(k.Kind, k.ID); err != nil || secret.Hash(alice.cert()) != k.Hash() {
			t.Fatalf("its secret: %v", err)
		}
		last = k.ID
	}
	alice.reconnect()
	alice.hear()
	if len(alice.outbox) != 0 {
		t.Fatal("the receipt settles nothing")
	}
	for id := range alice.store.prekeys { // all are used up
		if id > 1 {
			delete(alice.store.prekeys, id)
		}
	}
	alice.restart()
	alice.receives(low)
	k, err := crypto.ParsePrekey(alice.published()[0].OneTime[0], alice.cert())
	if err != nil || k.ID != last+1 {
		t.Errorf("id %d is given again, %v", k.ID, err)
	}
}

// A relay that goes on asking for keys gets the oldest forgotten.
func TestOneTimePrekeysAreBounded(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.people["alice"]
	for range maxOneTime/prekeyStock + 3 {
		alice.stocks()
	}
	if n := len(alice.store.prekeys); n != maxOneTime+1 || len(alice.prekeys) != n {
		t.Errorf("%d prekeys are kept", n)
	}
	if _, err := alice.store.Prekey(crypto.PrekeyOneTime, 2); err == nil {
		t.Error("the oldest is still there")
	}
}

// A signed prekey serves a week, and its secret two more.
func TestSignedPrekeyRotates(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	carol := w.people["carol"]
	bob.asks(alice, "")   // under the first, and late
	carol.asks(alice, "") // later still
	maintain := func(p *person) {
		t.Helper()
		p.must(func(s *session) (*step, error) { return s.maintain(nil, w.now) })
		p.reconnect()
		p.hear()
	}
	pass := func(d time.Duration) { w.now = w.now.Add(d) }
	pass(prekeyRotation - time.Second)
	maintain(alice)
	if got := alice.newestSigned().ID; got != 1 {
		t.Errorf("id %d too early", got)
	}
	pass(time.Second)
	alice.must(func(s *session) (*step, error) { return s.maintain(nil, w.now) })
	frames := alice.published()
	if len(frames) != 1 || frames[0].Signed == nil {
		t.Fatal("nothing is published")
	}
	if k, err := crypto.ParsePrekey(frames[0].Signed, alice.cert()); err != nil || k.Kind != crypto.PrekeySigned || k.ID != 2 {
		t.Errorf("%+v, %v", k.ID, err)
	}
	maintain(alice)
	pass(prekeyGrace - time.Second)
	maintain(alice)
	alice.restart()
	bob.reconnect()
	alice.drain()
	w.wants(alice, bob, Incoming)
	if n := len(alice.store.requests); n != 1 {
		t.Errorf("%d requests are remembered", n)
	}
	pass(time.Second)
	maintain(alice)
	if n := len(alice.store.requests); n != 0 {
		t.Errorf("%d requests are remembered beyond their prekey", n)
	}
	carol.reconnect()
	alice.drain()
	if _, ok := alice.contacts["carol"]; ok || len(alice.warnings) != 1 {
		t.Errorf("opened under a prekey that is gone; warnings %q", alice.warnings)
	}
}

// A relay that has lost the newest signed prekey gets it again, as it was.
func TestSignedPrekeyIsPublishedAgain(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.people["alice"]
	w.now = w.now.Add(prekeyRotation)
	alice.must(func(s *session) (*step, error) { return s.maintain(nil, w.now) })
	alice.reconnect()
	alice.hear()
	alice.receives(&protocol.PrekeyStock{Signed: 1, OneTime: 50})
	frames := alice.published()
	if len(frames) != 1 || len(frames[0].OneTime) != 0 {
		t.Fatalf("%d frames", len(frames))
	}
	k, err := crypto.ParsePrekey(frames[0].Signed, alice.cert())
	if second, _ := alice.store.Prekey(crypto.PrekeySigned, 2); err != nil || k.ID != 2 || k.Hash() != second.Hash(alice.cert()) {
		t.Errorf("%d, %v", k.ID, err)
	}
}

// A profile that was put back to an older copy of itself has no secret of what
// the relay hands out: it publishes a new prekey, above all that were given.
func TestOlderProfilePublishesAnew(t *testing.T) {
	for name, tt := range map[string]struct{ relay, want crypto.PrekeyID }{
		"behind": {9, 10}, "a relay that lies": {1 << 31, 2},
	} {
		w := newWorld(t, "alice")
		alice := w.people["alice"]
		alice.receives(&protocol.PrekeyStock{Signed: tt.relay, OneTime: 50})
		frames := alice.published()
		if len(frames) != 1 {
			t.Fatalf("%s: %d frames", name, len(frames))
		}
		k, err := crypto.ParsePrekey(frames[0].Signed, alice.cert())
		if err != nil || k.ID != tt.want || alice.newestSigned().ID != tt.want {
			t.Errorf("%s: %d, %v", name, k.ID, err)
		}
	}
}

// However often a relay makes the next signed prekey due, few are kept.
func TestSignedPrekeysAreBounded(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.people["alice"]
	for range maxSigned + 3 {
		alice.receives(&protocol.PrekeyStock{Signed: alice.newestSigned().ID + 1, OneTime: 50})
		alice.reconnect()
		alice.hear()
	}
	if n := len(alice.store.prekeys); n != maxSigned {
		t.Errorf("%d are kept", n)
	}
}

// remembers fills the store with as many requests under the first prekey.
func (p *person) remembers(n int) {
	p.w.t.Helper()
	for range n {
		var b [crypto.KeySize]byte
		id := crypto.NewMessageID()
		copy(b[:], id[:])
		b[31] = 9
		key, err := crypto.ParseBoxPublic(b[:])
		if err != nil {
			p.w.t.Fatal(err)
		}
		p.store.requests[Handshake{1, key}] = true
	}
}

// Requests under one signed prekey are remembered, up to a limit.
func TestHandshakesAreBounded(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	alice.remembers(maxHandshakes)
	bob.asks(alice, "")
	bob.reconnect()
	request := alice.mailbox[0]
	unmoved(t, alice, true, request)
	for h := range alice.store.requests {
		delete(alice.store.requests, h)
		break
	}
	alice.drain()
	w.wants(alice, bob, Incoming)
}
