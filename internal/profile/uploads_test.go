package profile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

// fileOf makes a message of a file.
func fileOf(m client.NewMessage) client.NewMessage {
	m.Type, m.File = client.TypeFile, &client.File{Name: "quarterly-xanthic.pdf", Size: 1234}
	m.Sealed = &client.SealedFile{Blob: crypto.NewFileID(), Key: file.NewKey(), Digest: [32]byte{1, 2, 3}}
	return m
}

func wantSealed(t *testing.T, s *Store, cursor int64, want *client.SealedFile) {
	t.Helper()
	got, err := s.Place(cursor)
	if err != nil || got.Sealed == nil || got.Sealed.Blob != want.Blob || got.Sealed.Digest != want.Digest || !bytes.Equal(got.Sealed.Key.Secret(), want.Key.Secret()) {
		t.Errorf("%+v is not what opens the file, %v", got.Sealed, err)
	}
}

// TestFiles: the file of a message comes back as it was, is found by its words,
// and goes with its message.
func TestFiles(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	in, short, text := fileOf(incoming(bob, "as promised")), fileOf(incoming(bob, "")), incoming(bob, "a text")
	short.GoneAt = now()
	c := &client.Changes{Contacts: []client.ContactRecord{bob}, Messages: []client.NewMessage{in, short, text}}
	commit(t, s, c)
	for range 2 {
		if got := history(t, s, client.Query{}); len(got) != 3 || !cmp.Equal(got[0].File, in.File) || got[0].Text != "as promised" || got[2].File != nil {
			t.Fatalf("%+v", got)
		}
		wantSealed(t, s, c.Messages[0].Cursor, in.Sealed)
		wantSealed(t, s, c.Messages[1].Cursor, short.Sealed)
		s = reopen(t, s)
	}
	if found, err := s.Search(client.Search{Find: "promised", Limit: 10}); err != nil || len(found) != 1 || found[0].File.Name != in.File.Name {
		t.Errorf("found %+v, %v", found, err)
	}
	commit(t, s, &client.Changes{Saves: []client.Save{{Author: in.Author, ID: idOf(t, in), Path: "/home/alice/quarterly.pdf"}}})
	commit(t, s, &client.Changes{Rewrites: []client.Rewrite{{Author: in.Author, ID: idOf(t, in), Text: "as agreed"}}})
	got := history(t, s, client.Query{})[0]
	if got.File.Saved != "/home/alice/quarterly.pdf" || got.Text != "as agreed" || !got.Edited {
		t.Errorf("%+v, %+v", got, got.File)
	}
	if marked, err := s.MarkRead("bob", c.Messages[1].Cursor, now()); err != nil || marked.Latest != idOf(t, short) {
		t.Errorf("read up to %+v, %v", marked, err)
	}
	commit(t, s, &client.Changes{Rewrites: []client.Rewrite{{Author: in.Author, ID: idOf(t, in), Deleted: true}}})
	if gone, _, err := s.Vanish(now().Add(time.Second), 10); err != nil || len(gone) != 1 {
		t.Errorf("%v, %v", gone, err)
	}
	if got := history(t, s, client.Query{}); len(got) != 2 || got[0].File != nil || !got[0].Deleted {
		t.Errorf("%+v", got)
	}
	path := filepath.Join(t.TempDir(), "plain.db")
	if err := errors.Join(s.db.conn.Exec("PRAGMA wal_checkpoint(truncate)"), s.db.conn.Backup("main", path)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || bytes.Contains(b, []byte("xanthic")) || bytes.Contains(b, in.Sealed.Blob[:]) {
		t.Errorf("something of the files is still there, %v", err)
	}
}

// TestFileKeyIsSealed: inside the encryption the key of a file is sealed once
// more, and bound to where the file lies.
func TestFileKeyIsSealed(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	one, two := fileOf(incoming(bob, "one")), fileOf(incoming(bob, "two"))
	c := &client.Changes{Messages: []client.NewMessage{one, two}}
	commit(t, s, c)
	path := filepath.Join(t.TempDir(), "plain.db")
	if err := errors.Join(s.db.conn.Exec("PRAGMA wal_checkpoint(truncate)"), s.db.conn.Backup("main", path)); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, one.Sealed.Key.Secret()) || !bytes.Contains(b, one.Sealed.Blob[:]) {
		t.Errorf("the key lies there in the clear, or nothing does: %v", err)
	}
	err := s.db.exec(`UPDATE files SET key = (SELECT key FROM files WHERE cursor = ?) WHERE cursor = ?`, c.Messages[1].Cursor, c.Messages[0].Cursor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Place(c.Messages[0].Cursor); !errors.Is(err, client.ErrStorage) {
		t.Errorf("another file's key is taken: %v", err)
	}
}

// newCopy makes a copy with a text.
func newCopy(t *testing.T, s *Store, text string, keep bool) crypto.FileID {
	t.Helper()
	id := crypto.NewFileID()
	c, err := s.NewCopy(id)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Drop()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if keep {
		if err := c.Keep(); err != nil {
			t.Fatal(err)
		}
	}
	return id
}

// TestUploads: they are kept in order, and with them the copies that they need.
func TestUploads(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	first, second, third := newCopy(t, s, "first", true), newCopy(t, s, "second", true), newCopy(t, s, "third", true)
	dropped, orphan := newCopy(t, s, "dropped", false), newCopy(t, s, "orphan", true)
	message := crypto.NewMessageID()
	commit(t, s, &client.Changes{Uploads: []client.Upload{{Blob: first, Message: message, Contact: "bob"}, {Blob: second, Message: message, Contact: "bob"}, {Blob: third}}})
	commit(t, s, &client.Changes{Uploaded: []crypto.FileID{first}, Uploads: []client.Upload{{Blob: first}}})
	want := []client.Upload{{Blob: second, Message: message, Contact: "bob"}, {Blob: third}, {Blob: first}}
	s = reopen(t, s)
	if got := load(t, s).Uploads; !cmp.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for id, text := range map[crypto.FileID]string{second: "second", first: "", third: "", dropped: "", orphan: ""} {
		f, err := s.OpenCopy(id)
		if text == "" {
			if err == nil {
				f.Close()
				t.Error("a copy is there that nothing waits for")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if f.Close(); err != nil || string(b) != text {
			t.Errorf("a copy holds %q, %v", b, err)
		}
		if info, err := os.Stat(s.copyPath(id)); err != nil || info.Mode().Perm() != fileMode {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	if err := errors.Join(s.DropCopy(second), s.DropCopy(second)); err != nil {
		t.Error(err)
	}
	if _, err := s.OpenCopy(second); err == nil {
		t.Error("a dropped copy is there")
	}
}

// TestSweepFails: copies that cannot be swept keep no account shut. They go as soon
// as they can, and until then whoever needs a copy hears what is wrong.
func TestSweepFails(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	orphan := newCopy(t, s, "orphan", true)
	copies, aside := s.ref.path(copiesDir), filepath.Join(t.TempDir(), "aside")
	if err := errors.Join(os.Rename(copies, aside), os.WriteFile(copies, nil, fileMode)); err != nil {
		t.Fatal(err)
	}
	upload := client.Upload{Blob: crypto.NewFileID(), Message: crypto.NewMessageID(), Contact: "bob"}
	commit(t, s, &client.Changes{Uploads: []client.Upload{upload}})
	s = reopen(t, s)
	if got := load(t, s).Uploads; !cmp.Equal(got, []client.Upload{upload}) {
		t.Errorf("%+v", got)
	}
	if _, err := s.OpenCopy(upload.Blob); !errors.Is(err, client.ErrStorage) {
		t.Errorf("a copy that cannot be read: %v", err)
	}
	if _, err := s.NewCopy(crypto.NewFileID()); !errors.Is(err, client.ErrStorage) {
		t.Errorf("a copy that cannot be made: %v", err)
	}
	if err := errors.Join(os.Remove(copies), os.Rename(aside, copies)); err != nil {
		t.Fatal(err)
	}
	load(t, s)
	if _, err := os.Stat(s.copyPath(orphan)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was left is there still: %v", err)
	}
}
