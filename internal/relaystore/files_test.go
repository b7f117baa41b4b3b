package relaystore

import (
	"context"
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/relay"
)

func openFiles(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open("/store", Options{FS: fs, FileBytes: storetest.FileBytes, OwnerBytes: storetest.OwnerBytes})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFilesConformance(t *testing.T) {
	noLeaks(t)
	storetest.RunFiles(t, func(t *testing.T) relay.Files {
		s := openFiles(t, vfs.NewMem())
		t.Cleanup(func() {
			checkRecords(t, s)
			closeStore(t, s)
		})
		return s
	})
}

// folder lists the folder of files.
func folder(t testing.TB, fs vfs.FS) []string {
	t.Helper()
	names, err := fs.List("/store/" + filesDir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What is left of a crash goes when the store is opened, and room is counted anew.
func TestFilesReopen(t *testing.T) {
	disk := vfs.NewMem()
	s := openFiles(t, disk)
	f, b := storetest.NewFile("alice", storetest.FileSize)
	if err := storetest.PutFile(s, f, b); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	for _, name := range []string{strings.Repeat("0", 32), strings.Repeat("1", 32) + partOf, "else"} {
		x, err := disk.Create(path.Join("/store", filesDir, name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		x.Close()
	}
	setRaw(t, disk, string(fileKey([16]byte{9})), "nonsense")
	s = openFiles(t, disk)
	defer closeStore(t, s)
	storetest.HoldsFile(t, s, f, b, true)
	if names := folder(t, disk); len(names) != 1 || names[0] != f.ID.String() {
		t.Errorf("the folder holds %q", names)
	}
	for i := range 2 {
		g, b := storetest.NewFile("alice", storetest.FileSize)
		if err := storetest.PutFile(s, g, b); (err == nil) != (i == 0) || err != nil && !errors.Is(err, relay.ErrOwnerFull) {
			t.Errorf("file %d of alice: %v", i+2, err)
		}
	}
}

// On a disk that is nearly full no file is stored, and messages are.
func TestFilesLeaveSpace(t *testing.T) {
	disk := vfs.NewMem()
	s := openFiles(t, disk)
	defer closeStore(t, s)
	f, b := storetest.NewFile("alice", storetest.FileSize)
	for _, c := range []struct {
		avail uint64
		want  error
	}{{fileFree + storetest.FileSize - 1, relay.ErrFilesFull}, {fileFree + storetest.FileSize, nil}} {
		disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: c.avail, TotalBytes: 1 << 40})
		if !takes(t, s, relay.KindMessage) {
			t.Errorf("with %d bytes there is no room for a message", c.avail)
		}
		if err := storetest.PutFile(s, f, b); !errors.Is(err, c.want) {
			t.Errorf("with %d bytes: %v", c.avail, err)
		}
	}
	// Two at once must not share the same space.
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: fileFree + storetest.FileSize*3/2, TotalBytes: 1 << 40})
	one, _ := storetest.NewFile("alice", storetest.FileSize)
	w, err := s.CreateFile(context.Background(), one)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	two, _ := storetest.NewFile("bob", storetest.FileSize)
	if _, err := s.CreateFile(context.Background(), two); !errors.Is(err, relay.ErrFilesFull) {
		t.Errorf("a second file in the same space: %v", err)
	}
}

// filesOnly fails what is done to files, and nothing of the engine.
type filesOnly struct {
	kind errorfs.OpKind
	err  atomic.Pointer[error]
}

func (f *filesOnly) String() string { return "files" }

func (f *filesOnly) MaybeError(op errorfs.Op) error {
	if err := f.err.Load(); err != nil && op.Kind == f.kind && strings.Contains(op.Path, "/"+filesDir) {
		return *err
	}
	return nil
}

// A disk that fails a file fails nothing else, whatever it fails at; and what it
// says of it names no file.
func TestFilesFailAlone(t *testing.T) {
	for name, kind := range map[string]errorfs.OpKind{
		"create": errorfs.OpCreate, "write": errorfs.OpFileWrite, "sync": errorfs.OpFileSync,
		"rename": errorfs.OpRename, "folder": errorfs.OpOpenDir,
	} {
		t.Run(name, func(t *testing.T) {
			for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
				disk, faults := vfs.NewMem(), &filesOnly{kind: kind}
				s := openFiles(t, errorfs.Wrap(disk, faults))
				f, b := storetest.NewFile("alice", storetest.FileSize)
				faults.err.Store(&cause)
				err := storetest.PutFile(s, f, b)
				if err == nil || errors.Is(err, relay.ErrFilesFull) != (cause == syscall.ENOSPC) {
					t.Errorf("%v: %v", cause, err)
				}
				if err != nil && strings.Contains(err.Error(), f.ID.String()) {
					t.Errorf("the error names the file: %v", err)
				}
				faults.err.Store(nil)
				storetest.HoldsFile(t, s, f, nil, false)
				if !takes(t, s, relay.KindMessage) || s.Err() != nil {
					t.Errorf("messages suffer: %v", s.Err())
				}
				if err := storetest.PutFile(s, f, b); err != nil {
					t.Errorf("afterwards: %v", err)
				}
				storetest.HoldsFile(t, s, f, b, true)
				if names := folder(t, disk); len(names) != 1 {
					t.Errorf("the folder holds %q", names)
				}
				closeStore(t, s)
			}
		})
	}
}

// The power goes at any moment: a file that was promised is there, whole, and one
// that was not is there whole or not at all.
func TestFilesPowerLoss(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 60 {
		disk := vfs.NewCrashableMem()
		cut, ops := 1+rng.IntN(40), 0
		var after *vfs.MemFS
		promised := 0
		s := openFiles(t, errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if strings.Contains(op.Path, "/"+filesDir) || strings.HasSuffix(op.Path, ".log") {
				if ops++; ops == cut {
					after = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
				}
			}
			return nil
		})))
		var files []relay.File
		var contents [][]byte
		for i := range 3 {
			f, b := storetest.NewFile("alice", 20_000)
			files, contents = append(files, f), append(contents, b)
			if err := storetest.PutFile(s, f, b); err != nil {
				t.Fatal(err)
			}
			if after == nil {
				promised = i + 1
			}
		}
		closeStore(t, s)
		if after == nil {
			continue
		}
		s = openFiles(t, after)
		for i, f := range files {
			_, err := s.File(context.Background(), f.ID)
			storetest.HoldsFile(t, s, f, contents[i], i < promised || err == nil)
		}
		closeStore(t, s)
	}
}
