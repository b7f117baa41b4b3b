package client

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func TestConversation(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	alice.asks(bob, "from work")
	w.wants(alice, bob, Requested)
	w.settle()
	w.wants(bob, alice, Incoming)
	c := bob.contacts["alice"]
	if c.Note != "from work" || c.Fingerprint != string(alice.keys.Account.Public().Fingerprint()) {
		t.Errorf("bob sees %+v", c.Contact)
	}
	bob.accepts(alice)
	bob.says(alice, "hello") // before alice has heard that he accepts
	w.settle()
	w.wants(alice, bob, Accepted)
	m := alice.says(bob, "hi")
	if m.State != Waiting || m.Cursor == 0 || alice.waiting != 1 {
		t.Errorf("sent %+v, %d waiting", m, alice.waiting)
	}
	state := func(want MessageState) {
		t.Helper()
		id := crypto.MessageID{}
		id.UnmarshalText([]byte(m.ID))
		if got, err := alice.store.Sent(id); err != nil || got.State != want {
			t.Errorf("state %s, want %s", got.State, want)
		}
	}
	alice.reconnect()
	alice.hear()
	state(Stored)
	if len(alice.outbox) != 1 || alice.waiting != 0 {
		t.Errorf("outbox %v, %d waiting: kept until delivered, and not counted", alice.outbox, alice.waiting)
	}
	bob.drain()
	alice.drain()
	state(Delivered)
	for _, p := range []*person{alice, bob} {
		o := w.people[map[string]crypto.Username{"alice": "bob", "bob": "alice"}[p.name]]
		if diff := cmp.Diff([]string{"bob: hello", "alice: hi"}, p.texts(o)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.name, diff)
		}
		if len(p.outbox) != 0 || len(p.store.outbox) != 0 || len(p.warnings) != 0 {
			t.Errorf("%s: outbox %v, warnings %q", p.name, p.outbox, p.warnings)
		}
	}
	bob.says(alice, "answered, not read")
	if got := bob.contacts["alice"]; got.Unread != 1 || got.LastAt.IsZero() {
		t.Errorf("bob's contact %+v", got.Contact)
	}
}

// Whatever is cut, killed, refused by a disk or sent again, in whatever order:
// each message is there once, and each author's in their order.
func TestExactlyOnceInOrder(t *testing.T) {
	total := 0
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t, "alice", "bob")
		alice, bob := w.pair("alice", "bob")
		full := &Error{Code: CodeStorage, Text: "full"}
		said := map[*person][]string{}
		connected := false
		for range 150 {
			p, o := alice, bob
			if rnd.IntN(2) == 0 {
				p, o = bob, alice
			}
			switch rnd.IntN(9) {
			case 0:
				p.do(p.connecting(o, ""))
			case 1:
				p.do(func(s *session) (*step, error) { return s.accept(o.name, w.now) })
			case 2, 3:
				text := fmt.Sprint(len(said[p]))
				if _, err := p.do(func(s *session) (*step, error) { return s.send(o.name, text, about{}, w.now) }); err == nil {
					said[p] = append(said[p], text)
					connected = true
				}
			case 4:
				p.reconnect() // with whatever is unanswered
			case 5:
				p.hear()
			case 6:
				p.drain()
			case 7:
				p.restart()
			case 8: // frames come, and the disk does not take what follows
				p.store.onCommit = func(*Changes) error { return full }
				if _, err := p.takes(p.mailbox[:rnd.IntN(len(p.mailbox)+1)]...); err != nil && !errors.Is(err, ErrStorage) {
					t.Fatal(err)
				}
				p.store.onCommit = nil
			}
		}
		w.settle()
		total += len(said[alice]) + len(said[bob])
		for p, o := range map[*person]*person{alice: bob, bob: alice} {
			var got []string
			for _, text := range o.texts(p) {
				if after, ok := strings.CutPrefix(text, p.name+": "); ok {
					got = append(got, after)
				}
			}
			if !slices.Equal(got, said[p]) {
				t.Errorf("seed %d: %s said %q, %s has %q", seed, p.name, said[p], o.name, got)
			}
			if connected && len(p.outbox) != 0 {
				t.Errorf("seed %d: %s still has %v to send", seed, p.name, p.outbox)
			}
		}
	}
	if total < 1000 {
		t.Errorf("only %d messages were said", total)
	}
}

func TestCrossedRequests(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	alice.asks(bob, "a")
	bob.asks(alice, "b")
	alice.reconnect()
	bob.reconnect()
	alice.drain()
	w.wants(alice, bob, Accepted)
	alice.says(bob, "first")
	w.settle()
	w.wants(bob, alice, Accepted)
	if diff := cmp.Diff([]string{"alice: first"}, bob.texts(alice)); diff != "" {
		t.Error(diff)
	}
}

// Asking somebody who has asked accepts them; asking again does no harm.
func TestAskAgain(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	alice.asks(bob, "one")
	alice.asks(bob, "two")
	w.settle()
	if got := bob.contacts["alice"].Note; got != "two" {
		t.Errorf("note %q", got)
	}
	bob.asks(alice, "ignored")
	w.wants(bob, alice, Accepted)
	w.settle()
	w.wants(alice, bob, Accepted)
	if st := alice.must(alice.connecting(bob, "")); !st.empty() {
		t.Error("asking a contact does something")
	}
}

func TestRejectAndAskAgain(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	alice.asks(bob, "please")
	alice.reconnect()
	first := bob.mailbox[0]
	w.settle()
	bob.must(func(s *session) (*step, error) { return s.reject("alice", w.now) })
	w.wants(bob, alice, Known)
	if len(bob.list()) != 0 {
		t.Error("a rejected person is listed")
	}
	if st := bob.receives(first); len(st.Contacts) != 0 {
		t.Error("the rejected request is back")
	}
	if _, err := bob.do(func(s *session) (*step, error) { return s.accept("alice", w.now) }); !errors.Is(err, ErrNotFound) {
		t.Errorf("accept: %v", err)
	}
	alice.asks(bob, "really")
	w.settle()
	w.wants(bob, alice, Incoming)
	bob.accepts(alice)
	w.settle()
	w.wants(alice, bob, Accepted)
}

func TestBlock(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	left := alice.says(bob, "has left")
	alice.reconnect()
	alice.hear()
	stays := alice.says(bob, "stays here")
	st := alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	if diff := cmp.Diff([]StateChange{{ID: parseID(t, stays.ID), State: Failed, Reason: "you blocked bob"}}, st.States); diff != "" {
		t.Error(diff)
	}
	w.settle()
	if diff := cmp.Diff([]string{"alice: has left"}, bob.texts(alice)); diff != "" {
		t.Error(diff)
	}
	bob.says(alice, "why?") // bob is not told
	bob.asks(alice, "hello?")
	w.settle()
	if len(alice.texts(bob)) != 2 || alice.contacts["bob"].State != Blocked {
		t.Errorf("after a block: %q, %+v", alice.texts(bob), alice.contacts["bob"].Contact)
	}
	if got, _ := alice.store.Sent(parseID(t, left.ID)); got.State != Stored {
		t.Errorf("what had left is %s", got.State)
	}
	if st := alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) }); !st.empty() {
		t.Error("a second block does something")
	}
	alice.asks(bob, "sorry")
	w.settle()
	w.wants(alice, bob, Accepted) // bob had accepted before, and says so
}

// A block of somebody unknown needs no key; a later request is free to give one.
func TestBlockStranger(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	bob.asks(alice, "hi")
	w.settle()
	w.wants(alice, bob, Blocked)
	alice.restart()
	w.wants(alice, bob, Blocked)
	alice.asks(bob, "")
	w.wants(alice, bob, Requested)
	w.settle()
	w.wants(alice, bob, Accepted) // bob had asked, too
}

func parseID(t *testing.T, s string) (id crypto.MessageID) {
	t.Helper()
	if err := id.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSendRefusals(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave", "erin")
	alice, bob := w.pair("alice", "bob")
	carol, dave := w.pair("carol", "dave")
	w.befriend(alice, bob)
	alice.asks(carol, "")
	dave.asks(alice, "")
	alice.must(func(s *session) (*step, error) { return s.block("erin", w.now) })
	w.settle()
	for _, tt := range []struct {
		name, to, text string
		want           error
	}{
		{"fits", "bob", strings.Repeat("\x01", MaxText), nil},
		{"empty", "bob", "", ErrUsage},
		{"long", "bob", strings.Repeat("a", MaxText+1), ErrUsage},
		{"not UTF-8", "bob", "a\xff", ErrUsage},
		{"no name", "Bob", "hi", ErrUsage},
		{"stranger", "zoe", "hi", ErrNotContact},
		{"not accepted yet", "carol", "hi", ErrNotContact},
		{"not answered yet", "dave", "hi", ErrNotContact},
		{"blocked", "erin", "hi", ErrNotContact},
		{"self", "alice", "hi", ErrUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, err := alice.session.send(tt.to, tt.text, about{}, w.now)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v", err)
			}
			if err == nil {
				if n := len(st.Enqueue[0].Frame); n > protocol.MaxFrame {
					t.Errorf("the frame has %d bytes", n)
				}
			}
		})
	}
}

// A step that was not written changes nothing: the same can be tried again.
func TestFailedCommits(t *testing.T) {
	full := &Error{Code: CodeStorage, Text: "The disk is full."}
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	carol := w.people["carol"]
	var failed int
	for _, p := range w.people {
		refuse := true
		p.store.onCommit = func(*Changes) error { // every second time
			if refuse = !refuse; !refuse {
				failed++
				return full
			}
			return nil
		}
	}
	twice := func(p *person, f func(*session) (*step, error)) {
		t.Helper()
		before := snapshot(p)
		if _, err := p.do(f); !errors.Is(err, ErrStorage) {
			t.Fatalf("first: %v", err)
		}
		if diff := cmp.Diff(before, snapshot(p)); diff != "" {
			t.Fatalf("a failed commit left (-before +after):\n%s", diff)
		}
		p.must(f)
	}
	receive := func(p *person) {
		t.Helper()
		for _, f := range append(slices.Clone(p.mailbox), p.answers...) {
			twice(p, func(s *session) (*step, error) { return s.receive(f, w.now) })
		}
		p.mailbox, p.answers = nil, nil
	}
	twice(alice, alice.connecting(bob, ""))
	alice.reconnect()
	receive(alice)
	receive(bob)
	twice(bob, func(s *session) (*step, error) { return s.accept("alice", w.now) })
	bob.reconnect()
	receive(bob)
	receive(alice)
	twice(alice, func(s *session) (*step, error) { return s.send("bob", "hi", about{}, w.now) })
	twice(alice, func(*session) (*step, error) { st := &step{}; st.Settings = &Settings{Receipts: true}; return st, nil })
	m := alice.store.messages[0]
	twice(alice, func(s *session) (*step, error) { return s.edit(m.Cursor, "hi!", w.now) })
	twice(alice, func(s *session) (*step, error) { return s.react(m.Cursor, "x", w.now) })
	twice(alice, func(s *session) (*step, error) { return s.disappear("bob", time.Second, w.now) })
	twice(alice, func(s *session) (*step, error) { return s.tellRead("bob", crypto.NewMessageID(), w.now) })
	alice.reconnect()
	receive(alice)
	receive(bob)
	twice(bob, func(s *session) (*step, error) { return s.block("alice", w.now) })
	carol.store.onCommit = nil
	carol.asks(bob, "")
	carol.reconnect()
	receive(bob)
	twice(bob, func(s *session) (*step, error) { return s.reject("carol", w.now) })
	if failed < 10 {
		t.Errorf("only %d commits failed", failed)
	}
	if diff := cmp.Diff([]string{`alice text "hi!" edited alice:x`, `alice timer "1"`}, bob.talk(alice)); diff != "" {
		t.Error(diff)
	}
}

// snapshot is everything that a session knows.
func snapshot(p *person) any {
	contacts := map[crypto.Username]Contact{}
	sessions := map[crypto.Username]string{}
	for name, c := range p.contacts {
		contacts[name] = c.Contact
		sessions[name] = fmt.Sprintf("%x %v %d %d %d %s %s", c.Session, c.RequestID, c.Sent, c.Heard, c.Lost, c.Grade, c.Refused)
	}
	outbox := map[crypto.MessageID]OutboxItem{}
	for id, it := range p.outbox {
		outbox[id] = it
	}
	return []any{contacts, sessions, outbox, p.waiting, maps.Clone(p.prekeys), p.prekey, p.settings, maps.Clone(p.groups), maps.Clone(p.fanouts)}
}

// A full outbox refuses what the user wants, and still takes what keeps the
// connection alive.
func TestFullOutbox(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave")
	alice, bob := w.pair("alice", "bob")
	carol, dave := w.pair("carol", "dave")
	w.befriend(alice, bob)
	dave.asks(alice, "")
	w.settle()
	alice.asks(carol, "")
	carol.asks(alice, "")
	carol.reconnect()
	for len(alice.outbox) < MaxOutbox {
		alice.keep(OutboxItem{ID: crypto.NewMessageID(), Kind: kindMessage, Contact: "bob"})
	}
	for name, f := range map[string]func(*session) (*step, error){
		"send":    func(s *session) (*step, error) { return s.send("bob", "hi", about{}, w.now) },
		"accept":  func(s *session) (*step, error) { return s.accept("dave", w.now) },
		"connect": alice.connecting(bob, ""),
	} {
		if name == "connect" {
			alice.contacts["bob"] = ContactRecord{Contact: Contact{Name: "bob", State: Known}, Certificate: bob.cert()}
		}
		if _, err := alice.do(f); !errors.Is(err, ErrRateLimit) && (name != "send" || !errors.Is(err, ErrNotContact)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	alice.drain() // the crossed request of carol
	w.wants(alice, carol, Accepted)
	if _, err := alice.do(func(s *session) (*step, error) { return s.block("carol", w.now) }); err != nil {
		t.Errorf("block: %v", err)
	}
}

// A session state that cannot be read is said, and does not stop the rest.
func TestDamagedSession(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	c := alice.contacts["bob"]
	c.Session = []byte("nonsense")
	alice.contacts["bob"] = c
	if _, err := alice.do(func(s *session) (*step, error) { return s.send("bob", "hi", about{}, w.now) }); err == nil || !strings.Contains(err.Error(), "chat connect bob") {
		t.Errorf("send: %v", err)
	}
	bob.says(alice, "hello")
	bob.contacts["alice"] = ContactRecord{Contact: Contact{Name: "alice", State: Known}, Certificate: alice.cert()}
	bob.asks(alice, "again")
	w.settle()
	if diff := cmp.Diff([]string{"bob: (unreadable)"}, alice.texts(bob)); diff != "" {
		t.Error(diff)
	}
	if len(alice.mailbox) != 0 || len(alice.warnings) != 1 {
		t.Errorf("%d frames left, warnings %q", len(alice.mailbox), alice.warnings)
	}
}
