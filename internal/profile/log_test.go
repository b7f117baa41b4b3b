package profile

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
)

// TestCutOffButLogged: a last page that a crash has cut off is repaired from
// the log.
func TestCutOffButLogged(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	ref, master := s.Ref(), *s.master
	fill(t, s)
	log, err := os.ReadFile(ref.path(dbFile + "-wal"))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	want, err := readAll(ref, master)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(ref.path(dbFile))
	if err != nil {
		t.Fatal(err)
	}
	err1 := os.Truncate(ref.path(dbFile), info.Size()-1000)
	err2 := os.WriteFile(ref.path(dbFile+"-wal"), log, fileMode)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	got, err := readAll(ref, master)
	if diff := cmp.Diff(want, got, equateContents); err != nil || diff != "" {
		t.Fatalf("%v %.300s", err, diff)
	}
}

// TestDamagedLog flips bits in a log that a killed process has left. What
// stands before the last two commits is read as it was written, or an error
// says that it is damaged. Of these, and of the head of the log, a damage is not
// told from a write that a crash has cut off.
func TestDamagedLog(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	ref, master := s.Ref(), *s.master
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{contactOf(t, "bob", client.Accepted)}})
	s.Close()
	c := start(t, "commit", "alice")
	for range 20 {
		c.lines.Scan()
	}
	c.kill()
	log, err1 := os.ReadFile(ref.path(dbFile + "-wal"))
	db, err2 := os.ReadFile(ref.path(dbFile))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	read := func(log []byte) (contents, error) {
		err1 := os.WriteFile(ref.path(dbFile), db, fileMode)
		err2 := os.WriteFile(ref.path(dbFile+"-wal"), log, fileMode)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return readAll(ref, master)
	}
	want, err := read(log)
	if err != nil || len(want.Messages) < 20 {
		t.Fatalf("%d messages, %v", len(want.Messages), err)
	}
	told, lost := 0, 0
	for at := page + 10; at < len(log); at += 2*page + 100 {
		damaged := bytes.Clone(log)
		damaged[at] ^= 0x10
		got, err := read(damaged)
		if err != nil {
			storageError(t, err, "damaged")
			told++
			continue
		}
		if missing := len(want.Messages) - len(got.Messages); missing > 2 {
			t.Fatalf("a bit at %d of %d costs %d messages", at, len(log), missing)
		} else if missing > 0 {
			lost++
		}
		for n, m := range got.Messages {
			if m.Text != numbered(n) || string(got.Outbox[n].Frame) != numbered(n) {
				t.Fatalf("in place %d stands %q", n, m.Text)
			}
		}
	}
	if told < 30 || lost > 10 {
		t.Errorf("%d damages are told, %d cost the last messages", told, lost)
	}
	if got, err := read(log[:len(log)-page/2]); err != nil || len(got.Messages) < len(want.Messages)-1 {
		t.Errorf("of a log that is cut off %d messages are left, %v", len(got.Messages), err)
	}
}
