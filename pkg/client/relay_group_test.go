package client_test

import (
	"errors"
	"testing"

	"secure-messaging/pkg/client"
)

// Three people talk in a group through a real relay, one of them away for a
// while; events tell of everything, and the program of its owner restarts in the
// middle.
func TestGroupThroughARelay(t *testing.T) {
	r, err := startRelay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	ctx := t.Context()
	alice, bob := newSide(t, r, "alice"), newSide(t, r, "bob")
	carol, err := newAccount(ctx, r.server, "carol")
	if err != nil {
		t.Fatal(err)
	}
	stop := running(carol)
	befriend(ctx, t, alice, bob, "alice", "bob")
	befriend(ctx, t, alice, carol, "alice", "carol")
	befriend(ctx, t, bob, carol, "bob", "carol")
	stop() // carol closes her laptop

	ops := must(alice.MakeGroup(ctx, "ops", []string{"bob", "carol"}))
	if ops.Name != "+ops" || ops.State != client.Joined || len(ops.Members) != 3 || ops.Members[2].Reach != client.Reached {
		t.Errorf("%+v", ops)
	}
	bob.tells(client.GroupChanged, func(e client.Event) bool { return e.Group.Name == "+ops" && e.Group.ID == ops.ID })
	m := must(alice.Send(ctx, "+ops", "deploy at ten"))
	here := bob.tells(client.MessageAdded, func(e client.Event) bool { return e.Message.Text == "deploy at ten" }).Message
	if here.ID != m.ID || here.Contact != "+ops" || here.From != "alice" || !here.Unread {
		t.Errorf("%+v", here)
	}
	unread := func(want int) {
		t.Helper()
		if g := must(bob.Groups(ctx)); len(g) != 1 || g[0].Unread != want || g[0].LastAt.IsZero() {
			t.Errorf("%+v", g)
		}
	}
	unread(1)
	if err := bob.MarkRead(ctx, "+ops", here.Cursor); err != nil {
		t.Fatal(err)
	}
	unread(0)
	alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == m.ID && e.Message.State == client.Stored })
	must(bob.React(ctx, here.Cursor, "👍"))
	alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == m.ID && len(e.Message.Reactions) == 1 })

	carol = client.Reopen(t, carol) // and opens it again
	t.Cleanup(running(carol))
	first := must(carol.Events(ctx, 0))
	back := &side{carol, t, "carol", first.Next}
	alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == m.ID && e.Message.State == client.Delivered })
	got := must(carol.History(ctx, client.Query{Contact: "+ops"}))
	if len(got) != 2 || got[0].Type != client.TypeGroup || got[0].Text != "made bob carol" || got[1].Text != "deploy at ten" {
		t.Errorf("carol has %+v", got)
	}
	must(carol.Reply(ctx, got[1].Cursor, "at ten"))
	for _, s := range []*side{alice, bob} {
		e := s.tells(client.MessageAdded, func(e client.Event) bool { return e.Message.From == "carol" })
		if q := e.Message.Reply; q == nil || q.ID != m.ID || q.Text != "deploy at ten" {
			t.Errorf("%s: %+v", s.name, q)
		}
	}
	must(alice.ChangeGroup(ctx, "+ops", client.GroupChange{Remove: []string{"carol"}}))
	back.tells(client.GroupChanged, func(e client.Event) bool { return e.Group.State == client.Left })
	if _, err := carol.Send(ctx, "+ops", "wait"); !errors.Is(err, client.ErrNotContact) {
		t.Errorf("carol still writes: %v", err)
	}
	if groups := must(carol.Groups(ctx)); len(groups) != 1 || len(groups[0].Members) != 2 {
		t.Errorf("%+v", groups)
	}
	if err := carol.SetView(ctx, client.View{Contact: "+ops", Draft: "wait"}); err != nil {
		t.Error(err)
	}
}
