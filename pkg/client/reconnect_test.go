package client

import (
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// moves puts a person on a new device, as a restoration does: with contacts, and
// without sessions.
func (p *person) moves() {
	p.w.t.Helper()
	p.w.now = p.w.now.Add(time.Minute)
	keys, first, err := NewDevice(p.keys.Server, p.keys.Relay, p.keys.Account, p.name, p.w.now)
	if err != nil {
		p.w.t.Fatal(err)
	}
	store := NewMemStore(keys, first)
	for name, c := range p.contacts {
		c.Session, c.Heard, c.Lost, c.Sent = nil, 0, 0, 0
		store.contacts[string(name)] = c
	}
	p.store, p.mailbox, p.w.handed[p.name] = store, nil, 0
	p.restart()
}

// refusedAs is the relay's word on a message that was sent to a device which is gone.
func (p *person) refusedAs(m Message, code protocol.Code) {
	p.w.t.Helper()
	var id crypto.MessageID
	if err := id.UnmarshalText([]byte(m.ID)); err != nil {
		p.w.t.Fatal(err)
	}
	p.receives(&protocol.Error{ID: &id, Code: code, Message: "gone"})
}

// Whoever hears that a contact has a new device, of which nothing comes, can ask
// it; it accepts by itself.
func TestAskWhoMoved(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	alice.moves()
	bob.refusedAs(bob.says(alice, "are you there"), protocol.CodeUnknownDevice)
	bob.asks(alice, "")
	w.settle()
	bob.says(alice, "and now")
	w.settle()
	if got := alice.texts(bob); len(got) != 1 || got[0] != "bob: and now" {
		t.Errorf("alice has %q", got)
	}
	alice.says(bob, "here I am")
	w.settle()
	if got := bob.texts(alice); got[len(got)-1] != "alice: here I am" {
		t.Errorf("bob has %q", got)
	}
}

// What was sealed for the device before and is refused after the new one has been
// heard counts as nothing that the new one has lost: a gap stays a gap.
func TestRefusedForDeviceBefore(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	old := bob.says(alice, "to the old device")
	alice.moves()
	alice.asks(bob, "")
	alice.reconnect()
	bob.drain()
	bob.refusedAs(old, protocol.CodeUnknownDevice)
	if m := bob.latestIn("alice"); m.State != Failed {
		t.Errorf("it is %s", m.State)
	}
	if c := bob.contacts["alice"]; c.Lost != 0 || c.broken() {
		t.Errorf("%d count as lost", c.Lost)
	}
}
