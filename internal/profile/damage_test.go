package profile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// contents is all that can be read from a store.
type contents struct {
	Loaded    client.Loaded
	Messages  []client.Message
	Outbox    []client.OutboxItem
	Found     []int // messages, by what they were searched for
	Views     []client.View
	Consumers []client.Consumer
}

var equateContents = cmp.Options{equateCertificates, cmp.Comparer(func(a, b client.Keys) bool {
	return a.Server == b.Server && a.Relay == b.Relay && a.Certificate.Hash() == b.Certificate.Hash() &&
		a.Account.Public() == b.Account.Public() && a.Device.Public() == b.Device.Public() && a.Box.Public() == b.Box.Public()
})}

// readAll opens a profile under its master key and reads everything.
func readAll(ref Ref, master keyfile.Master) (c contents, err error) {
	s, err := openStore(ref, sealing, &master)
	if err != nil {
		return c, err
	}
	defer s.Close()
	var errs [5]error
	c.Loaded, errs[0] = s.Load()
	c.Messages, errs[1] = s.History(client.Query{Limit: 1 << 20})
	c.Outbox, errs[2] = s.Outbox(0, 1<<20)
	c.Views, errs[3] = s.Views()
	c.Consumers, errs[4] = s.Consumers()
	err = errors.Join(errs[:]...)
	for _, word := range []string{"m", "n", "me", "nu", "mes", "num", "message", "number", "1", "2", "10", "11", "5", "19"} { // short ones have indexes of their own
		found, err1 := s.Search(client.Search{Find: word, Limit: 1 << 20})
		c.Found, err = append(c.Found, len(found)), errors.Join(err, err1)
	}
	for _, m := range c.Messages {
		var id crypto.MessageID
		id.UnmarshalText([]byte(m.ID))
		_, err1 := s.Seen(crypto.Address{}, id)
		err = errors.Join(err, err1)
	}
	return c, err
}

// fill puts something of everything into a store, long messages too.
func fill(t *testing.T, s *Store) {
	t.Helper()
	bob := contactOf(t, "bob", client.Accepted)
	c := &client.Changes{Contacts: []client.ContactRecord{bob}}
	for i := range 20 {
		text := strings.Repeat(numbered(i)+"; ", 1+25*i)
		m := outgoing(t, s, "bob", text)
		c.Messages = append(c.Messages, incoming(bob, text), m)
		c.Enqueue = append(c.Enqueue, client.OutboxItem{ID: idOf(t, m), Kind: "encrypted_message", Contact: "bob", At: now(), Frame: []byte(text)})
	}
	commit(t, s, c)
	if err := s.SetView(client.View{Contact: "bob", Draft: strings.Repeat("draft ", 2000)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Ack("bot", 3, now()); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedDatabase flips a bit of each page in turn, and cuts the file off
// at each: what is read is what was written, or an error that says so.
func TestDamagedDatabase(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	ref, master := s.Ref(), *s.master
	fill(t, s)
	s.Close()
	want, err := readAll(ref, master)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(ref.path(dbFile))
	if err != nil {
		t.Fatal(err)
	}

	pages := len(whole) / page
	if pages < 30 || len(whole)%page != 0 {
		t.Fatalf("the database has %d bytes", len(whole))
	}
	try := func(what string, b []byte, mustFail bool) (failed bool) {
		t.Helper()
		if err := os.WriteFile(ref.path(dbFile), b, fileMode); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(ref, master)
		if err != nil {
			var e *client.Error
			if !errors.As(err, &e) || e.Code != client.CodeStorage || !strings.Contains(e.Text, "damaged") {
				t.Errorf("%s: %v", what, err)
			}
			return true
		}
		if diff := cmp.Diff(want, got, equateContents); diff != "" {
			t.Errorf("%s was read as something else: %.300s", what, diff)
		}
		if mustFail {
			t.Errorf("%s went unnoticed", what)
		}
		return false
	}
	failed := 0
	for i := range pages {
		b := bytes.Clone(whole)
		b[i*page+(i*997)%page] ^= 1 << (i % 8)
		if try("a flipped bit in page "+numbered(i), b, i == 0) {
			failed++
		}
		if i%5 == 0 || i == pages-1 {
			try("a file cut off", whole[:i*page], true)
			try("a file cut off in a page", whole[:i*page+100], true)
		}
	}
	if failed < pages-10 { // indexes that no query here reads
		t.Errorf("only %d of %d flipped bits were noticed", failed, pages)
	}
	try("noise", bytes.Repeat([]byte("noise"), len(whole)/5), true)
	if err := os.Remove(ref.path(dbFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(ref, master); !errors.Is(err, client.ErrStorage) {
		t.Errorf("a missing database: %v", err)
	}
	if _, err := os.Stat(ref.path(dbFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("opening made a new database")
	}
	if try("the whole file", whole, false) {
		t.Error("the whole file is damaged")
	}
}

func TestDamagedKeyFile(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	s.Close()
	path := s.Ref().path(keyFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1 // within the bounds of the cost, which is a single digit here
		if bytes.Equal(bytes.TrimSpace(b), bytes.TrimSpace(whole)) || b[i] == whole[i] {
			continue
		}
		if err := os.WriteFile(path, b, fileMode); err != nil {
			t.Fatal(err)
		}
		if s, err := unlock(s.Ref(), passphrase); err == nil {
			s.Close()
			if i < len(whole)-1 { // the line end means nothing
				t.Errorf("byte %d may be %q", i, b[i])
			}
		} else if !errors.Is(err, client.ErrStorage) && !errors.Is(err, client.ErrLocked) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = unlock(s.Ref(), passphrase)
	storageError(t, err, "is missing")
	if _, err := Create(s.Ref(), newKeys(t, "alice"), first, passphrase, cheap); !errors.Is(err, client.ErrUsage) {
		t.Errorf("a new profile takes the place of one without its key: %v", err)
	}
	if err := os.WriteFile(path, whole, fileMode); err != nil {
		t.Fatal(err)
	}
	if s, err = unlock(s.Ref(), passphrase); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := errors.Join(os.Remove(path), Remove(s.Ref())); err != nil || s.Ref().exists() {
		t.Errorf("what is left of a profile cannot be removed: %v", err)
	}
}

// TestForeignFiles: no file of another profile passes for one's own, nor does
// an empty one.
func TestForeignFiles(t *testing.T) {
	isolate(t)
	alice, bob := create(t, "alice"), create(t, "bob")
	for _, s := range []*Store{alice, bob} {
		fill(t, s)
		s.Close()
	}
	for _, name := range []string{keyFile, dbFile} {
		path := alice.Ref().path(name)
		own, err1 := os.ReadFile(path)
		other, err2 := os.ReadFile(bob.Ref().path(name))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for what, b := range map[string][]byte{"another's": other, "an empty": nil} {
			if err := os.WriteFile(path, b, fileMode); err != nil {
				t.Fatal(err)
			}
			if _, err := unlock(alice.Ref(), passphrase); !errors.Is(err, client.ErrStorage) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("%s %s: %v", what, name, err)
			}
		}
		if err := os.WriteFile(path, own, fileMode); err != nil {
			t.Fatal(err)
		}
	}
	open(t, alice.Ref())
}

// TestForgery: somebody who could write inside the encryption still cannot
// make keys or sessions, move a session to another contact, or exchange the
// certificate that is pinned.
func TestForgery(t *testing.T) {
	for name, sql := range map[string]string{
		"keys":           `UPDATE account SET keys = zeroblob(200)`,
		"no keys":        `DELETE FROM account`,
		"session":        `UPDATE contacts SET session = zeroblob(80) WHERE name = 'bob'`,
		"moved session":  `UPDATE contacts SET session = (SELECT session FROM contacts WHERE name = 'eve') WHERE name = 'bob'`,
		"pin":            `UPDATE contacts SET certificate = (SELECT certificate FROM contacts WHERE name = 'eve') WHERE name = 'bob'`,
		"no pin":         `UPDATE contacts SET certificate = '' WHERE name = 'bob'`,
		"no certificate": `UPDATE contacts SET certificate = 'AAAA' WHERE name = 'bob'`,
		"session as key": `UPDATE account SET keys = (SELECT session FROM contacts WHERE name = 'bob')`,
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			s := create(t, "alice")
			commit(t, s, &client.Changes{Contacts: []client.ContactRecord{contactOf(t, "bob", client.Accepted), contactOf(t, "eve", client.Accepted)}})
			if err := s.db.conn.Exec(sql); err != nil {
				t.Fatal(err)
			}
			master := *s.master
			s.Close()
			if _, err := readAll(s.Ref(), master); !errors.Is(err, client.ErrStorage) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// TestNothingInTheClear greps all files of a profile, in use and at rest.
func TestNothingInTheClear(t *testing.T) {
	root := isolate(t)
	s := create(t, "alice")
	eve := contactOf(t, "zebulon_the_contact", client.Accepted)
	eve.Note = "a note that nobody shall read"
	eve.Session = []byte("a session state that nobody shall read")
	m := outgoing(t, s, eve.Name, "a message that nobody shall read")
	changes := &client.Changes{
		Contacts: []client.ContactRecord{eve}, Messages: []client.NewMessage{incoming(eve, "an answer that nobody shall read"), m},
		Enqueue: []client.OutboxItem{{ID: idOf(t, m), Kind: "encrypted_message", Contact: eve.Name, At: now(), Frame: []byte("a frame that nobody shall read")}},
	}
	commit(t, s, changes)
	k := load(t, s).Keys
	sealed := [][]byte{eve.Session, s.master.Derive(crypto.LabelProfileDB)}
	for _, key := range []interface{ MarshalText() ([]byte, error) }{k.Account, k.Device, k.Box} {
		text, err := key.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(text), ":")
		raw, err := crypto.FromBase64(body)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, raw)
	}
	for _, raw := range sealed[:len(sealed):len(sealed)] {
		sealed = append(sealed, []byte(crypto.Base64(raw)), []byte(hex.EncodeToString(raw)))
	}
	secrets := append([][]byte{
		passphrase, []byte(eve.Name), []byte("nobody shall read"), []byte("CREATE TABLE"), []byte("SQLite format"),
		eve.Certificate.Account.Bytes(),
	}, sealed...)

	if found := grep(t, root, secrets); found != "" {
		t.Errorf("while in use: %s", found)
	}
	if info, err := os.Stat(s.Ref().path(dbFile + "-wal")); err != nil || info.Size() == 0 {
		t.Fatalf("there was no log to look into: %v", err)
	}
	s.Close()
	if found := grep(t, root, secrets); found != "" {
		t.Errorf("at rest: %s", found)
	}

	// The same without the sealing file system is found, so that this test can
	// fail: names and texts, but neither keys nor sessions.
	plain := t.TempDir()
	db, err := createDatabase(filepath.Join(plain, dbFile), "os", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	file, err := os.Stat(filepath.Join(plain, dbFile))
	if err != nil {
		t.Fatal(err)
	}
	open := &Store{ref: Ref{Dir: plain}, file: file, db: db, master: s.master}
	if err := errors.Join(db.migrate(), insertKeys(db, s.master, k), open.Commit(changes)); err != nil {
		t.Fatal(err)
	}
	for _, visible := range []string{eve.Name, eve.Note, m.Text, "a frame that nobody shall read", "CREATE TABLE"} {
		if grep(t, plain, [][]byte{[]byte(visible)}) == "" {
			t.Errorf("%q is not found in the clear", visible)
		}
	}
	if found := grep(t, plain, sealed); found != "" {
		t.Errorf("not sealed twice: %s", found)
	}
}

// grep names the first file that holds one of the secrets.
func grep(t *testing.T, dir string, secrets [][]byte) (found string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for _, secret := range secrets {
			if i := bytes.Index(b, secret); i >= 0 && found == "" {
				found = path + " holds " + string(secret)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
	return found
}

// TestOverwritten: inside the encryption, too, an old session state is gone
// once it is replaced and the log is written back.
func TestOverwritten(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	m := outgoing(t, s, "bob", "kept")
	item := client.OutboxItem{ID: idOf(t, m), Kind: "encrypted_message", Contact: "bob", At: now(), Frame: []byte("a frame that is done")}
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}, Enqueue: []client.OutboxItem{item}})
	var old []byte
	s.db.query(`SELECT session FROM contacts`, func(r *sqlite3.Stmt) { old = r.ColumnBlob(0, nil) })
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}, Settle: []crypto.MessageID{item.ID}})
	copyPath := filepath.Join(t.TempDir(), "plain.db")
	if err := s.db.conn.Exec("PRAGMA wal_checkpoint(truncate)"); err != nil {
		t.Fatal(err)
	}
	if err := s.db.conn.Backup("main", copyPath); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(copyPath)
	if err != nil || !bytes.Contains(b, []byte("CREATE TABLE")) {
		t.Fatalf("no copy in the clear: %v", err)
	}
	if bytes.Contains(b, old) || bytes.Contains(b, item.Frame) {
		t.Fatal("what was replaced is still there")
	}
}
