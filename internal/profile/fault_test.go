package profile

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// TestFaults: whatever the disk refuses, and when, the commit under way is
// refused in a sentence, and all before it is there. A full disk may be
// emptied; after any other fault nothing more is read or written, until the
// profile is opened again. Then power fails, so that what a failed sync has
// left in memory alone is not counted on.
func TestFaults(t *testing.T) {
	for kind, rounds := range map[string]int{"write": 3, "sync": 3, "truncate": 2, "delete": 1} {
		met := 0
		for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO} {
			for _, again := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %v %v", kind, errno, again), func(t *testing.T) {
					c := newCrashing(t, 1)
					for range rounds {
						f := &fault{kind: kind, err: errno, again: again}
						if kind == "write" || kind == "sync" { // the others are rare
							f.after = c.rand.IntN(1 << c.rand.IntN(8))
						}
						if wrong := c.meet(f); wrong != "" {
							t.Fatalf("after %d: %s", f.after, wrong)
						}
						met += f.met
					}
				})
			}
		}
		if met == 0 {
			t.Errorf("no fault of a %s was met", kind)
		}
	}
}

// meet lives with a fault of the disk, then without, to a failure of power.
func (c *crashing) meet(f *fault) (wrong string) {
	defer c.disk.restart(c.t)
	if c.rand.IntN(3) == 0 {
		c.disk.fault = f // while it opens
	}
	s, err := c.open()
	if err == nil {
		c.disk.fault = f
		s.db.maxLog = 20
		err = c.work(s, c.rand.IntN(40))
		wrong = c.standing(s, err, f)
		err = s.Close()
	}
	c.disk.fault = nil
	if wrong == "" {
		wrong = plain(err, f)
	}
	if wrong == "" {
		wrong = c.recover(f.err == syscall.EIO) // what an opening leaves, the next must take
	}
	if wrong == "" {
		wrong = c.recover(c.rand.IntN(2) == 0)
	}
	c.disk.off = true
	return wrong
}

// recover opens a profile, goes on with it, and ends or is killed.
func (c *crashing) recover(kill bool) string {
	s, err := c.open()
	if err != nil {
		return fmt.Sprintf("after it, the profile does not open: %v (%v)", err, errors.Unwrap(err))
	}
	wrong := c.check(s)
	if err := c.work(s, c.rand.IntN(10)); err != nil && wrong == "" {
		wrong = fmt.Sprintf("after it, a commit fails: %v (%v)", err, errors.Unwrap(err))
	}
	c.disk.off = kill
	s.Close()
	c.disk.off = false
	return wrong
}

// standing checks a store whose last commit has failed with err, if it has.
func (c *crashing) standing(s *Store, err error, f *fault) string {
	if wrong := plain(err, f); wrong != "" {
		return wrong
	}
	if failed := s.failed; failed != nil { // for good
		c.disk.fault = nil
		_, err1 := s.Load()
		_, err2 := s.History(client.Query{Limit: 1})
		_, err3 := s.Seen(c.self, crypto.MessageID{})
		_, err4 := s.MarkRead("bob", 1, time.Now())
		_, err5 := s.Search(client.Search{Find: "text", Limit: 1})
		_, _, err6 := s.Vanish(time.Now(), 1)
		for _, err := range []error{err1, err2, err3, err4, err5, err6, s.SetView(client.View{Contact: "bob", Top: 1}), s.Ack("ci", 0, time.Now()), s.DropConsumer("ci"), s.Commit(c.changes())} {
			if err != failed {
				return fmt.Sprintf("a store that has failed answers %v", err)
			}
		}
		return ""
	}
	if err == nil {
		return ""
	}
	if f.err != syscall.ENOSPC {
		return "it goes on after " + err.Error()
	}
	c.pending = nil // nothing of it may be there
	if wrong := c.check(s); wrong != "" {
		return wrong
	}
	c.disk.fault = nil // there is room
	if err := c.work(s, 3); err != nil {
		return "with room again: " + err.Error()
	}
	return c.check(s)
}

// plain checks what a user is told of a fault, if anything was.
func plain(err error, f *fault) string {
	var e *client.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e) || e.Code != client.CodeStorage:
		return fmt.Sprintf("it was told as %v", err)
	case f.err == syscall.ENOSPC && !strings.Contains(e.Text, "is full"), f.err == syscall.EIO && !strings.Contains(e.Text, "has failed"):
		return fmt.Sprintf("it was told as %q", e.Text)
	}
	return ""
}

// TestHarmedBlock: a write that failed may have turned a block to noise that
// holds the end of the commit before as well. Closing a store must not write
// that noise back as if it had been committed.
func TestHarmedBlock(t *testing.T) {
	c := newCrashing(t, 1)
	for range 20 {
		s, err := c.open()
		if err != nil {
			t.Fatal(err, errors.Unwrap(err))
		}
		if wrong := c.check(s); wrong != "" {
			t.Fatal(wrong)
		}
		if err := c.work(s, 3); err != nil {
			t.Fatal(err)
		}
		c.disk.fault = &fault{kind: "write", err: syscall.EIO}
		if err := c.work(s, 20); err == nil { // some have nothing to write
			t.Fatal("the fault was not met")
		}
		c.disk.fault = nil
		s.Close()
	}
}

// TestNoLog: where the log cannot be made, the profile does not open.
func TestNoLog(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO} {
		c := newCrashing(t, uint64(errno))
		f := &fault{kind: "create", err: errno}
		c.disk.fault = f
		if s, err := c.open(); err == nil {
			s.Close()
			t.Errorf("it opens in spite of %v", errno)
		} else if wrong := plain(err, f); wrong != "" {
			t.Error(wrong)
		}
		if wrong := c.recover(false); wrong != "" {
			t.Error(wrong)
		}
	}
}
