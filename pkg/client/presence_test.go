package client_test

import (
	"testing"

	"secure-messaging/pkg/client"
)

// Two contacts see each other come and go through a real relay, as long as both
// share it, and so one is told that the other writes.
func TestPresenceThroughARelay(t *testing.T) {
	r, err := startRelay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	ctx := t.Context()
	alice, bob := newSide(t, r, "alice"), newSide(t, r, "bob")
	befriend(ctx, t, alice, bob, "alice", "bob")
	sees := func(s *side, name string, online bool) {
		t.Helper()
		s.tells(client.ContactChanged, func(e client.Event) bool { return e.Contact.Name == name && e.Contact.Online == online })
	}
	sees(alice, "bob", true)
	sees(bob, "alice", true)

	if err := bob.Typing(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	if e := alice.tells(client.ContactWriting, func(client.Event) bool { return true }); e.Writing != "bob" {
		t.Errorf("%s is writing", e.Writing)
	}

	if err := alice.SetSettings(ctx, client.Settings{}); err != nil {
		t.Fatal(err)
	}
	sees(bob, "alice", false)
	sees(alice, "bob", false)
	if err := alice.SetSettings(ctx, client.Settings{Presence: true}); err != nil {
		t.Fatal(err)
	}
	sees(bob, "alice", true)
	sees(alice, "bob", true)

	if err := alice.Block(ctx, "bob"); err != nil {
		t.Fatal(err)
	}
	sees(bob, "alice", false)
	for _, c := range must(alice.Contacts(ctx)) {
		if c.Online {
			t.Errorf("%s is seen online, and blocked", c.Name)
		}
	}
}
