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

// twin is the same device again, with a store of its own.
func (p *person) twin() *person {
	store := &MemStore{
		keys: p.store.keys, contacts: maps.Clone(p.store.contacts), messages: slices.Clone(p.store.messages),
		outbox: slices.Clone(p.store.outbox), prekeys: maps.Clone(p.store.prekeys), prekey: p.store.prekey,
		requests: maps.Clone(p.store.requests), heard: maps.Clone(p.store.heard), settings: p.store.settings, cursor: p.store.cursor, position: p.store.position,
	}
	for name, c := range store.contacts {
		c.Session = slices.Clone(c.Session)
		store.contacts[name] = c
	}
	t := &person{w: p.w, name: p.name, store: store}
	t.restart()
	return t
}

// digest is what a device has come to, without what is random.
func (p *person) digest() any {
	type contact struct {
		Contact
		Sent, Heard uint64
		Lost        int
	}
	contacts := map[crypto.Username]contact{}
	for name, c := range p.contacts {
		contacts[name] = contact{c.Contact, c.Sent, c.Heard, c.Lost}
	}
	var outbox, messages []string
	for _, it := range p.store.outbox {
		outbox = append(outbox, fmt.Sprint(it.Kind, it.Contact, it.Stored))
	}
	for _, m := range p.store.messages {
		messages = append(messages, fmt.Sprint(m.Cursor, m.Contact, m.From, m.Type, m.Text, m.State, m.Reason, m.Unread,
			m.Edited, m.Deleted, m.Reactions, m.Disappear, m.Reply != nil))
	}
	return []any{contacts, outbox, messages, p.waiting, maps.Clone(p.prekeys), p.prekey, maps.Clone(p.store.requests), maps.Clone(p.store.heard), p.warnings}
}

// mixture is a mailbox of alice's in which each frame bears on others: copies,
// gaps, what does not open, requests with what follows them, receipts.
func mixture(w *world) (alice *person, frames []protocol.Frame) {
	alice, bob := w.pair("alice", "bob")
	carol, dave := w.pair("carol", "dave")
	erin, frank := w.pair("erin", "frank")
	alice.stocks()
	w.befriend(alice, bob)
	alice.asks(carol, "we cross")
	carol.asks(alice, "")
	carol.reconnect() // her request lies before alice
	alice.reconnect()
	carol.drain() // and alice's is answered
	carol.says(alice, "the first, behind her answer")
	carol.reconnect()
	dave.asks(alice, "from a stranger")
	dave.reconnect()
	alice.asks(erin, "accept me")
	alice.reconnect()
	erin.drain()
	erin.accepts(alice)
	erin.says(alice, "I do")
	erin.reconnect()
	frank.asks(alice, "with the same one-time prekey")
	frank.reconnect()
	to := bob.cert().Address()
	for i := range 8 {
		bob.says(alice, fmt.Sprint("text ", i))
		m := alice.says(bob, fmt.Sprint("mine ", i))
		id := parseID(w.t, m.ID)
		frames = append(frames,
			&protocol.Receipt{ID: id, Recipient: &to, State: protocol.ReceiptStored},
			&protocol.Receipt{Seq: 1, ID: id, Recipient: &to, State: []protocol.ReceiptState{protocol.ReceiptDelivered, protocol.ReceiptExpired}[i%2]})
	}
	// What is about messages of this very batch, and one after the other.
	for i := range 8 {
		m := bob.says(alice, fmt.Sprint("about ", i))
		bob.must(func(s *session) (*step, error) { return s.edit(m.Cursor, fmt.Sprint("edited ", i), w.now) })
		bob.must(func(s *session) (*step, error) { return s.react(m.Cursor, "👍", w.now) })
		bob.must(func(s *session) (*step, error) { return s.reply(m.Cursor, "an answer", w.now) })
		if i%2 == 0 {
			bob.must(func(s *session) (*step, error) { return s.remove(m.Cursor, w.now) })
		}
		bob.must(func(s *session) (*step, error) { return s.disappear("alice", time.Duration(i)*time.Second, w.now) })
	}
	bob.reconnect()
	mail := alice.mailbox
	for i, f := range mail {
		m, ok := f.(*protocol.EncryptedMessage)
		if ok && m.From == to {
			switch i % 4 {
			case 0: // altered
				spoiled := *m
				spoiled.Data = append(slices.Clone(m.Data[:len(m.Data)-1]), m.Data[len(m.Data)-1]^1)
				frames = append(frames, &spoiled)
				continue
			case 1: // kept back
				continue
			}
		}
		frames = append(frames, f, f) // and a copy
	}
	frames = append(frames, mail...) // all of it again, as on a new connection
	frames = append(frames, &protocol.PrekeyStock{Signed: 1}, &protocol.PrekeyStock{Signed: 1, OneTime: 3})
	return alice, append(frames, slices.Clone(frames[:12])...)
}

// Frames that are taken many in a transaction leave behind what they leave one
// by one, and a transaction that fails leaves nothing.
func TestBatchesAreSteps(t *testing.T) {
	full := &Error{Code: CodeStorage, Text: "full"}
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		w := newWorld(t, "alice", "bob", "carol", "dave", "erin", "frank")
		alice, frames := mixture(w)
		single, batched := alice.twin(), alice.twin()
		commits := 0
		batched.store.onCommit = func(*Changes) error { commits++; return nil }
		for _, f := range frames {
			single.receives(f)
		}
		for rest := frames; len(rest) > 0; {
			n := 1 + rnd.IntN(len(rest))
			if rnd.IntN(2) == 0 {
				before := snapshot(batched)
				onCommit := batched.store.onCommit
				batched.store.onCommit = func(*Changes) error { return full }
				if _, err := batched.takes(rest[:n]...); err != nil && !errors.Is(err, full) {
					t.Fatal(err)
				}
				batched.store.onCommit = onCommit
				if diff := cmp.Diff(before, snapshot(batched)); diff != "" {
					t.Fatalf("seed %d: a failed commit left (-before +after):\n%s", seed, diff)
				}
			}
			if _, err := batched.takes(rest[:n]...); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if diff := cmp.Diff(single.digest(), batched.digest()); diff != "" {
			t.Fatalf("seed %d (-one by one +in batches):\n%s", seed, diff)
		}
		if commits > len(frames)/2 {
			t.Fatalf("%d commits for %d frames", commits, len(frames))
		}
		before := batched.digest()
		batched.restart()
		if diff := cmp.Diff(before, batched.digest()); diff != "" {
			t.Fatalf("seed %d: memory and store differ (-memory +store):\n%s", seed, diff)
		}
		w.wants(batched, w.people["carol"], Accepted)
		w.wants(batched, w.people["dave"], Incoming)
		w.wants(batched, w.people["erin"], Accepted)
		texts := strings.Join(batched.texts(w.people["bob"]), "\n")
		if !strings.Contains(texts, TypeMissing) || !strings.Contains(texts, TypeUnreadable) {
			t.Fatalf("seed %d: nothing is missing or unreadable in\n%s", seed, texts)
		}
	}
}

// One one-time prekey opens one request, also of two that come together.
func TestOneTimePrekeyTwiceInABatch(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	carol := w.people["carol"]
	alice.stocks()
	bob.asks(alice, "mine")
	w.handed["alice"]-- // the relay hands the same one out again
	carol.asks(alice, "no, mine")
	bob.reconnect()
	carol.reconnect()
	alice.drain()
	w.wants(alice, bob, Incoming)
	w.wants(alice, carol, "")
	if len(alice.warnings) != 1 || !strings.Contains(alice.warnings[0], "carol could not be opened") {
		t.Errorf("warnings %q", alice.warnings)
	}
}

// What the store cannot say in the middle of a row ends it there: what came
// before is kept and acked, what comes behind is not looked at.
func TestStoreFailsInTheMiddle(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	for i := range 3 {
		bob.says(alice, fmt.Sprint(i))
	}
	bob.reconnect()
	stored := alice.stored
	asked := 0
	alice.stored = failing{stored, func() error {
		if asked++; asked == 2 {
			return ErrStorage
		}
		return nil
	}}
	first, _, _ := mail(alice.mailbox[0])
	if ack, err := alice.takes(alice.mailbox...); !errors.Is(err, ErrStorage) || ack != *first {
		t.Errorf("ack %d, %v", ack, err)
	}
	if diff := cmp.Diff([]string{"bob: 0"}, alice.texts(bob)); diff != "" {
		t.Error(diff)
	}
	alice.drain()
	if diff := cmp.Diff([]string{"bob: 0", "bob: 1", "bob: 2"}, alice.texts(bob)); diff != "" {
		t.Error(diff)
	}
}

// failing is a store that cannot always be asked.
type failing struct {
	lookups
	err func() error
}

func (f failing) Seen(from crypto.Address, id crypto.MessageID) (bool, error) {
	if err := f.err(); err != nil {
		return false, err
	}
	return f.lookups.Seen(from, id)
}
