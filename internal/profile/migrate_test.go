package profile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// createOld makes a profile as it was before there was an index, closed, with
// n messages of bob.
func createOld(tb testing.TB, n int) (Ref, keyfile.Master) {
	tb.Helper()
	isolate(tb)
	all := migrations
	migrations = migrations[:2]
	s := create(tb, "alice")
	migrations = all
	master := *s.master
	err := s.db.transaction(func() (err error) {
		for i := range n {
			err = errors.Join(err, s.db.exec(`INSERT INTO messages(author, id, contact, type, text, sent_at, at, state, reason, unread) VALUES (?, ?, 'bob', 'text', ?, 1, 1, 'received', '', 0)`,
				"bob/0123456789abcdef", fmt.Appendf(nil, "%016d", i), oldText(i)))
		}
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		tb.Fatal(err)
	}
	return s.Ref(), master
}

func oldText(i int) string {
	return fmt.Sprintf("was said %d, %s", i, strings.Repeat("long ago ", i%50))
}

// checkOld says what is wrong with a profile from before there was an index.
func checkOld(s *Store, n int) error {
	all, err1 := s.History(client.Query{Contact: "bob", Limit: n + 1})
	found, err2 := s.Search(client.Search{Find: "said", Contact: "bob", Limit: n + 1})
	one, err3 := s.Search(client.Search{Find: "77", Limit: 1})
	l, err4 := s.Load()
	switch err := errors.Join(err1, err2, err3, err4); {
	case err != nil:
		return err
	case len(all) != n || len(found) != n || len(one) != 1 || !strings.HasPrefix(one[0].Text, "was said 77"):
		return fmt.Errorf("%d messages, %d found, %d of one", len(all), len(found), len(one))
	case l.Settings != client.DefaultSettings || len(l.Prekeys) != 1:
		return fmt.Errorf("the settings are %+v, %d prekeys", l.Settings, len(l.Prekeys))
	}
	for i, m := range all {
		if m.Text != oldText(i) || m.Reply != nil || m.Edited || m.Deleted || m.Reactions != nil || !m.GoneAt.IsZero() {
			return fmt.Errorf("in place %d stands %+v", i, m)
		}
	}
	return nil
}

// TestOldProfile: a profile from before there was an index has one after it was
// opened, and everything in it is as it was.
func TestOldProfile(t *testing.T) {
	ref, master := createOld(t, 1000)
	for range 2 {
		m := master
		s, err := openStore(ref, sealing, &m)
		if err != nil {
			t.Fatal(err, errors.Unwrap(err))
		}
		if err := errors.Join(checkOld(s, 1000), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPowerLossInMigration: power that fails at any moment of a migration leaves
// the profile in the old version or in the new one, whole.
func TestPowerLossInMigration(t *testing.T) {
	const n = 1500 // more than SQLite keeps in memory before it writes
	ref, master := createOld(t, n)
	disk, vfs := usePower(t, 1)
	r := rand.New(rand.NewPCG(1, 2))
	open := func() (*Store, error) {
		m := master
		return openStore(ref, vfs, &m)
	}
	var versions []int
	for left := 0; ; left += 1 + r.IntN(1+left/4) {
		disk.left = left
		s, err := open()
		if err == nil {
			err = s.Close()
		}
		done := !disk.off
		if done && err != nil {
			t.Fatal(err, errors.Unwrap(err))
		}
		disk.off = true
		disk.restart(t)
		versions = append(versions, versionOf(t, ref, vfs, master, n))
		if done {
			break
		}
	}
	if !slices.IsSorted(versions) || versions[len(versions)/2] != 2 || versions[len(versions)-1] != len(migrations) {
		t.Errorf("the versions were %v", versions)
	}
	s, err := open()
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	defer s.Close()
	if err := checkOld(s, n); err != nil {
		t.Fatal(err)
	}
}

// versionOf looks into a profile without bringing it to the present version.
func versionOf(t *testing.T, ref Ref, vfs string, master keyfile.Master, n int) (version int) {
	t.Helper()
	db, err := openDatabase(ref.path(dbFile), vfs, master.Derive(crypto.LabelProfileDB))
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	messages, verdict := 0, ""
	version, err = db.version()
	err = errors.Join(err, db.query(`SELECT count(*) FROM messages`, func(r *sqlite3.Stmt) { messages = r.ColumnInt(0) }),
		db.query(`PRAGMA integrity_check`, func(r *sqlite3.Stmt) { verdict += r.ColumnText(0) }))
	if err != nil || messages != n || verdict != "ok" {
		t.Fatalf("version %d has %d messages and is %q: %v", version, messages, verdict, err)
	}
	return version
}

// BenchmarkMigration measures how long the first opening of an old profile takes.
func BenchmarkMigration(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		b.StopTimer()
		ref, master := createOld(b, n)
		b.StartTimer()
		s, err := openStore(ref, sealing, &master)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := errors.Join(checkOld(s, n), s.Close()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
