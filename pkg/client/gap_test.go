package client

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// What the relay keeps back is noticed with the next message, and shown when
// it comes after all.
func TestGapsAreShown(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	for _, text := range []string{"0", "1", "2", "3"} {
		bob.says(alice, text)
	}
	bob.reconnect()
	mail := slices.Clone(alice.mailbox)
	alice.receives(mail[0])
	alice.receives(mail[3])
	alice.receives(mail[2])
	if diff := cmp.Diff([]string{"bob: 0", "bob: (missing)", "bob: 3", "bob: 2"}, alice.texts(bob)); diff != "" {
		t.Error(diff)
	}
	ms, _ := alice.store.History(Query{Limit: 10})
	if ms[1].Text != "2" || !ms[1].Unread || ms[1].State != Received {
		t.Errorf("%+v", ms[1])
	}
	// What came and could not be opened was shown already.
	bob.says(alice, "4")
	bob.says(alice, "5")
	bob.says(alice, "6")
	alice.mailbox = nil
	bob.reconnect()
	mail = alice.mailbox[len(alice.mailbox)-3:] // behind those that she has not acked
	altered := *mail[0].(*protocol.EncryptedMessage)
	altered.Data = slices.Clone(altered.Data)
	altered.Data[len(altered.Data)-1] ^= 1
	alice.receives(&altered)
	alice.restart()
	alice.receives(mail[2])
	got := alice.texts(bob)[4:]
	if diff := cmp.Diff([]string{"bob: (unreadable)", "bob: (missing)", "bob: 6"}, got); diff != "" {
		t.Error(diff)
	}
	ms, _ = alice.store.History(Query{Limit: 20})
	if ms[5].Text != "1" {
		t.Errorf("%s are missing", ms[5].Text)
	}
}

// A message under another id is lost, and shown as such, once.
func TestRenamedMessageIsLostOnce(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	bob.says(alice, "0")
	bob.says(alice, "1")
	bob.says(alice, "2")
	bob.reconnect()
	alice.receives(alice.mailbox[0])
	f := *alice.mailbox[1].(*protocol.EncryptedMessage)
	f.ID = crypto.NewMessageID()
	alice.receives(&f)
	alice.receives(alice.mailbox[2])
	if got := alice.texts(bob); len(got) != 3 {
		t.Errorf("one message was lost, and shown is %q", got)
	}
}

// The acceptance was lost, and is not one of the messages that are missing.
func TestLostAcceptanceIsNoGap(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	alice.asks(bob, "")
	w.settle()
	bob.accepts(alice)
	bob.says(alice, "hello")
	bob.reconnect()
	alice.receives(alice.mailbox[1])
	w.wants(alice, bob, Accepted)
	if diff := cmp.Diff([]string{"bob: hello"}, alice.texts(bob)); diff != "" {
		t.Error(diff)
	}
	alice.drain() // the acceptance, late
	if diff := cmp.Diff([]string{"bob: hello"}, alice.texts(bob)); diff != "" || len(alice.warnings) != 0 {
		t.Errorf("%s, warnings %q", diff, alice.warnings)
	}
}

// A device that was put back to an older copy of itself cannot be read any
// more; asking anew heals it.
func TestBrokenSessionIsAskedAnew(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	old := alice.fork()
	for range 3 {
		alice.says(bob, "a")
		w.settle()
		bob.says(alice, "b")
		w.settle()
	}
	*alice = *old
	w.people["alice"] = alice
	said := len(bob.texts(alice))
	alice.says(bob, "lost")
	bob.says(alice, "unreadable to her")
	w.settle()
	if got := bob.texts(alice)[said:]; !slices.Contains(got, "alice: (unreadable)") {
		t.Fatalf("bob has %q", got)
	}
	if c := alice.contacts["bob"]; !c.broken() {
		t.Fatal("alice does not know that the session is broken")
	}
	if st := alice.must(alice.connecting(bob, "")); st.empty() {
		t.Fatal("she asks nobody")
	}
	w.settle()
	w.wants(alice, bob, Accepted)
	w.wants(bob, alice, Accepted)
	alice.says(bob, "again")
	w.settle()
	bob.says(alice, "and again")
	w.settle()
	for p, o := range map[*person]*person{alice: bob, bob: alice} {
		got := p.texts(o)
		if !slices.Contains(got, "alice: again") || !slices.Contains(got, "bob: and again") {
			t.Errorf("%s has %q", p.name, got)
		}
	}
	if st := alice.must(alice.connecting(bob, "")); !st.empty() {
		t.Error("a session that works is begun anew")
	}
}
