package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
)

func TestConcurrentUse(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}})
	const writers, each = 8, 25
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for i := range each {
				c := &client.Changes{Messages: []client.NewMessage{incoming(bob, numbered(i))}}
				if err := s.Commit(c); err != nil {
					t.Error(err)
				}
				if _, err := s.MarkRead("bob", c.Messages[0].Cursor, time.Now()); err != nil {
					t.Error(err)
				}
				if _, err := s.Load(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := history(t, s, client.Query{})
	if len(got) != writers*each {
		t.Fatalf("%d messages, want %d", len(got), writers*each)
	}
	if !slices.IsSortedFunc(got, func(a, b client.Message) int { return int(a.Cursor - b.Cursor) }) {
		t.Fatal("out of order")
	}
}

func TestClosed(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(); err == nil {
		t.Fatal("a closed store loads")
	}
	if err := s.Commit(&client.Changes{}); err == nil {
		t.Fatal("a closed store commits")
	}
}

func TestNewerSchema(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	if err := s.db.conn.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err := unlock(s.Ref(), passphrase)
	if !errors.Is(err, client.ErrStorage) || !strings.Contains(err.Error(), "newer version") {
		t.Fatalf("got %v", err)
	}
}

// TestSettings: none of the settings that the promises rest on is lost.
func TestSettings(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	for range 2 {
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "locking_mode": "exclusive", "temp_store": "2",
			"secure_delete": "1", "trusted_schema": "0", "checksum_verification": "1",
		} {
			var got string
			if err := s.db.query("PRAGMA "+pragma, func(r *sqlite3.Stmt) { got = r.ColumnText(0) }); err != nil || got != want {
				t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
			}
		}
		s = reopen(t, s)
	}
}

func BenchmarkOpen(b *testing.B) {
	isolate(b)
	s := create(b, "alice")
	bob := contactOf(b, "bob", client.Accepted)
	c := &client.Changes{Contacts: []client.ContactRecord{bob}}
	for i := range 10000 {
		c.Messages = append(c.Messages, incoming(bob, numbered(i)))
	}
	commit(b, s, c)
	ref, master := s.Ref(), *s.master
	s.Close()
	for b.Loop() { // without argon2, which costs what it is told to
		m := master
		s, err := openStore(ref, sealing, &m)
		if err != nil {
			b.Fatal(err)
		}
		load(b, s)
		s.Close()
	}
}

// BenchmarkCommit measures messages, of which some are written in one commit:
// received from three contacts, whose sessions go on with each, or sent.
func BenchmarkCommit(b *testing.B) {
	isolate(b)
	s := create(b, "alice")
	var people []client.ContactRecord
	for _, name := range []string{"bob", "carol", "eve"} {
		c := contactOf(b, name, client.Accepted)
		c.Session = make([]byte, 2000) // of usual size
		people = append(people, c)
	}
	const text = "a message of usual length, more or less"
	for _, size := range []int{1, 16, 64, 500} {
		b.Run(fmt.Sprintf("received/%d", size), func(b *testing.B) {
			for n := 0; n < b.N; n += size {
				c := &client.Changes{Contacts: people[:min(size, len(people))]}
				for i := range size {
					c.Messages = append(c.Messages, incoming(people[i%len(people)], text))
				}
				commit(b, s, c)
			}
		})
	}
	b.Run("sent/1", func(b *testing.B) {
		for b.Loop() {
			m := outgoing(b, s, "bob", text)
			commit(b, s, &client.Changes{
				Contacts: people[:1], Messages: []client.NewMessage{m},
				Enqueue: []client.OutboxItem{{ID: idOf(b, m), Kind: "encrypted_message", Contact: "bob", At: now(), Frame: make([]byte, 600)}},
			})
		}
	})
}

// What comes after the folder has gone must stay with the relay.
func TestMovedAway(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no folder with an open file in it can be renamed there")
	}
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}})
	dir, away := s.Ref().Dir, filepath.Join(t.TempDir(), "away")
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(dir, away)
	storageError(t, s.Commit(step(bob, "into the void")), "moved, removed or replaced")
	move(away, dir)
	commit(t, s, step(bob, "back"))

	db := s.Ref().path(dbFile)
	b, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(db+".copy", b, fileMode), os.Rename(db+".copy", db)); err != nil {
		t.Fatal(err)
	}
	storageError(t, s.Commit(step(bob, "into the old file")), "moved, removed or replaced")
	if got := history(t, s, client.Query{}); len(got) != 1 || got[0].Text != "back" {
		t.Fatalf("got %v", got)
	}
}
