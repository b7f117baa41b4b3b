package profile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// TestChanges makes every change of a message, and reads it after a restart.
func TestChanges(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	bob.Disappear = 3600
	said, ours := incoming(bob, "what was said first"), outgoing(t, s, "bob", "ours")
	answer := incoming(bob, "an answer")
	answer.Reply = &client.Quote{ID: ours.ID, From: "alice"}
	stray := incoming(bob, "an answer to nothing")
	stray.Reply = &client.Quote{ID: said.ID, From: "alice"} // that id is bob's
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}, Messages: []client.NewMessage{said, ours, answer, stray}})
	heard := client.Heard{Author: said.Author, ID: crypto.NewMessageID(), At: now()}
	set := client.Settings{Receipts: true}
	commit(t, s, &client.Changes{
		Rewrites: []client.Rewrite{{Author: ours.Author, ID: idOf(t, ours), Text: strings.Repeat("漢", 200)}, {Author: said.Author, ID: idOf(t, said), Deleted: true}},
		Reacts: []client.React{
			{Author: ours.Author, ID: idOf(t, ours), By: "bob", Emoji: "👍", At: now()},
			{Author: ours.Author, ID: idOf(t, ours), By: "alice", Emoji: "🎉", At: now()},
			{Author: ours.Author, ID: idOf(t, ours), By: "bob", Emoji: "❤️", At: now()},
			{Author: said.Author, ID: idOf(t, said), By: "bob", Emoji: "👍", At: now()}, // it was deleted
		},
		Heard: []client.Heard{heard}, Settings: &set,
	})
	commit(t, s, &client.Changes{Rewrites: []client.Rewrite{{Author: said.Author, ID: idOf(t, said), Text: "back again"}}}) // never
	s = reopen(t, s)
	got := history(t, s, client.Query{Contact: "bob"})
	if m := got[0]; m.Text != "" || !m.Deleted || m.Edited || m.Reactions != nil {
		t.Errorf("the deleted one is %+v", m)
	}
	if diff := cmp.Diff([]client.Reaction{{From: "alice", Emoji: "🎉"}, {From: "bob", Emoji: "❤️"}}, got[1].Reactions); diff != "" || !got[1].Edited {
		t.Errorf("the edited one is %+v", got[1])
	}
	want := &client.Quote{Cursor: 2, ID: ours.ID, From: "alice", Text: strings.Repeat("漢", client.MaxQuote/3)}
	if diff := cmp.Diff(want, got[2].Reply); diff != "" {
		t.Error(diff)
	}
	if q := got[3].Reply; q == nil || q.Cursor != 0 || q.Text != "" {
		t.Errorf("an answer to nobody's message quotes %+v", q)
	}
	l := load(t, s)
	if l.Settings != set || l.Contacts[0].Disappear != 3600 {
		t.Errorf("settings %+v, %d s", l.Settings, l.Contacts[0].Disappear)
	}
	if seen, err := s.Seen(heard.Author, heard.ID); !seen || err != nil {
		t.Errorf("what was heard is unknown: %v", err)
	}
	if m, err := s.Written(ours.Author, idOf(t, ours)); err != nil || m.Cursor != 2 {
		t.Errorf("Written gives %+v, %v", m, err)
	}
	if m, err := s.Place(3); err != nil || m.Author != answer.Author || m.ID != answer.ID {
		t.Errorf("Place gives %+v, %v", m, err)
	}
	if _, err := s.Place(99); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("Place of nothing: %v", err)
	}
}

// TestReads: what a contact has read is what was sent to them up to there, and
// never goes back.
func TestReads(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	c := &client.Changes{}
	for i, state := range []client.MessageState{client.Delivered, client.Failed, client.Stored, client.Waiting, client.Delivered} {
		m := outgoing(t, s, "bob", numbered(i))
		m.State = state
		c.Messages = append(c.Messages, m)
	}
	other := outgoing(t, s, "carol", "to somebody else")
	other.State = client.Delivered
	c.Messages = append(c.Messages, other)
	commit(t, s, c)
	read := func(i int) {
		commit(t, s, &client.Changes{Reads: []client.Seen{{Contact: "bob", ID: idOf(t, c.Messages[i])}}})
	}
	states := func() (all []client.MessageState) {
		for _, m := range history(t, s, client.Query{}) {
			all = append(all, m.State)
		}
		return all
	}
	read(3)
	want := []client.MessageState{client.Read, client.Failed, client.Read, client.Waiting, client.Delivered, client.Delivered}
	if got := states(); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	read(4)
	read(2)
	commit(t, s, &client.Changes{States: []client.StateChange{{ID: idOf(t, c.Messages[0]), State: client.Delivered}}}) // comes late
	want[4] = client.Read
	if got := states(); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

// TestVanish: the time of a message that came in begins when it is read, and
// all of it is gone when it is over but what knows a copy.
func TestVanish(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	theirs, ours, stays := incoming(bob, "short lived"), outgoing(t, s, "bob", "short lived, too"), incoming(bob, "stays")
	start := now()
	timer := incoming(bob, "60") // nobody is told that it was read
	timer.Type = client.TypeTimer
	theirs.Disappear, ours.Disappear, ours.GoneAt = 60, 60, start.Add(time.Minute)
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}, Messages: []client.NewMessage{theirs, ours, stays, timer}})
	if gone, next, err := s.Vanish(start, 10); err != nil || len(gone) != 0 || !next.Equal(ours.GoneAt) {
		t.Fatalf("%v gone, the next at %v, %v", gone, next, err)
	}
	marked, err := s.MarkRead("bob", 4, start.Add(30*time.Second))
	if err != nil || marked.Left != 0 || marked.Latest != idOf(t, stays) {
		t.Fatalf("MarkRead gives %+v, %v", marked, err)
	}
	s = reopen(t, s)
	gone, next, err := s.Vanish(start.Add(time.Minute), 10)
	if err != nil || len(gone) != 1 || cmp.Diff(client.Message{Cursor: 2, ID: ours.ID, Contact: "bob", From: "alice"}, gone[0]) != "" || !next.Equal(start.Add(90*time.Second)) {
		t.Fatalf("%v gone, the next at %v, %v", gone, next, err)
	}
	gone, next, err = s.Vanish(start.Add(time.Hour), 10)
	if err != nil || len(gone) != 1 || gone[0].Cursor != 1 || !next.IsZero() {
		t.Fatalf("%v gone, the next at %v, %v", gone, next, err)
	}
	if got := texts(history(t, s, client.Query{})); !slices.Equal(got, []string{"stays", "60"}) {
		t.Errorf("left is %q", got)
	}
	for _, m := range []client.NewMessage{theirs, ours} {
		if seen, err := s.Seen(m.Author, idOf(t, m)); !seen || err != nil {
			t.Errorf("a copy of %q is unknown: %v", m.Text, err)
		}
	}
	if found, err := s.Search(client.Search{Find: "lived", Limit: 9}); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	later := start.Add(client.HeardFor + 2*time.Hour)
	if _, _, err := s.Vanish(later, 10); err != nil {
		t.Fatal(err)
	}
	if seen, _ := s.Seen(theirs.Author, idOf(t, theirs)); seen {
		t.Error("copies are known for ever")
	}
}

func TestViews(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	want := []client.View{{Contact: "bob", Draft: "half a \x00 \xff sentence", Edits: 3}, {Contact: "carol", Replies: 7, Top: 41, Line: -2}}
	for _, v := range append([]client.View{{Contact: "bob", Draft: "half"}, {Contact: "dave", Top: 1}, {Contact: "dave"}}, want...) {
		if err := s.SetView(v); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(t, s)
	got, err := s.Views()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
}

// TestWordsGo: of a text that was edited, deleted or has disappeared, no word is
// left inside the encryption, in the index either.
func TestWordsGo(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	var c client.Changes
	words := []string{"xanthocarpous", "yttrocolumbite", "zygomaticus"}
	for _, w := range words {
		m := incoming(bob, "before "+w+" behind")
		c.Messages = append(c.Messages, m)
	}
	for i := range 200 {
		c.Messages = append(c.Messages, incoming(bob, numbered(i)+" remains"))
	}
	c.Messages[2].GoneAt = now()
	commit(t, s, &c)
	inside := func() []byte {
		path := filepath.Join(t.TempDir(), "plain.db")
		if err := errors.Join(s.db.conn.Exec("PRAGMA wal_checkpoint(truncate)"), s.db.conn.Backup("main", path)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := inside()
	for _, w := range append(words, "remains") {
		if !bytes.Contains(b, []byte(w[4:])) { // the index leaves out what a term shares with the one before
			t.Fatalf("%s was never there", w)
		}
	}
	commit(t, s, &client.Changes{Rewrites: []client.Rewrite{
		{Author: c.Messages[0].Author, ID: idOf(t, c.Messages[0]), Text: "other words"},
		{Author: c.Messages[1].Author, ID: idOf(t, c.Messages[1]), Deleted: true},
	}})
	if gone, _, err := s.Vanish(now().Add(time.Second), 10); err != nil || len(gone) != 1 {
		t.Fatalf("%v gone, %v", gone, err)
	}
	b = inside()
	for _, w := range words {
		if bytes.Contains(b, []byte(w[4:])) {
			t.Errorf("%s is still there", w)
		}
	}
	if !bytes.Contains(b, []byte("remains")) {
		t.Error("the rest is gone, too")
	}
}
