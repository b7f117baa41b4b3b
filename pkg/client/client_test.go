package client

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// offline is alice's client without a relay, with bob as a contact.
func offline(t *testing.T) (*Client, *MemStore) {
	_, store, c := newScript(t)
	return c, store
}

func TestIdentity(t *testing.T) {
	c, store := offline(t)
	k := store.keys
	want := Identity{
		Username: "alice", Server: "localhost:8443", Device: k.Certificate.Device.String(),
		Fingerprint: string(k.Account.Public().Fingerprint()), RelayPin: string(k.Relay.Fingerprint()), Profile: "memory",
	}
	if got, err := c.Identity(t.Context()); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRefusedWishes(t *testing.T) {
	c, _ := offline(t)
	ctx := t.Context()
	_, connectSelf := c.Connect(ctx, "alice", "")
	_, connectName := c.Connect(ctx, "Bob", "")
	_, longNote := c.Connect(ctx, "carol", strings.Repeat("a", MaxNote+1))
	_, badNote := c.Connect(ctx, "carol", "\xff")
	_, accept := c.Accept(ctx, "carol")
	_, badID := c.Message(ctx, "no id")
	_, noMessage := c.Message(ctx, strings.Repeat("ab", 16))
	_, send := c.Send(ctx, "carol", "hi")
	for name, tt := range map[string]struct{ err, want error }{
		"connect with ourselves": {connectSelf, ErrUsage},
		"connect with no name":   {connectName, ErrUsage},
		"long note":              {longNote, ErrUsage},
		"note of bytes":          {badNote, ErrUsage},
		"accept nobody":          {accept, ErrNotFound},
		"reject nobody":          {c.Reject(ctx, "carol"), ErrNotFound},
		"reject a contact":       {c.Reject(ctx, "bob"), ErrNotFound},
		"block ourselves":        {c.Block(ctx, "alice"), ErrUsage},
		"block no name":          {c.Block(ctx, "Bob"), ErrUsage},
		"no id":                  {badID, ErrUsage},
		"no message":             {noMessage, ErrNotFound},
		"send to nobody":         {send, ErrNotContact},
		"read of nobody":         {c.MarkRead(ctx, "carol", 1), nil},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, tt.err, tt.want)
		}
	}
}

// kinds reads what has happened since a position.
func kinds(t *testing.T, c *Client, position *uint64) (kinds []EventKind, events []Event) {
	t.Helper()
	b, err := c.Events(t.Context(), *position)
	if err != nil {
		t.Fatal(err)
	}
	*position = b.Next
	for _, e := range b.Events {
		kinds = append(kinds, e.Kind)
	}
	return kinds, b.Events
}

func TestEventsOfSteps(t *testing.T) {
	c, store := offline(t)
	b, err := c.Events(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	position := b.Next
	m, err := c.Send(t.Context(), "bob", "hi")
	if err != nil {
		t.Fatal(err)
	}
	got, events := kinds(t, c, &position)
	if diff := cmp.Diff([]EventKind{MessageAdded, ContactChanged, StatusChanged}, got); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(m, *events[0].Message); diff != "" || m.Cursor == 0 {
		t.Error(diff)
	}
	if events[1].Contact.LastAt.IsZero() || events[2].Status.Waiting != 1 {
		t.Errorf("contact %+v, status %+v", events[1].Contact, events[2].Status)
	}

	if err := c.Block(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	got, events = kinds(t, c, &position)
	if diff := cmp.Diff([]EventKind{MessageChanged, ContactChanged}, got); diff != "" {
		t.Fatal(diff)
	}
	if events[0].Message.State != Failed || events[1].Contact.State != Blocked {
		t.Errorf("message %+v, contact %+v", events[0].Message, events[1].Contact)
	}

	full := &Error{Code: CodeStorage, Text: "The disk is full."}
	store.onCommit = func(*Changes) error { return full }
	if err := c.Block(t.Context(), "carol"); err != full {
		t.Errorf("got %v", err)
	}
	if _, ok := c.session.contacts["carol"]; ok {
		t.Error("a step that was not written counts")
	}
	store.onCommit = nil
	if err := c.Block(t.Context(), "dave"); err != nil {
		t.Fatal(err)
	}
	if _, events = kinds(t, c, &position); events[0].Contact.Name != "dave" {
		t.Errorf("a failed step was told: %+v", events[0])
	}
}

// Somebody whom we ask anew keeps what they had said unread.
func TestUnreadOutlivesRelation(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	bob.says(alice, "hi")
	w.settle()
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	alice.asks(bob, "")
	for range 2 {
		if c := alice.contacts["bob"]; c.State != Requested || c.Unread != 1 || c.LastAt.IsZero() {
			t.Errorf("%+v", c.Contact)
		}
		alice.restart()
	}
}
