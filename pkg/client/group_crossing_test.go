package client

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Who is made a member writes at once, and is known to those who have not looked
// since: the relay has the owner's word for them before it has it for the new one.
func TestGroupAddedWhileAway(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	ops := alice.makes("ops", "bob")
	w.settle()
	alice.regroups(ops, GroupChange{Add: []string{"carol"}})
	alice.saysIn(ops, "welcome")
	alice.reconnect()
	carol.drain()
	carol.saysIn(ops, "hi")
	carol.reconnect()
	bob.drain()
	if want := []string{`alice group "made bob"`, `alice group "added carol"`, `alice text "welcome"`, `carol text "hi"`}; !slices.Equal(bob.in(ops), want) {
		t.Errorf("%q", bob.in(ops))
	}
	w.silent()
}

// What is on its way to a member who is removed meanwhile, and from them, is not
// shown to whom it does not concern any more.
func TestGroupRemovedMeanwhile(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	alice.regroups(ops, GroupChange{Remove: []string{"carol"}})
	carol.saysIn(ops, "from outside")
	carol.saysIn(ops, "and again")
	alice.reconnect()
	bob.drain()
	carol.reconnect()
	bob.drain()
	if len(bob.warnings) != 1 || !bob.warned("carol writes in +ops and is not in it") {
		t.Errorf("warnings %q", bob.warnings)
	}
	if m := bob.latestIn(ops); m.Type != TypeGroup {
		t.Errorf("%+v", m)
	}
	bob.saysIn(ops, "without you")
	w.settle()
	if m := carol.latestIn(ops); m.Text != "removed carol" || carol.groups[ops].State != Left {
		t.Errorf("%+v", m)
	}
}

// A member leaves while the owner changes the group, who has not heard of it:
// they stay out, all agree in the end, and they can be added again.
func TestGroupLeaveCrosses(t *testing.T) {
	w := circle(t, "alice", "bob", "carol", "dave")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	carol.regroups(ops, GroupChange{Leave: true})
	alice.regroups(ops, GroupChange{Add: []string{"dave"}})
	w.settle()
	w.wantsIs(ops, map[string]string{"alice": "joined alice* bob dave", "bob": "joined alice* bob dave", "carol": "left alice* bob dave", "dave": "joined alice* bob dave"})
	for _, p := range []*person{alice, bob} {
		if news := p.news(ops); !slices.Contains(news, "carol: left") || slices.Contains(news, "alice: removed carol") {
			t.Errorf("%s: %q", p.name, news)
		}
	}
	alice.regroups(ops, GroupChange{Add: []string{"carol"}})
	w.settle()
	carol.saysIn(ops, "again")
	w.settle()
	if m := bob.latestIn(ops); m.Text != "again" {
		t.Errorf("%+v", m)
	}
	w.silent()
}

// Until the owner has heard of it, who has left is written to no more.
func TestGroupOutside(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	carol.regroups(ops, GroupChange{Leave: true})
	carol.reconnect()
	bob.drain()
	bob.restart()
	if got := bob.is(ops); got != "joined alice* bob carol:outside" {
		t.Error(got)
	}
	if m := bob.saysIn(ops, "hello"); m.Reason != "not to carol: they have left" {
		t.Errorf("%q", m.Reason)
	}
	w.settle()
	if m := carol.latestIn(ops); m.Text != string(NewsLeft) {
		t.Errorf("%+v", m)
	}
	if got := bob.is(ops); got != "joined alice* bob" || alice.groups[ops].Roster.Epoch != 2 {
		t.Error(got)
	}
}

// A group that is handed on to who is about to leave goes back.
func TestGroupHandedToWhoLeaves(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, carol := w.person("alice"), w.person("carol")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	carol.regroups(ops, GroupChange{Leave: true})
	alice.regroups(ops, GroupChange{Owner: "carol"})
	w.settle()
	w.settle()
	w.wantsIs(ops, map[string]string{"alice": "joined alice* bob", "bob": "joined alice* bob", "carol": "left alice* bob"})
	w.silent()
}

// An owner who is alone can leave.
func TestGroupAlone(t *testing.T) {
	w := circle(t, "alice", "bob")
	alice := w.person("alice")
	ops := alice.makes("ops")
	if _, err := alice.do(func(s *session) (*step, error) { return s.send(ops, "hello?", about{}, w.now) }); !errors.Is(err, ErrNotContact) {
		t.Error(err)
	}
	alice.regroups(ops, GroupChange{Leave: true})
	if got := alice.is(ops); got != "left alice*:outside" {
		t.Error(got)
	}
}

// A member's message may come before the owner's word: it is kept and shown, and
// nobody can answer before that has come.
func TestGroupUnknown(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	ops := alice.makes("ops", "bob", "carol")
	alice.reconnect()
	late := carol.mailbox
	carol.mailbox = nil
	bob.drain()
	first := bob.saysIn(ops, "hi carol")
	bob.reconnect()
	carol.drain()
	carol.restart()
	bob.edits(bob.its(first), "hi, carol")
	bob.reconnect()
	carol.drain()
	if got := carol.is(ops); got != "unknown" || carol.groups[ops].Unread != 1 {
		t.Error(got)
	}
	if m := carol.latestIn(ops); m.Text != "hi, carol" || m.From != "bob" {
		t.Errorf("%+v", m)
	}
	for _, f := range []func(*session) (*step, error){
		func(s *session) (*step, error) { return s.send(ops, "who is here?", about{}, w.now) },
		carol.regrouping(ops, GroupChange{Leave: true}),
	} {
		if _, err := carol.do(f); !errors.Is(err, ErrConflict) {
			t.Error(err)
		}
	}
	carol.mailbox = append(late, carol.mailbox...)
	carol.drain()
	w.wantsIs(ops, map[string]string{"carol": "joined alice* bob carol"})
	carol.saysIn(ops, "here I am")
	w.settle()
	if m := bob.latestIn(ops); m.Text != "here I am" {
		t.Errorf("%+v", m)
	}
	w.silent()
}

// A word of the owner that was lost is made good by the next.
func TestGroupWordLost(t *testing.T) {
	w := circle(t, "alice", "bob", "carol", "dave")
	alice, bob := w.person("alice"), w.person("bob")
	ops := alice.makes("ops", "bob")
	w.settle()
	alice.regroups(ops, GroupChange{Add: []string{"carol"}})
	alice.store.outbox = nil // as after its disk was put back
	alice.restart()
	alice.regroups(ops, GroupChange{Add: []string{"dave"}})
	w.settle()
	if got := bob.is(ops); got != "joined alice* bob carol dave" || !slices.Contains(bob.news(ops), "alice: added carol dave") {
		t.Errorf("%s, %q", got, bob.news(ops))
	}
}

// Through lost connections, restarts and disks that fail, all who are in a group
// in the end were told the same and have the same of it.
func TestGroupAllAgree(t *testing.T) {
	did := map[string]int{}
	names := []string{"alice", "bob", "carol", "dave"}
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		w := circle(t, names...)
		ops := w.person("alice").makes("ops", "bob", "carol")
		w.settle()
		full := &Error{Code: CodeStorage, Text: "full"}
		for i := range 120 {
			p := w.person(names[rnd.IntN(len(names))])
			if rnd.IntN(8) == 0 {
				p.store.onCommit = func(*Changes) error { return full }
			}
			switch rnd.IntN(8) {
			case 0, 1:
				p.reconnect()
			case 2:
				_, err := p.takes(p.answers...)
				if p.answers = nil; err != nil && !errors.Is(err, full) {
					t.Fatal(err)
				}
			case 3:
				ack, err := p.takes(p.mailbox[:rnd.IntN(len(p.mailbox)+1)]...)
				if err != nil && !errors.Is(err, full) {
					t.Fatal(err)
				}
				if err == nil {
					w.ack(p, ack)
				}
			case 4:
				p.restart()
			default:
				kind, f := p.groupWhim(rnd, ops, names, i)
				if _, err := p.do(f); err == nil {
					did[kind]++
				}
			}
			p.store.onCommit = nil
		}
		w.settle()
		w.settle()
		agreeOn(t, w, ops, seed)
	}
	for _, kind := range []string{"send", "react", "edit", "delete", "add", "remove", "owner", "leave"} {
		if did[kind] < 10 {
			t.Errorf("%s was done %d times", kind, did[kind])
		}
	}
}

// groupWhim is something that somebody may want of a group.
func (p *person) groupWhim(rnd *rand.Rand, ops string, names []string, i int) (string, func(*session) (*step, error)) {
	other := names[rnd.IntN(len(names))]
	cursor := int64(1 + rnd.IntN(len(p.store.messages)+1))
	now := p.w.now
	switch rnd.IntN(16) {
	case 0:
		return "react", func(s *session) (*step, error) { return s.react(cursor, fmt.Sprint(i%7), now) }
	case 1:
		return "edit", func(s *session) (*step, error) { return s.edit(cursor, fmt.Sprint("edit ", i), now) }
	case 2:
		return "delete", func(s *session) (*step, error) { return s.remove(cursor, now) }
	case 3:
		return "owner", p.regrouping(ops, GroupChange{Owner: other})
	case 4:
		return "remove", p.regrouping(ops, GroupChange{Remove: []string{other}})
	case 5:
		return "leave", p.regrouping(ops, GroupChange{Leave: true})
	case 6:
		return "remove", p.regrouping(ops, GroupChange{Remove: []string{other}})
	case 7, 8, 9, 10, 11:
		return "add", p.regrouping(ops, GroupChange{Add: []string{other}})
	}
	return "send", func(s *session) (*step, error) { return s.send(ops, fmt.Sprint("say ", i), about{}, now) }
}

// agreeOn fails if two who are in a group have heard otherwise, or do not write
// to each other.
func agreeOn(t *testing.T, w *world, ops string, seed uint64) {
	t.Helper()
	var owner *person
	for _, p := range w.people {
		if g := p.groups[ops]; string(g.Roster.Owner) == p.name && g.State == Joined {
			if owner != nil {
				t.Fatalf("seed %d: %s and %s are both the owner", seed, p.name, owner.name)
			}
			owner = p
		}
	}
	if owner == nil { // who was alone has left
		for _, p := range w.people {
			if g := p.groups[ops]; g.State == Joined {
				t.Errorf("seed %d: %s is in a group without an owner: %v", seed, p.name, g.Roster)
			}
		}
		return
	}
	want := owner.groups[ops].Roster
	for _, p := range w.people {
		g := p.groups[ops]
		in := want.names(p.self().Name, p.self().Fingerprint)
		if in && g.State == Left && g.Roster.Owner != want.Owner {
			continue // added by one who became the owner after they had left, of which they have only that one's word
		}
		if in != (g.State == Joined) {
			t.Errorf("seed %d: %s is %q, and in the group: %t", seed, p.name, g.State, in)
		}
		if diff := cmp.Diff(want, g.Roster); in && diff != "" {
			t.Errorf("seed %d: %s and %s (-owner +member):\n%s", seed, owner.name, p.name, diff)
		}
		if len(p.outbox) != 0 || len(p.fanouts) != 0 {
			t.Errorf("seed %d: %s has left over %d, %v", seed, p.name, len(p.outbox), p.fanouts)
		}
	}
}
