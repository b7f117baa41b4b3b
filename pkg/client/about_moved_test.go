package client

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// restores puts a person on a new device with what was said, and in their groups,
// and gives it sessions with these.
func (p *person) restores(with ...*person) {
	p.w.t.Helper()
	before := p.store
	p.moves()
	p.store.messages, p.store.cursor = slices.Clone(before.messages), before.cursor
	for name, g := range before.groups {
		p.store.groups[name] = g
	}
	p.restart()
	for _, o := range with {
		p.asks(o, "")
	}
	p.w.settle()
}

// conflicts fails if a wish is not refused with ErrConflict, or changes anything.
func (p *person) conflicts(what string, f func(*session) (*step, error)) {
	p.w.t.Helper()
	before := snapshot(p)
	if _, err := p.do(f); !hasCode(err, CodeConflict) {
		p.w.t.Errorf("%s %s: %v", p.name, what, err)
	}
	if diff := cmp.Diff(before, snapshot(p)); diff != "" {
		p.w.t.Errorf("%s %s changed (-before +after):\n%s", p.name, what, diff)
	}
}

func last(n int, lines []string) []string { return lines[max(0, len(lines)-n):] }

// What was written on another device of an account is not changed on one side
// alone, or it is said: nobody would believe this device about it.
func TestAboutFromAnotherDevice(t *testing.T) {
	for name, in := range map[string]func(w *world) string{
		"of two": func(w *world) string { return "bob" },
		"group":  func(w *world) string { return w.person("alice").makes("ops", "bob", "carol") },
	} {
		t.Run(name, func(t *testing.T) {
			w := circle(t, "alice", "bob", "carol")
			alice, bob := w.pair("alice", "bob")
			here := in(w)
			there := here
			if here == "bob" {
				there = "alice"
			}
			w.settle()
			old := alice.saysIn(here, "old")
			w.settle()
			theirs := bob.saysIn(there, "theirs")
			w.settle()
			alice.restores(bob, w.person("carol"))

			alice.conflicts("edits", func(s *session) (*step, error) { return s.edit(old.Cursor, "new", w.now) })
			alice.conflicts("reacts", func(s *session) (*step, error) { return s.react(old.Cursor, "x", w.now) })
			bob.conflicts("reacts", func(s *session) (*step, error) { return s.react(bob.its(old), "x", w.now) })
			if st := alice.deletes(old.Cursor); len(st.Enqueue) != 0 || !alice.warned("deleted here alone") {
				t.Errorf("it is told, or not warned of: %+v", st.Changes)
			}
			alice.reacts(alice.its(theirs), "x") // bob is where he was
			again := alice.saysIn(here, "again")
			w.settle()
			alice.edits(again.Cursor, "again and again")
			w.settle()
			if alice.warned("") {
				t.Error("warned of what all have heard")
			}
			want := []string{`alice text "" deleted`, `bob text "theirs" alice:x`, `alice text "again and again" edited`}
			if diff := cmp.Diff(want, last(3, alice.in(here))); diff != "" {
				t.Error(diff)
			}
			want[0] = `alice text "old"`
			if diff := cmp.Diff(want, last(3, bob.in(there))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What never reached anybody needs no warning, and what is gone no contact.
func TestDeleteFromAnotherDevice(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	failed, sent := alice.says(bob, "failed"), alice.says(bob, "sent")
	alice.find(failed).State = Failed
	alice.restores()
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	if alice.deletes(failed.Cursor); alice.warned("") {
		t.Error("warned of what nobody has")
	}
	if alice.deletes(sent.Cursor); !alice.warned("deleted here alone") {
		t.Error("not warned of what they have")
	}
}

// A relation that has begun anew here may not have there: they are told, and the
// user that it may come to nothing.
func TestDeleteFromBefore(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	old := alice.says(bob, "old")
	w.settle()
	c := alice.contacts["bob"]
	c.Since = w.now.Add(time.Second)
	alice.contacts["bob"] = c
	alice.conflicts("edits", func(s *session) (*step, error) { return s.edit(old.Cursor, "new", w.now) })
	if alice.deletes(old.Cursor); !alice.warned("perhaps here alone") {
		t.Error("not warned")
	}
	w.settle()
	if diff := cmp.Diff([]string{`alice text "" deleted`}, bob.talk(alice)); diff != "" {
		t.Error(diff)
	}
}
