package client_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
)

// side is somebody at a real relay, who waits for what events tell.
type side struct {
	*client.Client
	t    *testing.T
	name string
	at   uint64
}

// tells waits for an event of a kind.
func (s *side) tells(kind client.EventKind, which func(client.Event) bool) (found client.Event) {
	s.t.Helper()
	err := client.Await(s.t.Context(), s, &s.at, func(events []client.Event) (bool, error) {
		i := slices.IndexFunc(events, func(e client.Event) bool { return e.Kind == kind && which(e) })
		if i >= 0 {
			found = events[i]
		}
		return i >= 0, nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

func newSide(t *testing.T, r *testRelay, name string) *side {
	c, err := newAccount(t.Context(), r.server, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(running(c))
	first, err := c.Events(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return &side{c, t, name, first.Next}
}

// What one does to a message, events tell the other, through a real relay.
func TestAboutThroughARelay(t *testing.T) {
	r, err := startRelay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	ctx := t.Context()
	alice, bob := newSide(t, r, "alice"), newSide(t, r, "bob")
	befriend(ctx, t, alice, bob, "alice", "bob")
	for _, s := range []*side{alice, bob} {
		if err := s.SetSettings(ctx, client.Settings{Receipts: true, Typing: true}); err != nil {
			t.Fatal(err)
		}
	}
	ten := must(alice.Send(ctx, "bob", "deploy at tin?"))
	here := bob.tells(client.MessageAdded, func(e client.Event) bool { return e.Message.Text == "deploy at tin?" }).Message

	if m := must(alice.Edit(ctx, ten.Cursor, "deploy at ten?")); !m.Edited || m.Text != "deploy at ten?" {
		t.Errorf("%+v", m)
	}
	bob.tells(client.MessageChanged, func(e client.Event) bool {
		return e.Message.ID == ten.ID && e.Message.Edited && e.Message.Text == "deploy at ten?"
	})

	yes := must(bob.Reply(ctx, here.Cursor, "yes"))
	want := &client.Quote{Cursor: here.Cursor, ID: ten.ID, From: "alice", Text: "deploy at ten?"}
	if diff := cmp.Diff(want, yes.Reply); diff != "" {
		t.Error(diff)
	}
	want.Cursor = ten.Cursor
	answer := alice.tells(client.MessageAdded, func(e client.Event) bool { return e.Message.ID == yes.ID }).Message
	if diff := cmp.Diff(want, answer.Reply); diff != "" {
		t.Error(diff)
	}

	must(bob.React(ctx, here.Cursor, "👍"))
	alice.tells(client.MessageChanged, func(e client.Event) bool {
		return e.Message.ID == ten.ID && cmp.Equal(e.Message.Reactions, []client.Reaction{{From: "bob", Emoji: "👍"}})
	})

	if err := bob.MarkRead(ctx, "alice", here.Cursor); err != nil {
		t.Fatal(err)
	}
	alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == ten.ID && e.Message.State == client.Read })

	must(alice.Delete(ctx, ten.Cursor))
	bob.tells(client.MessageChanged, func(e client.Event) bool {
		return e.Message.ID == ten.ID && e.Message.Deleted && e.Message.Text == "" && len(e.Message.Reactions) == 0
	})

	if c := must(bob.Disappear(ctx, "alice", time.Second)); c.Disappear != 1 {
		t.Errorf("%+v", c)
	}
	alice.tells(client.ContactChanged, func(e client.Event) bool { return e.Contact.Disappear == 1 })
	short := must(alice.Send(ctx, "bob", "not for long"))
	last := bob.tells(client.MessageAdded, func(e client.Event) bool { return e.Message.ID == short.ID }).Message
	if last.Disappear != 1 || !last.GoneAt.IsZero() {
		t.Errorf("%+v", last)
	}
	if err := bob.MarkRead(ctx, "alice", last.Cursor); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*side{alice, bob} {
		s.tells(client.MessageGone, func(e client.Event) bool { return e.Message.ID == short.ID })
	}
	settled(ctx, t, alice)
	settled(ctx, t, bob)
	for _, s := range []*side{alice, bob} {
		ms := must(s.History(ctx, client.Query{}))
		var types []string
		for _, m := range ms {
			types = append(types, m.Type+" "+m.Text)
		}
		if diff := cmp.Diff([]string{"text ", "text yes", "timer 1"}, types); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
}

// settled waits until the relay has everything.
func settled(ctx context.Context, t *testing.T, a client.Account) {
	t.Helper()
	var position uint64
	err := client.Await(ctx, a, &position, func([]client.Event) (bool, error) {
		st, err := a.Status(ctx)
		return st.Waiting == 0, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
