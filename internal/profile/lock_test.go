package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

func TestSecondOpenerIsBusy(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	ref := s.Ref()
	busy := func() {
		t.Helper()
		if _, err := Acquire(ref); !errors.Is(err, client.ErrBusy) {
			t.Fatalf("Acquire: %v", err)
		}
		// Whether the passphrase is right is not even asked.
		if _, err := unlock(ref, []byte("wrong passphrase")); !errors.Is(err, client.ErrBusy) {
			t.Fatalf("Open: %v", err)
		}
		if err := Remove(ref); !errors.Is(err, client.ErrBusy) {
			t.Fatalf("Remove: %v", err)
		}
	}
	busy() // within one process
	s.Close()
	other := start(t, "hold", "alice")
	if !other.lines.Scan() || other.lines.Text() != "open" {
		t.Fatalf("the other process says %q", other.lines.Text())
	}
	busy()
	other.kill()
	open(t, ref) // a lock ends with its process
}

func TestLockOutlivesWrongPassphrase(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	s.Close()
	lock, err := Acquire(s.Ref())
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "wrong passphrase", string(passphrase) + " "} {
		_, err := lock.Open([]byte(wrong))
		if !errors.Is(err, client.ErrLocked) || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Fatalf("got %v", err)
		}
		if _, err := Acquire(s.Ref()); !errors.Is(err, client.ErrBusy) {
			t.Fatalf("the lock is gone: %v", err)
		}
	}
	s, err = lock.Open(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	lock.Release() // the store keeps it
	if _, err := Acquire(s.Ref()); !errors.Is(err, client.ErrBusy) {
		t.Fatalf("the lock is gone: %v", err)
	}
	s.Close()
	again, err := Acquire(s.Ref())
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
	again.Release()
	open(t, s.Ref())
}

func TestMissingProfile(t *testing.T) {
	isolate(t)
	ref := newRef(t, "alice")
	_, err1 := Acquire(ref)
	_, err2 := unlock(ref, passphrase)
	for _, err := range []error{err1, err2, Remove(ref)} {
		if !errors.Is(err, client.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := os.Stat(ref.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("asking for a profile made its folder")
	}
}

func TestCreate(t *testing.T) {
	root := isolate(t)
	ref, keys := newRef(t, "alice"), newKeys(t, "alice")
	for name, f := range map[string]func() (*Store, error){
		"short passphrase": func() (*Store, error) { return Create(ref, keys, first, []byte("seven b"), cheap) },
		"no cost":          func() (*Store, error) { return Create(ref, keys, first, passphrase, keyfile.Cost{}) },
	} {
		if _, err := f(); !errors.Is(err, client.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "data")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("a refused creation left something")
	}
	// What a process that was killed has left, in both places.
	temp := filepath.Join(filepath.Dir(ref.Dir), ".new-"+filepath.Base(ref.Dir))
	for _, file := range []string{
		filepath.Join(temp, lockFile), filepath.Join(temp, dbFile), filepath.Join(temp, dbFile+"-wal"), filepath.Join(temp, keyFile),
		filepath.Join(ref.Dir, lockFile), filepath.Join(ref.Dir, serverFile),
	} {
		err := os.MkdirAll(filepath.Dir(file), dirMode)
		if err := errors.Join(err, os.WriteFile(file, []byte("left over"), fileMode)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Create(ref, keys, first, passphrase, cheap)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(ref, newKeys(t, "alice"), first, passphrase, cheap); !errors.Is(err, client.ErrUsage) {
		t.Fatalf("a second profile in one place: %v", err)
	}
	s = reopen(t, s)
	if load(t, s).Keys.Certificate.Hash() != keys.Certificate.Hash() {
		t.Fatal("the second creation changed the first")
	}
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{contactOf(t, "bob", client.Accepted)}})
	files := checkModes(t, filepath.Dir(ref.Dir))
	slices.Sort(files)
	if want := []string{keyFile, lockFile, dbFile, dbFile + "-wal", serverFile}; !slices.Equal(files, want) {
		t.Fatalf("there is %q, want %q", files, want)
	}
}

// checkModes fails for anything that others may read, and lists the files.
func checkModes(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() {
			files = append(files, d.Name())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestCreateAtOnce: of many that create one profile, one gets it.
func TestCreateAtOnce(t *testing.T) {
	isolate(t)
	ref, keys := newRef(t, "alice"), newKeys(t, "alice")
	const creators = 4
	stores := make([]*Store, creators)
	var all sync.WaitGroup
	for i := range creators {
		all.Go(func() {
			s, err := Create(ref, keys, first, passphrase, cheap)
			if err == nil {
				stores[i] = s
				return
			}
			if !errors.Is(err, client.ErrBusy) && !errors.Is(err, client.ErrUsage) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	stores = slices.DeleteFunc(stores, func(s *Store) bool { return s == nil })
	if len(stores) != 1 {
		t.Fatalf("%d have it", len(stores))
	}
	load(t, stores[0])
	stores[0].Close()
	open(t, ref)
	if entries, err := os.ReadDir(filepath.Dir(ref.Dir)); err != nil || len(entries) != 1 {
		t.Fatalf("beside it is left %v, %v", entries, err)
	}
}

func TestRemove(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	s.Close()
	if err := os.WriteFile(filepath.Join(s.Ref().Dir, socketFile), nil, fileMode); err != nil {
		t.Fatal(err)
	}
	keep := create(t, "bob")
	if err := Remove(s.Ref()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Ref().Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("something is left: %v", err)
	}
	if refs, err := List(); err != nil || !slices.Equal(refs, []Ref{keep.Ref()}) {
		t.Fatalf("got %v, %v", refs, err)
	}
	create(t, "alice")
}

// TestOneOwner: while profiles come and go in one place, nobody holds one
// together with somebody else.
func TestOneOwner(t *testing.T) {
	isolate(t)
	ref := newRef(t, "alice")
	var owners, turns atomic.Int32
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			temp := ref
			temp.Dir += fmt.Sprint("-temp", i)
			for turns.Load() < 300 {
				err1 := os.MkdirAll(temp.Dir, dirMode)
				err2 := os.WriteFile(temp.path(keyFile), nil, fileMode)
				if err := errors.Join(err1, err2); err != nil {
					t.Error(err)
				}
				rename(temp, ref) // fails while somebody's is there
				l, err := Acquire(ref)
				if err != nil {
					continue
				}
				if owners.Add(1) != 1 {
					t.Error("two own it")
				}
				turns.Add(1)
				owners.Add(-1)
				if err := remove(l); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
