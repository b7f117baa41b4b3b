package client

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func (p *person) decides(o *person, d Decision, number string) (*step, error) {
	return p.do(func(s *session) (*step, error) { return s.trust(o.name, d, number, p.w.now) })
}

func (p *person) number(o *person) Safety {
	p.w.t.Helper()
	f, err := p.safety(o.name)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return f
}

// Both see the same number, and a mark is for the number that was compared.
func TestVerify(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	f := alice.number(bob)
	if f.Number != bob.number(alice).Number || len(f.Number) != 60 || f.Trust != Pinned || f.Offered != "" || f.QR == "" {
		t.Errorf("alice sees %+v, bob %+v", f, bob.number(alice))
	}
	if _, err := alice.safety("carol"); !errors.Is(err, ErrNotContact) {
		t.Errorf("a stranger's number: %v", err)
	}
	if _, err := alice.decides(bob, MarkVerified, strings.Repeat("1", 60)); !errors.Is(err, ErrConflict) {
		t.Errorf("another number: %v", err)
	}
	if _, err := alice.decides(bob, MarkVerified, f.Number[:30]+" \n"+f.Number[30:]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if c := alice.contacts["bob"]; c.Trust != Verified {
			t.Errorf("trust is %q", c.Trust)
		}
		alice.restart()
	}
	alice.says(bob, "hi")
	w.settle()
	if alice.number(bob).Trust != Verified {
		t.Error("a message has changed it")
	}
	if _, err := alice.decides(bob, MarkPinned, f.Number); err != nil || alice.number(bob).Trust != Pinned {
		t.Errorf("taken back: %v", err)
	}
	for _, d := range []Decision{TakeKey, "odd"} {
		if _, err := alice.decides(bob, d, f.Number); err == nil {
			t.Errorf("%s without an offer works", d)
		}
	}
}

// The relay shows another key for a contact, by a look-up or with a request.
// Nothing is sealed for it, and nothing goes to the old one, until the user
// has decided.
func TestAttackSwappedKey(t *testing.T) {
	for name, swap := range map[string]func(*world, *person, *person) error{
		"at a look-up": func(w *world, alice, other *person) error {
			c := alice.contacts["bob"]
			c.Lost = 1 // so that she asks anew
			alice.contacts["bob"] = c
			_, err := alice.do(alice.connecting(other, ""))
			return err
		},
		"with a request": func(w *world, alice, other *person) error {
			note := newContent(contentRequest, "it is me", w.now)
			alice.receives(&protocol.ConnectionRequest{Seq: 7, From: other.cert().Address(), ID: note.ID, Time: 1, Data: requested(w.t, other, alice, note)})
			return errors.New(strings.Join(alice.warnings, "\n"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			alice, bob := w.pair("alice", "bob")
			w.befriend(alice, bob)
			f := alice.number(bob)
			alice.decides(bob, MarkVerified, f.Number)
			queued := parseID(t, alice.says(bob, "to the old key").ID)
			other := evil(w, "bob", w.relay.Public())
			err := swap(w, alice, other)
			if got := string(other.cert().Account.Fingerprint()); err == nil || !strings.Contains(err.Error(), got) || !strings.Contains(err.Error(), "chat verify bob") {
				t.Errorf("it says %v", err)
			}
			changed := func() {
				t.Helper()
				now := alice.number(bob)
				if now.Trust != Changed || now.Number != f.Number || now.Offered == "" || now.Offered == now.Number {
					t.Errorf("%+v", now)
				}
				if _, err := alice.do(func(s *session) (*step, error) { return s.send("bob", "hi", about{}, w.now) }); !errors.Is(err, ErrPeerChanged) {
					t.Errorf("send: %v", err)
				}
				if _, err := alice.do(alice.connecting(other, "")); !errors.Is(err, ErrPeerChanged) {
					t.Errorf("connect: %v", err)
				}
				if _, err := alice.decides(bob, MarkVerified, f.Number); !errors.Is(err, ErrPeerChanged) {
					t.Errorf("verified: %v", err)
				}
				if alice.contacts["bob"].Certificate.Account != bob.cert().Account {
					t.Fatal("the pin has moved")
				}
			}
			changed()
			alice.restart()
			changed()
			offered := alice.number(bob).Offered
			if _, err := alice.decides(bob, TakeKey, f.Number); !errors.Is(err, ErrConflict) {
				t.Errorf("the new key is taken for the old number: %v", err)
			}

			t.Run("kept", func(t *testing.T) {
				w.t = t
				alice := alice.fork()
				if _, err := alice.decides(bob, KeepKey, f.Number); err != nil {
					t.Fatal(err)
				}
				if alice.number(bob).Trust != Verified {
					t.Error("the mark is gone")
				}
				alice.says(bob, "hi")
				alice.warnings = nil
				swap(w, alice, other)
				if alice.number(bob).Trust != Verified {
					t.Error("what was refused is offered again")
				}
				if _, err := alice.decides(bob, MarkPinned, f.Number); err != nil {
					t.Fatal(err)
				}
				if swap(w, alice, other); alice.number(bob).Trust != Changed {
					t.Error("a refusal cannot be taken back")
				}
			})
			t.Run("taken", func(t *testing.T) {
				w.t = t
				alice := alice.fork()
				if _, err := alice.decides(bob, TakeKey, offered); err != nil {
					t.Fatal(err)
				}
				c := alice.contacts["bob"]
				if c.Trust != Pinned || c.State != Known || c.Certificate.Account != other.cert().Account || len(c.Session) != 0 {
					t.Errorf("%+v", c)
				}
				if m, _ := alice.store.Sent(queued); m.State != Failed || !strings.Contains(m.Reason, "key of bob has changed") {
					t.Errorf("what was queued is %s: %s", m.State, m.Reason)
				}
				if len(alice.outbox) != 0 {
					t.Errorf("outbox %v", alice.outbox)
				}
				if _, err := alice.do(alice.connecting(other, "")); err != nil {
					t.Errorf("asking the new key: %v", err)
				}
			})
		})
	}
}

// What is kept back under a new key leaves a gap like any other.
func TestTakenKeyCountsAnew(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	for range 5 {
		bob.says(alice, "x")
	}
	w.settle()
	other := evil(w, "bob", w.relay.Public())
	note := newContent(contentRequest, "me", w.now)
	alice.receives(&protocol.ConnectionRequest{Seq: 7, From: other.cert().Address(), ID: note.ID, Time: 1, Data: requested(w.t, other, alice, note)})
	f := alice.number(bob)
	if f.Offered == "" {
		t.Fatal(alice.warnings)
	}
	if _, err := alice.decides(bob, TakeKey, f.Offered); err != nil {
		t.Fatal(err)
	}
	if alice.contacts["bob"].Heard != 0 {
		t.Error("the count of the old key goes on for the new one")
	}
}

func TestKeepWhatNobodyOffers(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	c := alice.contacts["bob"]
	c.State = Known
	alice.contacts["bob"] = c
	st, err := alice.decides(bob, KeepKey, alice.number(bob).Number)
	if err != nil || len(st.Contacts) == 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

// A block that has not left yet is not among what a new key makes void.
func TestTakenKeyLeavesTheBlock(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	other := evil(w, "bob", w.relay.Public())
	note := newContent(contentRequest, "me", w.now)
	alice.receives(&protocol.ConnectionRequest{Seq: 7, From: other.cert().Address(), ID: note.ID, Time: 1, Data: requested(w.t, other, alice, note)})
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	if _, err := alice.decides(bob, TakeKey, alice.number(bob).Offered); err != nil {
		t.Fatal(err)
	}
	for _, it := range alice.outbox {
		if it.Kind == kindBlock {
			return
		}
	}
	t.Errorf("state %s, and the block never leaves", alice.contacts["bob"].State)
}

// What the relay, or the other side, has forgotten is agreed on again when its
// user asks.
func TestForgottenContactIsAskedAnew(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	id := parseID(t, alice.says(bob, "hi").ID)
	alice.receives(&protocol.Error{Code: protocol.CodeNotContact, Message: "no", ID: &id})
	if st := alice.must(alice.connecting(bob, "")); len(st.Enqueue) != 1 || st.Enqueue[0].Kind != kindRequest {
		t.Fatalf("asking queues %d frames", len(st.Enqueue))
	}
	w.settle()
	bob.says(alice, "again")
	w.settle()
	if got := alice.texts(bob); got[len(got)-1] != "bob: again" {
		t.Errorf("%q", got)
	}
}

// fork is the same device with a copy of its store.
func (p *person) fork() *person {
	m := p.store
	store := &MemStore{
		keys: m.keys, contacts: map[string]ContactRecord{}, prekeys: map[crypto.PrekeyID]heldPrekey{}, requests: map[Handshake]bool{}, heard: maps.Clone(m.heard), settings: m.settings,
		messages: append([]NewMessage(nil), m.messages...), outbox: append([]OutboxItem(nil), m.outbox...),
		cursor: m.cursor, position: m.position, prekey: m.prekey,
	}
	for k, v := range m.contacts {
		v.Session = append([]byte(nil), v.Session...)
		store.contacts[k] = v
	}
	for k, v := range m.prekeys {
		store.prekeys[k] = v
	}
	for k, v := range m.requests {
		store.requests[k] = v
	}
	f := &person{w: p.w, name: p.name, store: store}
	f.restart()
	return f
}
