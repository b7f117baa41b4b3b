package client

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/protocol"
)

// What is said in a group, and done to what was said, is the same for all.
func TestGroup(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	w.wantsIs(ops, map[string]string{"alice": "joined alice* bob carol", "bob": "joined alice* bob carol", "carol": "joined alice* bob carol"})

	hello := alice.saysIn(ops, "hello")
	w.settle()
	answer := bob.replies(bob.its(hello), "hello alice")
	w.settle()
	oops := carol.saysIn(ops, "oops")
	w.settle()
	bob.edits(bob.its(answer), "hello, alice")
	carol.reacts(carol.its(answer), "👍")
	alice.reacts(alice.its(answer), "❤")
	carol.deletes(carol.its(oops))
	w.settle()

	want := []string{
		`alice group "made bob carol"`, `alice text "hello"`,
		`bob text "hello, alice" to alice "hello" edited alice:❤ carol:👍`, `carol text "" deleted`,
	}
	for _, p := range []*person{alice, bob, carol} {
		if diff := cmp.Diff(want, p.in(ops)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.name, diff)
		}
		if p.waiting != 0 || len(p.outbox) != 0 || len(p.fanouts) != 0 {
			t.Errorf("%s has left over %v, %v", p.name, p.outbox, p.fanouts)
		}
	}
	for _, o := range []*person{bob, carol} { // nothing of it stands between two
		if got := alice.talk(o); len(got) > 0 {
			t.Errorf("with %s: %q", o.name, got)
		}
	}
	if got := alice.shown(alice.groups[ops]); got.Unread != 2 || got.LastAt != w.now {
		t.Errorf("%+v", got)
	}
	w.silent()
}

// The relay sees a message to each, with nothing that tells them from others.
func TestGroupOnTheWire(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice := w.person("alice")
	ops := alice.makes("ops", "bob", "carol")
	m := alice.saysIn(ops, "hello")
	items, _ := alice.store.Outbox(0, MaxOutbox)
	if len(items) != 4 {
		t.Fatalf("%d frames", len(items))
	}
	for _, it := range items {
		f, err := protocol.DecodeFromClient(it.Frame)
		if err != nil {
			t.Fatal(err)
		}
		send, ok := f.(*protocol.SendMessage)
		if !ok || len(send.Recipients) != 1 || send.ID.String() == m.ID || strings.Contains(string(it.Frame), "ops") {
			t.Errorf("%s", it.Frame)
		}
	}
}

// A message has come as far as with the member with whom it has come least far,
// through restarts. What one member's relay refuses is said beside it.
func TestGroupStates(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	state := func(want MessageState, reason string) {
		t.Helper()
		if m := alice.latestIn(ops); m.State != want || m.Reason != reason {
			t.Errorf("it is %s %q, want %s %q", m.State, m.Reason, want, reason)
		}
	}
	alice.saysIn(ops, "one")
	state(Waiting, "")
	alice.restart()
	alice.reconnect()
	one := alice.answers
	alice.answers = one[:1]
	alice.hear()
	state(Waiting, "")
	alice.answers = one[1:]
	alice.hear()
	state(Stored, "")
	bob.drain()
	alice.drain()
	state(Stored, "")
	alice.restart()
	carol.drain()
	alice.drain()
	state(Delivered, "")

	alice.saysIn(ops, "two")
	items, _ := alice.store.Outbox(0, MaxOutbox)
	refused := func(i int) {
		id := items[i].ID
		alice.receives(&protocol.Error{ID: &id, Code: protocol.CodeMailboxFull, Message: "full"})
	}
	full := "too much waits for %s at the relay already; send it again when they have been there"
	toBob, toCarol := "not to bob: "+strings.ReplaceAll(full, "%s", "bob"), "not to carol: "+strings.ReplaceAll(full, "%s", "carol")
	refused(0)
	state(Waiting, toBob)
	alice.restart()
	refused(1)
	state(Failed, toBob+"; "+toCarol)

	alice.saysIn(ops, "three")
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	state(Waiting, "not to bob: you blocked bob")
	w.settle()
	state(Delivered, "not to bob: you blocked bob")
	if len(alice.fanouts) != 0 || len(alice.store.fanouts) != 0 {
		t.Errorf("left over: %v", alice.fanouts)
	}
}

// What the relay has when its recipient is blocked is waited for no more.
func TestGroupBlockStored(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice := w.person("alice")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	alice.saysIn(ops, "hello")
	alice.reconnect()
	alice.hear()
	for _, name := range []string{"bob", "carol"} {
		alice.must(func(s *session) (*step, error) { return s.block(name, w.now) })
	}
	if m := alice.latestIn(ops); m.State != Stored || len(alice.fanouts) != 0 {
		t.Errorf("%s, %v", m.State, alice.fanouts)
	}
	if _, err := alice.do(func(s *session) (*step, error) { return s.send(ops, "more", about{}, w.now) }); !errors.Is(err, ErrNotContact) {
		t.Errorf("to nobody: %v", err)
	}
}

// Members who are no contacts do not hear each other, and are told.
func TestGroupStrangers(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	w.befriend(alice, bob)
	w.befriend(alice, carol)
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	w.wantsIs(ops, map[string]string{"alice": "joined alice* bob carol", "bob": "joined alice* bob carol:stranger", "carol": "joined alice* bob:stranger carol"})
	if m := bob.saysIn(ops, "hello"); m.Reason != "not to carol: no contact of yours" {
		t.Errorf("%q", m.Reason)
	}
	w.settle()
	if m := bob.latestIn(ops); m.State != Delivered || m.Reason == "" {
		t.Errorf("%s %q", m.State, m.Reason)
	}
	if m := alice.latestIn(ops); m.Text != "hello" || m.From != "bob" {
		t.Errorf("%+v", m)
	}
	if m := carol.latestIn(ops); m.Type != TypeGroup {
		t.Errorf("carol has %+v", m)
	}
	w.silent()
	bob.reacts(bob.latestIn(ops).Cursor, "x")
	if !bob.warned("Your reaction to a message in +ops does not go to all: not to carol: no contact of yours.") {
		t.Error("bob is not told whom his reaction does not reach")
	}
	bob.asks(carol, "")
	w.settle()
	st := carol.must(func(s *session) (*step, error) { return s.accept("bob", w.now) })
	if len(st.grouped) != 1 || st.grouped[0].Name != ops || st.grouped[0].Members[1].Reach != Reached {
		t.Errorf("carol hears of %+v", st.grouped)
	}
	w.settle()
	bob.saysIn(ops, "and to you")
	w.settle()
	if m := carol.latestIn(ops); m.Text != "and to you" {
		t.Errorf("%+v", m)
	}
	w.silent()
}

// A member is added, removed, made the owner, leaves and comes back, and all
// others hear of it.
func TestGroupChanges(t *testing.T) {
	w := circle(t, "alice", "bob", "carol", "dave")
	alice, bob, carol, dave := w.person("alice"), w.person("bob"), w.person("carol"), w.person("dave")
	ops := alice.makes("ops", "bob")
	alice.saysIn(ops, "before you")
	w.settle()
	hour := 3600
	alice.regroups(ops, GroupChange{Add: []string{"carol", "dave"}, Disappear: &hour})
	w.settle()
	if m := carol.saysIn(ops, "thanks"); m.Disappear != hour || m.GoneAt.IsZero() {
		t.Errorf("%+v", m)
	}
	w.settle()
	alice.regroups(ops, GroupChange{Remove: []string{"dave"}})
	w.settle()
	alice.saysIn(ops, "without dave")
	w.settle()
	w.wantsIs(ops, map[string]string{"bob": "joined alice* bob carol", "dave": "left alice* bob carol"})
	alice.regroups(ops, GroupChange{Owner: "bob"})
	w.settle()
	alice.regroups(ops, GroupChange{Leave: true})
	w.settle()
	w.wantsIs(ops, map[string]string{"alice": "left bob* carol", "bob": "joined bob* carol", "carol": "joined bob* carol"})
	bob.regroups(ops, GroupChange{Add: []string{"alice"}})
	w.settle()
	alice.saysIn(ops, "back")
	w.settle()
	for p, want := range map[*person][]string{
		carol: {"alice: added carol", "alice: removed dave", "alice: owner bob", "alice: left", "bob: added alice"},
		bob:   {"alice: made bob", "alice: added carol dave", "alice: timer 3600", "alice: removed dave", "alice: owner bob", "alice: left", "bob: added alice"},
		dave:  {"alice: added dave", "alice: removed dave"},
	} {
		if diff := cmp.Diff(want, p.news(ops)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.name, diff)
		}
	}
	if m := carol.latestIn(ops); m.Text != "back" || m.Disappear != hour {
		t.Errorf("%+v", m)
	}
	if slices.Contains(dave.in(ops), `alice text "without dave" for 3600 s`) || slices.Contains(carol.in(ops), `alice text "before you"`) {
		t.Error("somebody has read what was not for them")
	}
	for _, p := range []*person{alice, bob, carol} {
		if got, want := p.groups[ops].Roster, bob.groups[ops].Roster; got.hash() != want.hash() || got.Epoch != 6 {
			t.Errorf("%s: %+v", p.name, got)
		}
	}
	w.silent()
}

// What a person cannot do to a group says why, and changes nothing.
func TestGroupRefusals(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	w.befriend(alice, bob)
	w.befriend(alice, carol)
	ops := alice.makes("ops", "bob")
	w.settle()
	tooLong := maxExpires + 1
	for name, tt := range map[string]struct {
		p    *person
		do   func(*session) (*step, error)
		want *Error
	}{
		"no name":            {alice, func(s *session) (*step, error) { return s.makeGroup("", nil, w.now) }, ErrUsage},
		"a large name":       {alice, func(s *session) (*step, error) { return s.makeGroup("Ops", nil, w.now) }, ErrUsage},
		"a long name":        {alice, func(s *session) (*step, error) { return s.makeGroup(strings.Repeat("a", 33), nil, w.now) }, ErrUsage},
		"a stranger":         {alice, func(s *session) (*step, error) { return s.makeGroup("x", []string{"dave"}, w.now) }, ErrNotContact},
		"oneself":            {alice, func(s *session) (*step, error) { return s.makeGroup("x", []string{"alice"}, w.now) }, ErrUsage},
		"no group":           {alice, alice.regrouping("+none", GroupChange{Leave: true}), ErrNotFound},
		"not the owner":      {bob, bob.regrouping(ops, GroupChange{Add: []string{"alice"}}), ErrRefused},
		"add a stranger":     {alice, alice.regrouping(ops, GroupChange{Add: []string{"dave"}}), ErrNotContact},
		"remove nobody":      {alice, alice.regrouping(ops, GroupChange{Remove: []string{"dave"}}), ErrNotFound},
		"remove oneself":     {alice, alice.regrouping(ops, GroupChange{Remove: []string{"alice"}}), ErrUsage},
		"an owner leaves":    {alice, alice.regrouping(ops, GroupChange{Leave: true}), ErrConflict},
		"a stranger's":       {alice, alice.regrouping(ops, GroupChange{Owner: "dave"}), ErrNotFound},
		"the new one's":      {alice, alice.regrouping(ops, GroupChange{Add: []string{"carol"}, Owner: "carol"}), ErrNotFound},
		"added and handed":   {alice, alice.regrouping(ops, GroupChange{Add: []string{"carol"}, Owner: "bob"}), ErrUsage},
		"kept too long":      {alice, alice.regrouping(ops, GroupChange{Disappear: &tooLong}), ErrUsage},
		"disappear of pairs": {alice, func(s *session) (*step, error) { return s.disappear(ops, time.Hour, w.now) }, ErrUsage},
		"say in none":        {alice, func(s *session) (*step, error) { return s.send("+none", "x", about{}, w.now) }, ErrNotFound},
	} {
		before := snapshot(tt.p)
		if _, err := tt.p.do(tt.do); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, snapshot(tt.p)); diff != "" {
			t.Errorf("%s changed:\n%s", name, diff)
		}
	}
	if st := alice.regroups(ops, GroupChange{}); !st.empty() {
		t.Errorf("no change is one: %+v", st.Changes)
	}
	if st := alice.must(func(s *session) (*step, error) { return s.typing(ops, w.now) }); !st.empty() || st.hint != nil {
		t.Error("a group is told that somebody writes")
	}
}

// A group that others call as one is called here gets a number.
func TestGroupNames(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	long := strings.Repeat("a", MaxGroupName)
	if got := []string{alice.makes("ops", "bob"), alice.makes("+ops", "bob"), alice.makes(long, "bob"), alice.makes(long)}; !slices.Equal(got, []string{"+ops", "+ops_2", "+" + long, "+" + long[2:] + "_2"}) {
		t.Errorf("%q", got)
	}
	carol.makes("ops", "bob")
	w.settle()
	alice.saysIn("+ops_2", "the second")
	carol.saysIn("+ops", "the third")
	w.settle()
	texts := []string{}
	for _, m := range bob.store.messages {
		if m.Type == TypeText {
			texts = append(texts, bob.groups[m.Contact].Roster.Name+" "+m.Text)
		}
	}
	slices.Sort(texts)
	if !slices.Equal(texts, []string{"ops the second", "ops the third"}) || len(bob.groups) != 4 {
		t.Errorf("%q, %v", texts, bob.groups)
	}
}
