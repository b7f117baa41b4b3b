package profile

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// step is a commit of a text with all that belongs to it.
func step(bob client.ContactRecord, text string) *client.Changes {
	bob.Session = []byte("after " + text)
	return &client.Changes{
		Contacts: []client.ContactRecord{bob},
		Messages: []client.NewMessage{incoming(bob, text)},
		Enqueue:  []client.OutboxItem{{ID: crypto.NewMessageID(), Kind: "encrypted_message", Contact: "bob", At: now(), Frame: []byte(text)}},
	}
}

func storageError(t *testing.T, err error, says string) {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) || e.Code != client.CodeStorage || !strings.Contains(e.Text, says) {
		t.Fatalf("got %v, want an error of the disk that says %q", err, says)
	}
}

// TestFullDatabase fills the database to its limit: the commit that does not
// fit leaves nothing, everything before it is there, and with room it goes on.
func TestFullDatabase(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	if err := s.db.conn.Exec("PRAGMA max_page_count = 40"); err != nil {
		t.Fatal(err)
	}
	var kept []string
	var err error
	for len(kept) < 1000 {
		text := numbered(len(kept)) + strings.Repeat("!", 1500)
		if err = s.Commit(step(bob, text)); err != nil {
			break
		}
		kept = append(kept, text)
	}
	storageError(t, err, "is full")
	if len(kept) < 3 {
		t.Fatalf("only %d went in", len(kept))
	}
	for range 2 {
		checkKept(t, s, kept)
		s = reopen(t, s)
	}
	commit(t, s, step(bob, "there is room again"))
	checkKept(t, s, append(kept, "there is room again"))
}

func checkKept(t *testing.T, s *Store, kept []string) {
	t.Helper()
	if got := texts(history(t, s, client.Query{})); !slices.Equal(got, kept) {
		t.Fatalf("%d messages, want %d: %v", len(got), len(kept), cmp.Diff(got, kept))
	}
	l := load(t, s)
	if len(l.Outbox) != len(kept) || string(l.Contacts[0].Session) != "after "+kept[len(kept)-1] || l.Contacts[0].Unread != len(kept) {
		t.Fatalf("%d items, session %q, %d unread", len(l.Outbox), l.Contacts[0].Session, l.Contacts[0].Unread)
	}
}
