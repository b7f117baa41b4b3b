package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// Limits of the files under test: room for two of FileSize for each owner, and
// for three in all, whatever a file counts for besides its bytes, up to a half of
// them.
const (
	FileSize   = 100_000
	OwnerBytes = 2*FileSize + FileSize*9/10
	FileBytes  = 3*FileSize + FileSize*9/10
)

// RunFiles tests what open makes, with those limits.
func RunFiles(t *testing.T, open func(t *testing.T) relay.Files) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, relay.Files)
	}{
		{"stored and read", testFile},
		{"ids are given once", testFileExists},
		{"one writer", testFileBusy},
		{"a part is nothing", testFilePart},
		{"room of an owner", testOwnerFull},
		{"room of all", testFilesFull},
		{"deleted", testFileDeleted},
		{"expired files", testFilesExpired},
		{"unsound files", testFileUnsound},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// NewFile makes a file and its bytes.
func NewFile(owner crypto.Username, size int) (relay.File, []byte) {
	id := crypto.NewFileID()
	b := bytes.Repeat(id[:], size/len(id)+1)[:size]
	return relay.File{ID: id, Owner: owner, Size: int64(size), Digest: sha256.Sum256(b), Expires: 1_700_000_000_000}, b
}

// PutFile stores a file.
func PutFile(s relay.Files, f relay.File, b []byte) error {
	w, err := s.CreateFile(context.Background(), f)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(b, 30_000) {
		if err == nil {
			_, err = w.Write(bytes.Clone(part)) // which it may change
		}
	}
	if err == nil {
		err = w.Commit(context.Background())
	}
	return errors.Join(err, w.Close())
}

func mustPut(t *testing.T, s relay.Files, owner crypto.Username) (relay.File, []byte) {
	t.Helper()
	f, b := NewFile(owner, FileSize)
	if err := PutFile(s, f, b); err != nil {
		t.Fatal(err)
	}
	return f, b
}

// HoldsFile checks that a file is there, whole, or that there is none of its id.
func HoldsFile(t testing.TB, s relay.Files, f relay.File, b []byte, there bool) {
	t.Helper()
	got, r, err := s.OpenFile(context.Background(), f.ID)
	if !there {
		if !errors.Is(err, relay.ErrNoFile) {
			t.Errorf("a file that is not there: %v", err)
		}
		if _, err := s.File(context.Background(), f.ID); !errors.Is(err, relay.ErrNoFile) {
			t.Errorf("what is known of it: %v", err)
		}
		return
	}
	if err != nil {
		t.Errorf("a file that is there: %v", err)
		return
	}
	defer r.Close()
	have, err := io.ReadAll(io.NewSectionReader(r, 0, 1<<40))
	if err != nil || !bytes.Equal(have, b) || got != f {
		t.Errorf("a file comes back as %+v with %d bytes, %v; it was %+v", got, len(have), err, f)
	}
}

func testFile(t *testing.T, s relay.Files) {
	f, b := mustPut(t, s, "alice")
	other, c := mustPut(t, s, "bob")
	HoldsFile(t, s, f, b, true)
	HoldsFile(t, s, other, c, true)
	never, _ := NewFile("alice", 10)
	HoldsFile(t, s, never, nil, false)
	_, r, err := s.OpenFile(context.Background(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	part := make([]byte, 100)
	if _, err := r.ReadAt(part, 5000); err != nil || !bytes.Equal(part, b[5000:5100]) {
		t.Errorf("a part of it: %v", err)
	}
}

func testFileExists(t *testing.T, s relay.Files) {
	f, b := mustPut(t, s, "alice")
	again := f
	again.Owner = "bob"
	for _, x := range []relay.File{f, again} {
		if _, err := s.CreateFile(context.Background(), x); !errors.Is(err, relay.ErrFileExists) {
			t.Errorf("stored again for %s: %v", x.Owner, err)
		}
	}
	HoldsFile(t, s, f, b, true)
}

func testFileBusy(t *testing.T, s relay.Files) {
	f, b := NewFile("alice", FileSize)
	w, err := s.CreateFile(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateFile(context.Background(), f); !errors.Is(err, relay.ErrConflict) {
		t.Errorf("a second writer: %v", err)
	}
	if err := s.DeleteFile(context.Background(), f.ID); !errors.Is(err, relay.ErrConflict) {
		t.Errorf("deleted while it is written: %v", err)
	}
	HoldsFile(t, s, f, b, false)
	if _, err := w.Write(bytes.Clone(b)); err != nil {
		t.Fatal(err)
	}
	HoldsFile(t, s, f, b, false)
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	HoldsFile(t, s, f, b, true)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	HoldsFile(t, s, f, b, true)
}

func testFilePart(t *testing.T, s relay.Files) {
	f, b := NewFile("alice", FileSize)
	for _, n := range []int{0, 1, FileSize - 1} {
		w, err := s.CreateFile(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Clone(b[:n])); err != nil {
			t.Fatal(err)
		}
		if w.Commit(context.Background()) == nil {
			t.Errorf("%d of %d bytes are taken for the file", n, len(b))
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		HoldsFile(t, s, f, nil, false)
	}
	w, err := s.CreateFile(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(append(bytes.Clone(b), 0)); err == nil {
		t.Error("more bytes than were said are taken")
	}
	w.Close()
	if err := PutFile(s, f, b); err != nil { // nothing of it all has kept room
		t.Fatal(err)
	}
	mustPut(t, s, "alice")
	HoldsFile(t, s, f, b, true)
}

// fills expects that there is no room for a file, also while others are stored.
func fills(t *testing.T, s relay.Files, owner crypto.Username, want error) {
	t.Helper()
	f, _ := NewFile(owner, FileSize)
	w, err := s.CreateFile(context.Background(), f)
	if !errors.Is(err, want) {
		t.Errorf("one more of %s: %v, want %v", owner, err, want)
	}
	if err == nil {
		w.Close()
	}
}

func testOwnerFull(t *testing.T, s relay.Files) {
	first, _ := mustPut(t, s, "alice")
	f, _ := NewFile("alice", FileSize)
	w, err := s.CreateFile(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	fills(t, s, "alice", relay.ErrOwnerFull) // what is being stored counts
	w.Close()
	second, b := mustPut(t, s, "alice")
	fills(t, s, "alice", relay.ErrOwnerFull)
	fills(t, s, "bob", nil)
	if err := s.DeleteFile(context.Background(), first.ID); err != nil {
		t.Fatal(err)
	}
	fills(t, s, "alice", nil)
	HoldsFile(t, s, second, b, true)
}

func testFilesFull(t *testing.T, s relay.Files) {
	mustPut(t, s, "alice")
	mustPut(t, s, "bob")
	last, _ := mustPut(t, s, "carol")
	fills(t, s, "dave", relay.ErrFilesFull)
	if err := s.DeleteFile(context.Background(), last.ID); err != nil {
		t.Fatal(err)
	}
	fills(t, s, "dave", nil)
}

func testFileDeleted(t *testing.T, s relay.Files) {
	f, b := mustPut(t, s, "alice")
	_, r, err := s.OpenFile(context.Background(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.DeleteFile(context.Background(), f.ID); err != nil {
		t.Fatal(err)
	}
	HoldsFile(t, s, f, nil, false)
	if got, err := io.ReadAll(io.NewSectionReader(r, 0, f.Size)); err != nil || !bytes.Equal(got, b) {
		t.Errorf("who has it open reads %d bytes, %v", len(got), err)
	}
	if err := s.DeleteFile(context.Background(), f.ID); !errors.Is(err, relay.ErrNoFile) {
		t.Errorf("deleted again: %v", err)
	}
	if err := PutFile(s, f, b); err != nil {
		t.Errorf("stored anew: %v", err)
	}
}

func testFilesExpired(t *testing.T, s relay.Files) {
	var files []relay.File
	for i, owner := range []crypto.Username{"alice", "bob", "carol"} {
		f, b := NewFile(owner, FileSize)
		f.Expires += protocol.UnixMilli(i)
		if err := PutFile(s, f, b); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	for i, want := range []int{0, 1, 0, 2} {
		before := []protocol.UnixMilli{files[0].Expires, files[1].Expires, files[1].Expires, files[2].Expires + 1}[i]
		if n, err := s.ExpireFiles(context.Background(), before); n != want || err != nil {
			t.Errorf("before %d: %d, %v", before, n, err)
		}
	}
	for _, f := range files {
		HoldsFile(t, s, f, nil, false)
	}
}

func testFileUnsound(t *testing.T, s relay.Files) {
	for name, change := range map[string]func(*relay.File){
		"no owner":      func(f *relay.File) { f.Owner = "" },
		"no name":       func(f *relay.File) { f.Owner = "../alice" },
		"empty":         func(f *relay.File) { f.Size = 0 },
		"below nothing": func(f *relay.File) { f.Size = -1 },
	} {
		f, b := NewFile("alice", 100)
		change(&f)
		if PutFile(s, f, b) == nil {
			t.Errorf("%s: it is stored", name)
		}
	}
}
