package profile

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/adiantum"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// faults is a file system whose disk fails when told to. It lies under the
// one that seals.
type faults struct {
	vfs.VFS
	write, sync atomic.Pointer[error]
}

// useFaults registers a failing disk and gives its name.
func useFaults(t *testing.T) (*faults, string) {
	f := &faults{VFS: vfs.Find("")}
	name := "faults-" + strings.ReplaceAll(t.Name(), "/", "-")
	vfs.Register(name, adiantum.Wrap(f, nil))
	t.Cleanup(func() { vfs.Unregister(name) })
	return f, name
}

func (f *faults) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := vfsutil.WrapOpenFilename(f.VFS, name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &faultyFile{file, f}, flags, nil
}

type faultyFile struct {
	vfs.File
	*faults
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.write.Load(); err != nil {
		return 0, *err
	}
	return f.File.WriteAt(p, off)
}

func (f *faultyFile) Sync(flags vfs.SyncFlag) error {
	if err := f.sync.Load(); err != nil {
		return *err
	}
	return f.File.Sync(flags)
}

// openOn opens a profile on another file system.
func openOn(t *testing.T, ref Ref, vfs string) *Store {
	t.Helper()
	s := open(t, ref)
	master := *s.master
	s.Close()
	s, err := openStore(ref, vfs, &master)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// reopenOn closes a store of openOn and opens its profile on the real disk.
func reopenOn(t *testing.T, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, s.Ref())
}

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

// TestFullDisk: a disk without room refuses a write in the middle of a commit.
// With room again, the same store goes on.
func TestFullDisk(t *testing.T) {
	isolate(t)
	disk, name := useFaults(t)
	s := create(t, "alice")
	s.Close()
	s = openOn(t, s.Ref(), name)
	bob := contactOf(t, "bob", client.Accepted)
	kept := []string{"first", "second"}
	for _, text := range kept {
		commit(t, s, step(bob, text))
	}
	var full error = sqlite3.FULL // what the file system makes of ENOSPC
	disk.write.Store(&full)
	for range 3 {
		storageError(t, s.Commit(step(bob, "lost")), "is full")
		checkKept(t, s, kept)
	}
	disk.write.Store(nil)
	commit(t, s, step(bob, "third"))
	kept = append(kept, "third")
	checkKept(t, s, kept)
	checkKept(t, reopenOn(t, s), kept)
}

// TestFailingDisk: after a write or a sync that failed nothing more is read or
// written, and the next start finds all that was committed before.
func TestFailingDisk(t *testing.T) {
	for name, test := range map[string]struct {
		write, sync error
		says        string
	}{
		"write":             {write: syscall.EIO, says: "has failed"},
		"sync":              {sync: syscall.EIO, says: "has failed"},
		"sync without room": {sync: syscall.ENOSPC, says: "is full"},
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			disk, name := useFaults(t)
			s := create(t, "alice")
			s.Close()
			s = openOn(t, s.Ref(), name)
			bob := contactOf(t, "bob", client.Accepted)
			kept := []string{"first", "second"}
			for _, text := range kept {
				commit(t, s, step(bob, text))
			}
			if test.write != nil {
				disk.write.Store(&test.write)
			}
			if test.sync != nil {
				disk.sync.Store(&test.sync)
			}
			storageError(t, s.Commit(step(bob, "lost")), test.says)
			disk.write.Store(nil)
			disk.sync.Store(nil)
			_, err := s.History(client.Query{Limit: 1})
			for _, err := range []error{err, s.Commit(step(bob, "after"))} {
				storageError(t, err, test.says)
				storageError(t, err, "chat again")
			}
			s = reopenOn(t, s)
			if test.sync != nil && len(history(t, s, client.Query{})) == 3 {
				kept = append(kept, "lost") // it reached the disk in spite of what the disk said
			}
			checkKept(t, s, kept)
		})
	}
}
