package client

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// reads marks everything of a conversation as read, and tells of it.
func (p *person) reads(o *person) *step {
	p.w.t.Helper()
	marked, err := p.store.MarkRead(o.name, 1<<62, p.w.now)
	if err != nil {
		p.w.t.Fatal(err)
	}
	if marked.Latest == (crypto.MessageID{}) {
		return &step{}
	}
	return p.must(func(s *session) (*step, error) { return s.tellRead(o.name, marked.Latest, p.w.now) })
}

// states are those of what p has said to o.
func (p *person) states(o *person) (states []MessageState) {
	for _, m := range p.store.messages {
		if m.Contact == o.name && m.From == p.name {
			states = append(states, m.State)
		}
	}
	return states
}

func TestReadReceipts(t *testing.T) {
	for _, tt := range []struct {
		reader, author bool
		want           MessageState
	}{{true, true, Read}, {true, false, Delivered}, {false, true, Delivered}, {false, false, Delivered}} {
		w := newWorld(t, "alice", "bob")
		alice, bob := w.pair("alice", "bob")
		w.befriend(alice, bob)
		alice.settings.Receipts, bob.settings.Receipts = tt.author, tt.reader
		alice.says(bob, "one")
		alice.says(bob, "two")
		w.settle()
		bob.reads(alice)
		if bob.waiting != 0 {
			t.Error("a user waits for a receipt")
		}
		alice.says(bob, "three")
		w.settle()
		if diff := cmp.Diff([]MessageState{tt.want, tt.want, Delivered}, alice.states(bob)); diff != "" {
			t.Errorf("reader %t, author %t: %s", tt.reader, tt.author, diff)
		}
		if n := len(bob.outbox) + len(alice.outbox); n != 0 {
			t.Errorf("%d frames do not leave", n)
		}
	}
}

// A receipt that overtakes what the relay says of the message stands for that,
// and nothing takes a message back from being read.
func TestReadBeforeDelivered(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	alice.settings.Receipts = true
	for range 3 {
		alice.says(bob, "x")
	}
	ids := make([]crypto.MessageID, 3)
	for i, it := range alice.store.outbox {
		ids[i] = it.ID
	}
	to := bob.cert().Address()
	receipt := func(i int, state protocol.ReceiptState) *step {
		f := &protocol.Receipt{ID: ids[i], Recipient: &to, State: state}
		if state == protocol.ReceiptDelivered {
			f.Seq = 9
		}
		return alice.receives(f)
	}
	receipt(0, protocol.ReceiptStored)
	st := alice.receives(alice.from(bob, w.saying(contentRead, "", about{"alice", ids[1]})))
	if diff := cmp.Diff([]MessageState{Read, Read, Waiting}, alice.states(bob)); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(st.read, ids[0]) || len(st.States) != 1 {
		t.Errorf("told of are %v and %v", st.read, st.States)
	}
	for i, state := range []protocol.ReceiptState{protocol.ReceiptDelivered, protocol.ReceiptDelivered, protocol.ReceiptStored} {
		receipt(i, state)
	}
	receipt(1, protocol.ReceiptStored)
	if diff := cmp.Diff([]MessageState{Read, Read, Stored}, alice.states(bob)); diff != "" {
		t.Error(diff)
	}
	// An older one says nothing new.
	unread := alice.receives(alice.from(bob, w.saying(contentRead, "", about{"alice", ids[0]})))
	if len(unread.Reads) != 0 || len(unread.Heard) != 1 {
		t.Errorf("%+v", unread.Changes)
	}
}

// However much a receipt covers, few events tell of it.
func TestReadOfALongConversation(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	const total = maxReadTold + 300
	var last crypto.MessageID
	for i := range total {
		last = crypto.NewMessageID()
		alice.store.messages = append(alice.store.messages, NewMessage{Author: alice.cert().Address(), Message: Message{
			Cursor: int64(i + 1), ID: last.String(), Contact: "bob", From: "alice", Type: TypeText, Text: fmt.Sprint(i), State: Delivered, At: w.now,
		}})
	}
	alice.store.cursor = total
	alice.settings.Receipts = true
	st := alice.receives(alice.from(bob, w.saying(contentRead, "", about{"alice", last})))
	if len(st.read) != maxReadTold || st.read[0] != last {
		t.Errorf("%d are told of", len(st.read))
	}
	if i := slices.IndexFunc(alice.states(bob), func(s MessageState) bool { return s != Read }); i >= 0 {
		t.Errorf("message %d is not read", i)
	}
}

// What the user marks as read is told to its author, once, and to nobody when
// the user wants that.
func TestMarkReadTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := make(chan crypto.MessageID, 10)
		s, store, c := newScript(t, func(l *line) {
			l.login()
			l.send(&protocol.CaughtUp{})
			for i, text := range []string{"one", "two", "three"} {
				l.send(l.fromBob(uint64(i+1), text))
			}
			for {
				switch f := l.read().(type) {
				case nil:
					return
				case *protocol.SendMessage:
					heard <- f.ID
					l.stored(f.ID)
				}
			}
		})
		ctx := t.Context()
		run(t, c)
		status(c)
		mark := func(cursor int64, want int) {
			t.Helper()
			if err := c.MarkRead(ctx, "bob", cursor); err != nil {
				t.Fatal(err)
			}
			status(c)
			if got := len(heard); got != want {
				t.Errorf("%d receipts have left, want %d", got, want)
			}
		}
		mark(1, 0) // off in a new account
		if err := c.SetSettings(ctx, Settings{Receipts: true}); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Settings(ctx); err != nil || got != (Settings{Receipts: true}) || store.settings != got {
			t.Errorf("%+v, %v; stored %+v", got, err, store.settings)
		}
		mark(1, 0) // read already
		mark(3, 1)
		mark(3, 1)
		if st := status(c); st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
		bob := s.w.people["bob"]
		var it OutboxItem
		if items, _ := store.Outbox(0, 10); len(items) == 1 {
			it = items[0]
		}
		f, err := protocol.DecodeFromClient(it.Frame)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _, err := open(bob.contacts["alice"], f.(*protocol.SendMessage).EncryptedData[0], it.ID, bob.w.now)
		if err != nil || body.Type != contentRead || body.About.ID.String() != store.messages[2].ID || body.About.From != "bob" {
			t.Errorf("%+v, %v", body, err)
		}
	})
}
