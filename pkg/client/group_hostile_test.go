package client

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// gang is alice, who owns a group with bob and carol; and dave, a contact who is
// not in it.
type gang struct {
	*world
	alice, bob, carol, dave *person
	ops                     string
	said                    Message // by alice
}

func newGang(t *testing.T) *gang {
	w := circle(t, "alice", "bob", "carol", "dave")
	g := &gang{w, w.person("alice"), w.person("bob"), w.person("carol"), w.person("dave"), "", Message{}}
	g.ops = g.alice.makes("ops", "bob", "carol")
	w.settle()
	g.said = g.alice.saysIn(g.ops, "hello")
	w.settle()
	return g
}

// unheard fails if a content of o's changes p's groups or what is said in them,
// or is not acked; and if p is warned otherwise than with these words.
func (g *gang) unheard(p, o *person, c content, warning string) {
	g.t.Helper()
	p.warnings = nil
	before, groups := p.in(g.ops), fmt.Sprint(p.listGroups())
	st := p.receives(p.from(o, c))
	if diff := cmp.Diff(before, p.in(g.ops)); diff != "" || st.ack != 7 {
		g.t.Errorf("acked %d, and changed:\n%s", st.ack, diff)
	}
	if diff := cmp.Diff(groups, fmt.Sprint(p.listGroups())); diff != "" {
		g.t.Errorf("changed:\n%s", diff)
	}
	switch {
	case warning == "" && len(p.warnings) > 0:
		g.t.Errorf("warned: %q", p.warnings)
	case warning != "" && (len(p.warnings) != 1 || !strings.Contains(p.warnings[0], warning)):
		g.t.Errorf("warned: %q, want %q", p.warnings, warning)
	}
}

// A ghost: a contact who is not in the group, and knows all of it.
func TestGroupGhost(t *testing.T) {
	g := newGang(t)
	ghost := func(typ, body string) content {
		c := g.alice.grouped(g.ops, typ, body)
		if typ == contentReact {
			c.About = of(t, g.said)
		}
		return c
	}
	g.unheard(g.bob, g.dave, ghost(contentText, "I am one of you"), "dave writes in +ops and is not in it, by what alice says")
	g.unheard(g.bob, g.dave, ghost(contentText, "I am one of you"), "") // once
	g.unheard(g.carol, g.dave, ghost(contentReact, "x"), "dave writes in +ops")
	g.unheard(g.alice, g.dave, ghost(contentLeave, ""), "")
	g.bob.restart()
	g.unheard(g.bob, g.dave, ghost(contentText, "still here"), "")
	if got := g.bob.talk(g.dave); len(got) > 0 {
		t.Errorf("it stands in the conversation of two: %q", got)
	}
}

// Nobody but its owner says who is in a group, and its owner does not say two
// things.
func TestGroupRosterHostile(t *testing.T) {
	g := newGang(t)
	first := g.alice.groups[g.ops].Roster
	next := func(change func(*Roster)) Roster {
		r := first
		r.Epoch, r.Before = 2, first.hash()
		r.Members = r.with(RosterMember{"dave", g.dave.self().Fingerprint})
		change(&r)
		return r
	}
	g.unheard(g.bob, g.carol, g.carol.seals(g.bob, next(func(r *Roster) {})), "carol says who is in +ops, and is not its owner: alice is")
	g.unheard(g.carol, g.bob, g.bob.seals(g.carol, next(func(r *Roster) { r.Owner = "bob" })), "bob says who is in +ops")
	g.unheard(g.bob, g.dave, g.dave.seals(g.bob, next(func(r *Roster) { r.Owner = "dave" })), "dave says who is in +ops")
	g.unheard(g.bob, g.alice, g.alice.seals(g.bob, first), "") // a copy
	g.unheard(g.bob, g.alice, g.alice.seals(g.bob, next(func(r *Roster) { r.Epoch = 1 })), "alice has said something else before")
	g.unheard(g.bob, g.alice, g.alice.seals(g.bob, next(func(r *Roster) { r.Before[0]++ })), "alice has said something else before")
	g.alice.regroups(g.ops, GroupChange{Add: []string{"dave"}})
	g.alice.regroups(g.ops, GroupChange{Remove: []string{"dave"}})
	g.settle()
	g.unheard(g.bob, g.alice, g.alice.seals(g.bob, first), "alice has said something else before")
	g.unheard(g.bob, g.alice, g.alice.seals(g.bob, next(func(*Roster) {})), "alice has said something else before")
	g.unheard(g.dave, g.carol, g.carol.seals(g.dave, next(func(r *Roster) { r.Epoch = 9 })), "carol says who is in +ops")

	other := next(func(r *Roster) { r.ID, r.Epoch = crypto.NewGroupID(), 1 })
	g.unheard(g.dave, g.bob, g.bob.seals(g.dave, other), "bob says who is in a group called +ops, and is not its owner")
	other.Members[0].Fingerprint = other.Members[1].Fingerprint
	g.unheard(g.dave, g.alice, g.alice.seals(g.dave, other), "alice says who is in a group called +ops")
}

// An owner who tells two members different things is found out as soon as one of
// them speaks.
func TestGroupTwoFacedOwner(t *testing.T) {
	g := newGang(t)
	first := g.alice.groups[g.ops].Roster
	for p, also := range map[*person]*person{g.bob: g.dave, g.carol: nil} {
		r := first
		r.Epoch, r.Before = 2, first.hash()
		if also != nil {
			r.Members = r.with(also.self())
		}
		p.receives(p.from(g.alice, g.alice.seals(p, r)))
	}
	g.bob.saysIn(g.ops, "one")
	g.bob.saysIn(g.ops, "two")
	g.settle()
	if len(g.carol.warnings) != 1 || !g.carol.warned("bob's device sees other members in +ops than yours") {
		t.Errorf("carol was warned: %q", g.carol.warnings)
	}
	if m := g.carol.latestIn(g.ops); m.Text != "two" {
		t.Errorf("%+v", m)
	}
}

// Whoever takes a word of the owner's first can say who owns it, but not who
// they are.
func TestGroupFirstWord(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	bob, carol := w.person("bob"), w.person("carol")
	r := Roster{ID: crypto.NewGroupID(), Epoch: 1, Name: "ops", Owner: "bob", Members: []RosterMember{bob.self(), carol.self()}}
	without := r
	without.Members = r.without("carol")
	carol.receives(carol.from(bob, bob.seals(carol, without)))
	if len(carol.groups) != 0 {
		t.Errorf("carol is in a group without her: %v", carol.groups)
	}
	other := r
	other.Members = r.with(RosterMember{"carol", w.person("alice").self().Fingerprint})
	carol.receives(carol.from(bob, bob.seals(carol, other)))
	if len(carol.groups) != 0 {
		t.Errorf("carol is in a group under another's key: %v", carol.groups)
	}
}

// A content in a group that is not well formed, or is not one of a group, is
// shown as one that cannot be read, between two.
func TestGroupMalformed(t *testing.T) {
	g := newGang(t)
	first := g.alice.groups[g.ops].Roster
	roster := func(change func(*Roster)) content {
		r := first
		r.Epoch, r.Members = 2, slices.Clone(r.Members)
		change(&r)
		return g.alice.seals(g.bob, r)
	}
	in := func(c content, change func(*content)) content {
		c.ID = crypto.NewMessageID()
		change(&c)
		return c
	}
	hello := g.alice.grouped(g.ops, contentText, "x")
	for name, c := range map[string]content{
		"no roster":             g.saying(contentGroup, "", about{}),
		"roster in a group":     in(roster(func(*Roster) {}), func(c *content) { c.Group = hello.Group }),
		"epoch 0":               roster(func(r *Roster) { r.Epoch = 0 }),
		"no id":                 roster(func(r *Roster) { r.ID = crypto.GroupID{} }),
		"no name":               roster(func(r *Roster) { r.Name = "" }),
		"a name with a sign":    roster(func(r *Roster) { r.Name = "+ops" }),
		"a name that is a path": roster(func(r *Roster) { r.Name = "../ops" }),
		"a long name":           roster(func(r *Roster) { r.Name = strings.Repeat("a", MaxGroupName+1) }),
		"owner outside":         roster(func(r *Roster) { r.Owner = "dave" }),
		"nobody":                roster(func(r *Roster) { r.Members = nil }),
		"not in order":          roster(func(r *Roster) { slices.Reverse(r.Members) }),
		"one twice":             roster(func(r *Roster) { r.Members = append(r.Members, r.Members[2]) }),
		"no fingerprint":        roster(func(r *Roster) { r.Members[1].Fingerprint = "" }),
		"a shouted fingerprint": roster(func(r *Roster) {
			r.Members[1].Fingerprint = crypto.Fingerprint(strings.ToUpper(string(r.Members[1].Fingerprint)))
		}),
		"kept too long": roster(func(r *Roster) { r.Disappear = maxExpires + 1 }),
		"101 members": roster(func(r *Roster) {
			for i := len(r.Members); i <= MaxMembers; i++ {
				r.Members = r.with(RosterMember{crypto.Username(fmt.Sprintf("zz%d", i)), r.Members[0].Fingerprint})
			}
		}),
		"text without its id":  in(hello, func(c *content) { c.Group = &groupRef{ID: first.ID, Name: "ops", Epoch: 1} }),
		"text without a group": in(hello, func(c *content) { c.Group = &groupRef{Name: "ops", Epoch: 1, Message: crypto.NewMessageID()} }),
		"text in epoch 0":      in(hello, func(c *content) { c.Group = &groupRef{ID: first.ID, Name: "ops", Message: crypto.NewMessageID()} }),
		"text in no name": in(hello, func(c *content) {
			c.Group = &groupRef{ID: first.ID, Name: "\x1b[2J", Epoch: 1, Message: crypto.NewMessageID()}
		}),
		"read":              in(g.alice.grouped(g.ops, contentRead, ""), func(c *content) { c.About = of(t, g.said) }),
		"typing":            g.alice.grouped(g.ops, contentTyping, ""),
		"timer":             g.alice.grouped(g.ops, contentTimer, "5"),
		"request":           g.alice.grouped(g.ops, contentRequest, ""),
		"leave with words":  g.alice.grouped(g.ops, contentLeave, "x"),
		"leave of nothing":  g.saying(contentLeave, "", about{}),
		"edit of another's": in(g.alice.grouped(g.ops, contentEdit, "x"), func(c *content) { c.About = about{"bob", crypto.NewMessageID()} }),
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			in, groups := g.bob.in(g.ops), fmt.Sprint(g.bob.listGroups())
			st := g.bob.receives(g.bob.from(g.alice, c))
			if got := st.Messages[len(st.Messages)-1]; got.Type != TypeUnreadable || got.Contact != "alice" {
				t.Errorf("%+v", got)
			}
			if diff := cmp.Diff(in, g.bob.in(g.ops)); diff != "" || groups != fmt.Sprint(g.bob.listGroups()) {
				t.Errorf("changed:\n%s", diff)
			}
		})
	}
	most := roster(func(r *Roster) {
		for i := len(r.Members); i < MaxMembers; i++ {
			r.Members = r.with(RosterMember{crypto.Username(fmt.Sprintf("zz%d", i)), r.Members[0].Fingerprint})
		}
		r.Before = first.hash()
	})
	g.bob.receives(g.bob.from(g.alice, most))
	if got := len(g.bob.groups[g.ops].Roster.Members); got != MaxMembers {
		t.Errorf("%d members", got)
	}
}

// A member touches in a group what they may, and nothing outside of it.
func TestGroupAboutHostile(t *testing.T) {
	g := newGang(t)
	bobs := g.bob.saysIn(g.ops, "bob's")
	between := g.carol.says(g.alice, "between us")
	g.settle()
	about := func(typ, body string, a about) content {
		c := g.carol.grouped(g.ops, typ, body)
		c.About = a
		return c
	}
	carols := of(t, between)
	forged := of(t, bobs)
	forged.From = "carol"
	for _, c := range []content{
		about(contentEdit, "x", carols), about(contentDelete, "", carols), about(contentReact, "x", carols),
		about(contentEdit, "x", forged), about(contentDelete, "", forged), about(contentReact, "x", forged),
		about(contentReact, "x", of(t, Message{From: "zoe", ID: bobs.ID})), // of nobody here
	} {
		before := g.alice.talk(g.carol)
		g.unheard(g.alice, g.carol, c, "")
		if diff := cmp.Diff(before, g.alice.talk(g.carol)); diff != "" {
			t.Errorf("%s in a group changed what is between two:\n%s", c.Type, diff)
		}
	}
	// Nor does what is between two touch what is said in a group.
	for _, c := range []content{g.saying(contentEdit, "x", of(t, g.said)), g.saying(contentDelete, "", of(t, g.said)), g.saying(contentReact, "x", of(t, g.said))} {
		g.unheard(g.bob, g.alice, c, "")
	}
	if got := g.alice.in(g.ops); !slices.Contains(got, `bob text "bob's"`) {
		t.Errorf("%q", got)
	}
}

// An author who gives an id twice is heard once, and holds nothing up.
func TestGroupIDTwice(t *testing.T) {
	g := newGang(t)
	between := g.alice.says(g.bob, "between us")
	g.settle()
	for name, id := range map[string]string{"of a message to the group": g.said.ID, "of a message between two": between.ID} {
		c := g.alice.grouped(g.ops, contentText, "again")
		c.Group.Message = parseID(t, id)
		before := g.bob.in(g.ops)
		behind := g.alice.grouped(g.ops, contentText, name)
		if _, err := g.bob.takes(g.bob.from(g.alice, c), g.bob.from(g.alice, behind)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(append(before, fmt.Sprintf("alice text %q", name)), g.bob.in(g.ops)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	c := g.alice.grouped(g.ops, contentText, "one frame")
	unmovedAfter(t, g.bob, g.bob.from(g.alice, c))
}

// unmovedAfter fails if a copy of a frame has an effect, after a restart too.
func unmovedAfter(t *testing.T, p *person, f protocol.Frame) {
	t.Helper()
	p.receives(f)
	unmoved(t, p, false, f)
	p.restart()
	unmoved(t, p, false, f)
}

// A contact can name any number of groups; some are kept.
func TestGroupsWithoutNumber(t *testing.T) {
	w := circle(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	for range maxUnknown + 5 {
		c := newContent(contentText, "x", w.now)
		c.Group = &groupRef{ID: crypto.NewGroupID(), Name: "ops", Epoch: 1, Message: crypto.NewMessageID()}
		alice.receives(alice.from(bob, c))
	}
	if len(alice.groups) != maxUnknown || len(alice.warnings) != 5 {
		t.Errorf("%d groups, %d warnings", len(alice.groups), len(alice.warnings))
	}
}

// A contact can make a number of groups, and no more when these are left; others
// can make theirs, and who has left can make their own when there is no more room.
func TestGroupsUsedUp(t *testing.T) {
	owners := []string{"bob", "carol", "dave", "erin", "frank"}
	w := circle(t, append(owners, "alice")...)
	alice := w.person("alice")
	makes := func(owner string) {
		o := w.person(owner)
		members := []RosterMember{alice.self(), o.self()}
		alice.receives(alice.from(o, o.seals(alice, Roster{ID: crypto.NewGroupID(), Epoch: 1, Name: owner, Owner: o.self().Name, Members: members})))
	}
	for i, owner := range owners {
		for range maxOfOwner {
			makes(owner)
		}
		if len(alice.groups) != (i+1)*maxOfOwner || len(alice.warnings) > 0 {
			t.Fatalf("%d groups after %s, warned %q", len(alice.groups), owner, alice.warnings)
		}
		if makes(owner); len(alice.groups) != (i+1)*maxOfOwner || !alice.warned("It was dropped") {
			t.Fatalf("one more of %s: %d groups", owner, len(alice.groups))
		}
		alice.warnings = nil
	}
	if _, err := alice.do(func(s *session) (*step, error) { return s.makeGroup("own", []string{"bob"}, w.now) }); !errors.Is(err, ErrRateLimit) {
		t.Errorf("one more of her own: %v", err)
	}
	alice.regroups("+bob", GroupChange{Leave: true})
	if makes("bob"); len(alice.groups) != MaxGroups || !alice.warned("It was dropped") {
		t.Errorf("one more of bob's: %d groups", len(alice.groups))
	}
	if alice.makes("own", "bob"); alice.is("+own") != "joined alice* bob" {
		t.Errorf("of her own there is %q", alice.is("+own"))
	}
}

// The key of a member changes. What is said goes to it neither before nor after
// its contact has taken it, but when the owner of the group has added it.
func TestGroupKeyChanges(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice, bob, carol := w.person("alice"), w.person("bob"), w.person("carol")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	other := evil(w, "carol", w.relay.Public())
	w.people["carol"] = other
	if _, err := alice.do(alice.connecting(other, "")); err != nil {
		t.Fatal(err) // carol is still taken to be herself
	}
	w.settle()
	other.asks(alice, "new phone")
	w.settle()
	if got := alice.is(ops); got != "joined alice* bob carol:other_key" {
		t.Fatal(got, alice.warnings)
	}
	if m := alice.saysIn(ops, "who are you?"); m.Reason != "not to carol: their key here is another than in the group" {
		t.Errorf("%q", m.Reason)
	}
	if _, err := alice.decides(other, TakeKey, alice.number(other).Offered); err != nil {
		t.Fatal(err)
	}
	w.befriend(alice, other)
	if got := alice.is(ops); got != "joined alice* bob carol:other_key" {
		t.Error(got)
	}
	if !alice.warned("is not the one that alice knows in +ops") {
		t.Errorf("warned: %q", alice.warnings)
	}
	ghost := carol.grouped(ops, contentText, "let me in")
	alice.receives(alice.from(other, ghost))
	if m := alice.latestIn(ops); m.Text == "let me in" || !alice.warned("carol writes in +ops and is not in it") {
		t.Errorf("%+v", m)
	}
	alice.regroups(ops, GroupChange{Add: []string{"carol"}})
	w.settle()
	w.wantsIs(ops, map[string]string{"alice": "joined alice* bob carol", "bob": "joined alice* bob carol:other_key", "carol": "joined alice* bob:stranger carol"})
	alice.saysIn(ops, "welcome back")
	w.settle()
	if m := other.latestIn(ops); m.Text != "welcome back" {
		t.Errorf("%+v", m)
	}
	if got := bob.news(ops); !slices.Contains(got, "alice: added carol") {
		t.Errorf("%q", got)
	}
}
