package profile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// childVariable makes this test binary be another process with a profile.
const childVariable = "PROFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch role, name, _ := strings.Cut(os.Getenv(childVariable), " "); role {
	case "":
		os.Exit(m.Run())
	case "hold":
		childHold(name)
	case "commit":
		childCommit(name)
	}
}

// childOpen opens a profile in the child.
func childOpen(name string) *Store {
	ref, err := RefFor(name, testServer)
	if err == nil {
		var s *Store
		if s, err = Open(ref, passphrase); err == nil {
			return s
		}
	}
	fmt.Println(err)
	os.Exit(1)
	return nil
}

// childHold opens the profile, says so, and keeps it until its input ends.
func childHold(name string) {
	childOpen(name)
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
}

// childCommit commits numbered messages, each with all that belongs to it, and
// says each number once it is on the disk, until it is killed.
func childCommit(name string) {
	s := childOpen(name)
	l, err := s.Load()
	if err != nil {
		panic(err)
	}
	bob := l.Contacts[0]
	author := l.Keys.Certificate.Address()
	for n := len(l.Outbox); ; n++ {
		id := crypto.NewMessageID()
		bob.Session = []byte(numbered(n))
		c := &client.Changes{
			Contacts: []client.ContactRecord{bob},
			Messages: []client.NewMessage{{Author: author, Message: client.Message{
				ID: id.String(), Contact: bob.Name, From: name, Type: client.TypeText,
				Text: numbered(n), SentAt: now(), At: now(), State: client.Waiting,
			}}},
			Enqueue: []client.OutboxItem{{ID: id, Kind: "encrypted_message", Contact: bob.Name, At: now(), Frame: []byte(numbered(n))}},
		}
		if err := s.Commit(c); err != nil {
			panic(err)
		}
		fmt.Println(n)
	}
}

// child is another process; it is killed with the test at the latest.
type child struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func start(t *testing.T, role, name string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), childVariable+"="+role+" "+name)
	c.Stderr = os.Stderr
	out, err1 := c.StdoutPipe()
	in, err2 := c.StdinPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	c.in, c.lines = in, bufio.NewScanner(out)
	t.Cleanup(c.kill)
	return c
}

func (c *child) kill() {
	if c.ProcessState == nil {
		c.Process.Kill()
		c.Wait()
	}
}

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
		if _, err := Open(ref, []byte("wrong passphrase")); !errors.Is(err, client.ErrBusy) {
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
	_, err2 := Open(ref, passphrase)
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
		"short passphrase": func() (*Store, error) { return Create(ref, keys, []byte("seven b"), cheap) },
		"no cost":          func() (*Store, error) { return Create(ref, keys, passphrase, keyfile.Cost{}) },
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
		filepath.Join(ref.Dir, lockFile), filepath.Join(ref.Dir, dbFile),
	} {
		err := os.MkdirAll(filepath.Dir(file), dirMode)
		if err := errors.Join(err, os.WriteFile(file, []byte("left over"), fileMode)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Create(ref, keys, passphrase, cheap)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(ref, newKeys(t, "alice"), passphrase, cheap); !errors.Is(err, client.ErrUsage) {
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
			s, err := Create(ref, keys, passphrase, cheap)
			if err == nil {
				stores[i] = s
				return
			}
			var e *client.Error
			if !errors.As(err, &e) {
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

// TestKill: whatever a process said is on the disk is there after kill -9,
// once and in order, and what belongs together is there together.
func TestKill(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	ref := s.Ref()
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{contactOf(t, "bob", client.Accepted)}})
	s.Close()
	said := 0
	for _, lines := range []int{1, 7, 40, 3, 300} {
		c := start(t, "commit", "alice")
		for range lines {
			if !c.lines.Scan() {
				t.Fatal("the child has ended")
			}
			if c.lines.Text() != fmt.Sprint(said) {
				t.Fatalf("the child said %s after %d", c.lines.Text(), said)
			}
			said++
		}
		c.Process.Kill()
		for c.lines.Scan() { // said before it died
			said++
		}
		c.Wait()
		s := open(t, ref)
		l := load(t, s)
		kept := len(l.Outbox)
		if kept != said && kept != said+1 { // the last may be written and not yet said
			t.Fatalf("%d were said, %d are kept", said, kept)
		}
		said = kept
		if got := string(l.Contacts[0].Session); got != numbered(kept-1) {
			t.Fatalf("the session is at %q after %d", got, kept)
		}
		items, err := s.Outbox(0, kept+1)
		if err != nil {
			t.Fatal(err)
		}
		messages := history(t, s, client.Query{Limit: kept + 1})
		if len(messages) != kept || len(items) != kept {
			t.Fatalf("%d messages, %d items, want %d", len(messages), len(items), kept)
		}
		for n := range kept {
			if messages[n].Text != numbered(n) || string(items[n].Frame) != numbered(n) {
				t.Fatalf("in place %d stand %q and %q", n, messages[n].Text, items[n].Frame)
			}
		}
		s.Close()
	}
}
