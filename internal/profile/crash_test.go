package profile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// crashing is one profile on a disk whose power fails again and again.
type crashing struct {
	t      *testing.T
	disk   *power
	vfs    string
	ref    Ref
	master keyfile.Master
	self   crypto.Address
	people []client.ContactRecord
	rand   *rand.Rand

	acked   model  // what Commit has said is on the disk
	pending *model // with the commit that was under way
	commits int

	prepare string // run in each database, beside what the store does
	commit  func(*Store, *client.Changes) error
}

func newCrashing(t *testing.T, seed uint64) *crashing {
	isolate(t)
	disk, name := usePower(t, seed)
	s := create(t, "alice")
	c := &crashing{
		t: t, disk: disk, vfs: name, ref: s.Ref(), master: *s.master, self: load(t, s).Keys.Certificate.Address(),
		rand: rand.New(rand.NewPCG(seed, 1)), acked: newModel(first), commit: (*Store).Commit,
	}
	for _, name := range []string{"bob", "carol", "eve"} {
		c.people = append(c.people, contactOf(t, name, client.Accepted))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

// crash lives from one failure of power to the next, and says what is wrong
// with what it finds after the one before.
func (c *crashing) crash() (wrong string) {
	defer c.disk.restart(c.t)
	c.disk.left = c.rand.IntN(1500)
	if c.rand.IntN(3) == 0 {
		c.disk.left = c.rand.IntN(30) // while it opens
	}
	s, err := c.open()
	if err != nil {
		return c.unlessOff("the profile does not open", err)
	}
	defer s.Close() // after most failures, of a store that is not to be written any more
	if wrong := c.check(s); wrong != "" {
		return wrong
	}
	if err := s.db.conn.Exec(c.prepare); err != nil {
		return c.unlessOff("the settings are refused", err)
	}
	if c.rand.IntN(2) == 0 { // so that logs are written back often
		s.db.maxLog = 1 + c.rand.IntN(40)
	}
	if err := c.work(s, c.rand.IntN(80)); err != nil {
		return c.unlessOff("a commit fails", err)
	}
	s.Close() // it may end by itself
	c.disk.off = true
	return ""
}

func (c *crashing) open() (*Store, error) {
	master := c.master
	return openStore(c.ref, c.vfs, &master)
}

// work commits n steps, or to the first that fails.
func (c *crashing) work(s *Store, n int) error {
	for range n {
		next, write := c.step()
		c.pending = &next
		if err := write(s); err != nil {
			return err
		}
		c.acked, c.pending = next, nil
		c.commits++
	}
	return nil
}

// live lives through n failures of power, or to the first after which
// something is wrong.
func (c *crashing) live(n int) (crash int, wrong string) {
	for crash < n && wrong == "" {
		wrong = c.crash()
		crash++
	}
	return crash, wrong
}

func (c *crashing) unlessOff(what string, err error) string {
	if c.disk.off {
		return ""
	}
	return fmt.Sprintf("%s: %v (%v)", what, err, errors.Unwrap(err))
}

// check compares a store with what was committed.
func (c *crashing) check(s *Store) string {
	got, err := read(s)
	if err != nil {
		return c.unlessOff("the profile cannot be read", err)
	}
	diff := c.acked.differs(got)
	if diff != "" && c.pending != nil && c.pending.differs(got) == "" {
		diff, c.acked = "", *c.pending
	}
	c.pending = nil
	if diff != "" {
		return fmt.Sprintf("after %d commits the profile holds something else: %.600s", c.commits, diff)
	}
	if wrong := c.search(s); wrong != "" {
		return wrong
	}
	var verdict []string
	if err := s.db.query("PRAGMA integrity_check", func(r *sqlite3.Stmt) { verdict = append(verdict, r.ColumnText(0)) }); err != nil {
		return c.unlessOff("the check of the database fails", err)
	}
	if s := strings.Join(verdict, "; "); s != "ok" {
		return "the database is not whole: " + s
	}
	return ""
}

// TestPowerLoss: whatever was committed is there after a failure of power at
// any moment, the commit under way is there in full or not at all.
func TestPowerLoss(t *testing.T) {
	const profiles, crashes = 8, 19
	for seed := range uint64(profiles) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCrashing(t, seed)
			if n, wrong := c.live(crashes); wrong != "" {
				t.Fatalf("crash %d: %s", n, wrong)
			}
			if c.commits < 3*crashes || c.acked.cursors < 3*crashes {
				t.Errorf("only %d commits came through, %d messages", c.commits, c.acked.cursors)
			}
			if gone := int(c.acked.cursors) - len(c.acked.Messages); gone < 5 || len(c.acked.Views) == 0 || len(c.acked.Heard) < gone {
				t.Errorf("only %d messages are gone, %d views, %d heard", gone, len(c.acked.Views), len(c.acked.Heard))
			}
		})
	}
}

// TestPowerLossIsNoticed: the same run finds out each way of keeping less than
// is promised.
func TestPowerLossIsNoticed(t *testing.T) {
	for name, lie := range map[string]func(*crashing){
		"syncs do nothing":               func(c *crashing) { c.disk.deaf = true },
		"syncs of the folder do nothing": func(c *crashing) { c.disk.lost = true },
		"synchronous = off":              func(c *crashing) { c.prepare = "PRAGMA synchronous = off" },
		"synchronous = normal":           func(c *crashing) { c.prepare = "PRAGMA synchronous = normal" },
		"two transactions": func(c *crashing) {
			c.commit = func(s *Store, changes *client.Changes) error {
				if err := s.Commit(&client.Changes{Contacts: changes.Contacts}); err != nil {
					return err
				}
				rest := *changes
				rest.Contacts = nil
				return s.Commit(&rest)
			}
		},
		"an ack before the commit": func(c *crashing) {
			c.commit = func(s *Store, changes *client.Changes) error {
				s.Commit(changes)
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			const profiles, crashes = 20, 20
			for seed := range uint64(profiles) {
				c := newCrashing(t, seed)
				lie(c)
				if n, wrong := c.live(crashes); wrong != "" {
					t.Logf("profile %d, crash %d: %.200s", seed, n, wrong)
					return
				}
			}
			t.Fatal("it went unnoticed")
		})
	}
}
