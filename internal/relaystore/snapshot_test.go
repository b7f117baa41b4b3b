package relaystore

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// format2 is a store that a program of that format has written: two messages
// wait for bob, one for alice. It returns its directory.
func format2(t *testing.T) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "format2.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return filepath.Join(dir, "store")
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.FromSlash(h.Name)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// look is the format of a store that nobody has open.
func look(t *testing.T, dir string) int {
	t.Helper()
	state, err := Look(dir)
	if err != nil || !state.There || state.InUse {
		t.Fatalf("%s: %+v, %v", dir, state, err)
	}
	return state.Format
}

// TestOlderFormat: data of an older program opens, and stays as it was beside
// what becomes of it.
func TestOlderFormat(t *testing.T) {
	noLeaks(t)
	dir := format2(t)
	if got := look(t, dir); got != 2 {
		t.Fatalf("the fixture has format %d", got)
	}
	waits := func(dir string) {
		t.Helper()
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer closeStore(t, s)
		checkRecords(t, s)
		for owner, want := range map[crypto.Address]int{{User: "bob", Device: crypto.DeviceID{2}}: 2, {User: "alice", Device: crypto.DeviceID{1}}: 1} {
			if got := storetest.All(t, s, owner); len(got) != want {
				t.Errorf("for %s wait %d, not %d", owner.User, len(got), want)
			}
		}
	}
	waits(dir)
	if got := look(t, dir); got != storeFormat {
		t.Errorf("the data has format %d", got)
	}
	kept := dir + FormatSuffix + "2"
	if got := look(t, kept); got != 2 {
		t.Errorf("what was kept has format %d", got)
	}
	waits(dir) // nothing more is kept
	names, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(names) != 2 {
		t.Errorf("beside the store: %v, %v", names, err)
	}
	waits(kept) // which is whole
}

// TestOlderFormatAgain: who went back to the older program by a copy of what was
// kept, and then on again, has what that one wrote.
func TestOlderFormatAgain(t *testing.T) {
	noLeaks(t)
	fs := vfs.NewMem()
	bob, from := storetest.NewAddress("bob"), storetest.NewAddress("alice")
	for n := 1; n <= 2; n++ {
		s := openIn(t, fs, "/store")
		storetest.Put(t, s, bob, storetest.NewEntry(relay.KindMessage, from, 10))
		closeStore(t, s)
		setRaw(t, fs, "F", "\x03") // as if the older program had written that
		closeStore(t, openIn(t, fs, "/store"))
		kept := openIn(t, fs, "/store"+FormatSuffix+"3")
		if got := storetest.All(t, kept, bob); len(got) != n {
			t.Errorf("of %d entries, %d are kept", n, len(got))
		}
		closeStore(t, kept)
	}
}

// TestOlderFormatInterrupted: a start that ended before the new format was
// marked is made good by the next.
func TestOlderFormatInterrupted(t *testing.T) {
	dir := format2(t)
	if err := os.MkdirAll(filepath.Join(dir+snapshotSuffix, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if got := look(t, dir+FormatSuffix+"2"); got != 2 {
		t.Errorf("what was kept has format %d", got)
	}
}

// TestSnapshotAlone: one at a time, and what is made in between is not in it.
func TestSnapshotAlone(t *testing.T) {
	noLeaks(t)
	disk := vfs.NewMem()
	s := openFiles(t, disk)
	defer closeStore(t, s)
	bob, from := storetest.NewAddress("bob"), storetest.NewAddress("alice")
	storetest.Put(t, s, bob, storetest.NewEntry(relay.KindMessage, from, 10))
	kept, content := storetest.NewFile("alice", storetest.FileSize)
	if err := storetest.PutFile(s, kept, content); err != nil {
		t.Fatal(err)
	}
	err := s.Snapshot(context.Background(), func(dir string) error {
		if err := s.Snapshot(context.Background(), func(string) error { return nil }); !errors.Is(err, errSnapshot) {
			t.Errorf("a second one: %v", err)
		}
		storetest.Put(t, s, bob, storetest.NewEntry(relay.KindMessage, from, 20))
		if err := s.DeleteFile(context.Background(), kept.ID); err != nil {
			t.Error(err)
		}
		then, err := Open(dir, Options{FS: disk})
		if err != nil {
			return err
		}
		defer closeStore(t, then)
		checkRecords(t, then)
		if got := storetest.All(t, then, bob); len(got) != 1 {
			t.Errorf("%d entries are in it", len(got))
		}
		storetest.HoldsFile(t, then, kept, content, true)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	names, err := disk.List("/")
	if err != nil || len(names) != 1 {
		t.Errorf("left beside the store: %v, %v", names, err)
	}
	if got := storetest.All(t, s, bob); len(got) != 2 {
		t.Errorf("%d entries wait", len(got))
	}
}

// failingAt is a disk that fails once, at the nth operation on a snapshot.
type failingAt struct{ left atomic.Int64 }

func (*failingAt) String() string { return "failingAt" }

func (f *failingAt) MaybeError(op errorfs.Op) error {
	if !strings.Contains(op.Path, snapshotSuffix) || op.Kind == errorfs.OpRemoveAll || f.left.Add(-1) != 0 {
		return nil
	}
	return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
}

// TestSnapshotOnBadDisk fails a snapshot in each of its steps. The store goes on.
func TestSnapshotOnBadDisk(t *testing.T) {
	noLeaks(t)
	disk := &failingAt{}
	s, err := Open("/store", Options{FS: errorfs.Wrap(vfs.NewMem(), disk)})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	f, content := storetest.NewFile("alice", storetest.FileSize)
	if err := storetest.PutFile(s, f, content); err != nil {
		t.Fatal(err)
	}
	bob, from := storetest.NewAddress("bob"), storetest.NewAddress("alice")
	refused := 0
	for n := int64(1); ; n++ {
		disk.left.Store(n)
		used := false
		err := s.Snapshot(context.Background(), func(string) error { used = true; return nil })
		if used == (err != nil) {
			t.Fatalf("step %d: %v, used: %v", n, err, used)
		}
		if err != nil {
			refused++
		}
		if e := storetest.NewEntry(relay.KindMessage, from, 10); len(storetest.Put(t, s, bob, e)) != 1 {
			t.Fatalf("step %d: the store does not go on", n)
		}
		if disk.left.Load() > 0 {
			break // it has fewer steps
		}
	}
	if refused < 10 {
		t.Errorf("%d steps were refused", refused)
	}
}

// keeping is a disk that removes no snapshot.
type keeping struct{ on atomic.Bool }

func (*keeping) String() string { return "keeping" }

func (k *keeping) MaybeError(op errorfs.Op) error {
	if !k.on.Load() || op.Kind != errorfs.OpRemoveAll {
		return nil
	}
	return &os.PathError{Op: "remove", Path: op.Path, Err: syscall.EACCES}
}

// TestSnapshotOfCrash: what a crash has left of a snapshot goes at the next start.
func TestSnapshotOfCrash(t *testing.T) {
	noLeaks(t)
	mem, k := vfs.NewMem(), &keeping{}
	left := "/store" + snapshotSuffix
	if err := mem.MkdirAll(mem.PathJoin(left, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	k.on.Store(true)
	disk := errorfs.Wrap(mem, k)
	if s, err := Open("/store", Options{FS: disk}); !errors.Is(err, syscall.EACCES) {
		if err == nil {
			closeStore(t, s)
		}
		t.Fatalf("where it cannot be removed: %v", err)
	}
	k.on.Store(false)
	s, err := Open("/store", Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if _, err := mem.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
