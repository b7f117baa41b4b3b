package client

import (
	"slices"
	"strings"
	"testing"

	"secure-messaging/pkg/crypto"
)

// circle is people who are all contacts of each other.
func circle(t *testing.T, names ...string) *world {
	t.Helper()
	w := newWorld(t, names...)
	for i, a := range names {
		for _, b := range names[i+1:] {
			w.befriend(w.pair(a, b))
		}
	}
	return w
}

func (w *world) person(name string) *person { return w.people[crypto.Username(name)] }

// makes makes a group and returns its name here.
func (p *person) makes(name string, members ...string) string {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.makeGroup(name, members, p.w.now) }).group
}

func (p *person) regroups(group string, change GroupChange) *step {
	p.w.t.Helper()
	return p.must(p.regrouping(group, change))
}

func (p *person) regrouping(group string, change GroupChange) func(*session) (*step, error) {
	return func(s *session) (*step, error) { return s.changeGroup(group, change, p.w.now) }
}

func (p *person) saysIn(group, text string) Message {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.send(group, text, about{}, p.w.now) }).Messages[0].Message
}

// in returns what p has of a group, as talk does of two.
func (p *person) in(group string) []string { return p.talk(&person{name: group}) }

// latestIn is the last message of a group, as p has it.
func (p *person) latestIn(group string) Message {
	p.w.t.Helper()
	ms, err := p.store.History(Query{Contact: group, Limit: 1})
	if err != nil || len(ms) != 1 {
		p.w.t.Fatalf("%s has no message in %s (%v)", p.name, group, err)
	}
	return ms[0]
}

// is says how p stands to a group, and to whom in it: a state, then each member
// with how they are reached where they are not.
func (p *person) is(group string) string {
	g := p.shown(p.groups[group])
	words := []string{string(g.State)}
	for _, m := range g.Members {
		word := m.Name
		if m.Name == g.Owner {
			word += "*"
		}
		if m.Reach != Self && m.Reach != Reached {
			word += ":" + string(m.Reach)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// wantsIs fails where somebody stands otherwise to a group.
func (w *world) wantsIs(group string, want map[string]string) {
	w.t.Helper()
	for name, want := range want {
		if got := w.person(name).is(group); got != want {
			w.t.Errorf("to %s, %s is %q, want %q", name, group, got, want)
		}
	}
}

// news are what the messages of TypeGroup say, in order.
func (p *person) news(group string) (all []string) {
	for _, m := range p.store.messages {
		if m.Contact == group && m.Type == TypeGroup {
			all = append(all, m.From+": "+m.Text)
		}
	}
	return all
}

// warned reports whether p was warned with these words, and forgets it.
func (p *person) warned(words string) bool {
	was := slices.ContainsFunc(p.warnings, func(w string) bool { return strings.Contains(w, words) })
	p.warnings = nil
	return was
}

// silent fails if anybody was warned.
func (w *world) silent() {
	w.t.Helper()
	for _, p := range w.people {
		if len(p.warnings) > 0 {
			w.t.Errorf("%s was warned: %q", p.name, p.warnings)
		}
	}
}

// roster lets somebody seal a roster for somebody else, whoever the owner is.
func (p *person) seals(o *person, r Roster) content {
	c := newContent(contentGroup, "", p.w.now)
	c.Roster = &r
	return c
}

// grouped is a content of somebody in a group.
func (p *person) grouped(group, typ, body string) content {
	g := p.groups[group]
	c := newContent(typ, body, p.w.now)
	c.Group = g.ref()
	if !quiet(typ) {
		c.Group.Message = crypto.NewMessageID()
	}
	return c
}
