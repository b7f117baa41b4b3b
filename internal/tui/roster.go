package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"secure-messaging/pkg/client"
)

// roster is who there is, in the order of the sidebar: people we talk to,
// people who asked, people whom we asked. Blocked people are not shown.
type roster struct {
	contacts []client.Contact
	places   map[string]int // in contacts, by name; nil when they have to be counted anew
}

var groups = []struct {
	state client.ContactState
	title string
}{
	{client.Accepted, "Chats"},
	{client.Incoming, "Requests"},
	{client.Requested, "Asked"},
}

func group(s client.ContactState) int {
	for i, g := range groups {
		if g.state == s {
			return i
		}
	}
	return -1
}

// order is that of the sidebar.
func order(a, b client.Contact) int {
	return cmp.Or(cmp.Compare(group(a.State), group(b.State)), cmp.Compare(a.Name, b.Name))
}

// set replaces everyone.
func (r *roster) set(contacts []client.Contact) {
	r.contacts = slices.DeleteFunc(slices.Clone(contacts), func(c client.Contact) bool { return group(c.State) < 0 })
	slices.SortFunc(r.contacts, order)
	r.places = nil
}

// put adds a contact or brings it up to date. Who is not to be shown goes.
// It returns the state that the contact had before.
func (r *roster) put(c client.Contact) (before client.ContactState) {
	before = client.Known
	if i := r.index(c.Name); i >= 0 {
		before = r.contacts[i].State
		if before == c.State { // as with each message: nobody moves
			r.contacts[i] = c
			return before
		}
		r.contacts = slices.Delete(r.contacts, i, i+1)
		r.places = nil
	}
	if group(c.State) < 0 {
		return before
	}
	i, _ := slices.BinarySearchFunc(r.contacts, c, order)
	r.contacts = slices.Insert(r.contacts, i, c)
	r.places = nil
	return before
}

// index returns the place of a contact, or -1.
func (r *roster) index(name string) int {
	if r.places == nil {
		r.places = make(map[string]int, len(r.contacts))
		for i, c := range r.contacts {
			r.places[c.Name] = i
		}
	}
	if i, there := r.places[name]; there {
		return i
	}
	return -1
}

// get returns a contact; one that is not there is Known.
func (r *roster) get(name string) client.Contact {
	if i := r.index(name); i >= 0 {
		return r.contacts[i]
	}
	return client.Contact{Name: name, State: client.Known}
}

// names lists who is in one of the states, or everyone.
func (r *roster) names(states ...client.ContactState) []string {
	var names []string
	for _, c := range r.contacts {
		if len(states) == 0 || slices.Contains(states, c.State) {
			names = append(names, c.Name)
		}
	}
	return names
}

// step returns the name n places after one, around the ends.
func (r *roster) step(name string, n int) string {
	if len(r.contacts) == 0 {
		return ""
	}
	i := r.index(name)
	if i < 0 && n > 0 {
		i = -1
	}
	return r.contacts[(i+n+2*len(r.contacts))%len(r.contacts)].Name
}

// nextUnread returns the next conversation after name with unread messages,
// or "".
func (r *roster) nextUnread(name string) string {
	start := r.index(name)
	for i := range r.contacts {
		if c := r.contacts[(start+1+i+len(r.contacts))%len(r.contacts)]; c.Unread > 0 && c.Name != name {
			return c.Name
		}
	}
	return ""
}

// best returns the conversation to open first: with unread messages, else the
// latest.
func (r *roster) best() string {
	if len(r.contacts) == 0 {
		return ""
	}
	return slices.MaxFunc(r.contacts, func(a, b client.Contact) int {
		return cmp.Or(cmp.Compare(min(a.Unread, 1), min(b.Unread, 1)), a.LastAt.Compare(b.LastAt), cmp.Compare(group(b.State), group(a.State)))
	}).Name
}

// firstUnread returns the first conversation with unread messages, or "".
func (r *roster) firstUnread() string {
	i := slices.IndexFunc(r.contacts, func(c client.Contact) bool { return c.Unread > 0 })
	if i < 0 {
		return ""
	}
	return r.contacts[i].Name
}

// unread counts the messages that wait elsewhere than in the conversation name.
func (r *roster) unread(name string) (n int) {
	for _, c := range r.contacts {
		if c.Name != name {
			n += c.Unread
		}
	}
	return n
}

// row is one line of the sidebar.
type row struct {
	text string
	name string // who is opened by a click; "" for none
}

// rows lays the sidebar out. The open conversation is always among the rows
// that are given. Only those are drawn: there may be thousands.
func (r *roster) rows(lk *look, current string, width, height int, writing func(string) bool) []row {
	const blank, title = -1, -2 // title and what is below it: the titles of groups
	var plan []int              // what stands in each row: a contact's place, or one of the above
	at := 0
	for i, c := range r.contacts {
		if g := group(c.State); i == 0 || g != group(r.contacts[i-1].State) {
			if i > 0 {
				plan = append(plan, blank)
			}
			plan = append(plan, title-g)
		}
		if c.Name == current {
			at = len(plan)
		}
		plan = append(plan, i)
	}
	if len(plan) == 0 {
		return []row{{text: " " + lk.Title.Render(groups[0].title)}, {text: "   " + lk.Dim.Render("nobody yet")}}
	}
	if over := len(plan) - height; over > 0 {
		from := min(max(at-height/2, 0), over)
		plan = plan[from : from+height]
	}
	rows := make([]row, len(plan))
	for y, i := range plan {
		switch {
		case i >= 0:
			c := r.contacts[i]
			rows[y] = row{lk.contactRow(c, c.Name == current, width, writing(c.Name)), c.Name}
		case i <= title:
			rows[y] = row{text: " " + lk.Title.Render(groups[title-i].title)}
		}
	}
	return rows
}

func (lk *look) contactRow(c client.Contact, open bool, width int, writing bool) string {
	tail, style := "", lk.Text
	sign, mark := lk.mark(c.Trust)
	switch {
	case c.Trust == client.Changed:
	case c.State == client.Incoming:
		sign, mark = lk.Person, lk.Warn
	case c.State == client.Requested:
		sign, style = lk.Asked, lk.Dim
	case c.Unread > 0:
		style = lk.Strong
	}
	if c.State == client.Accepted && c.Online {
		tail = lk.Connected
	}
	if writing {
		tail = lk.More
	}
	end, openEnd := lk.Accent, lk.OpenCount
	switch {
	case c.Unread > 0 && writing:
		tail += " " + count(c.Unread)
	case c.Unread > 0:
		tail = count(c.Unread)
	case tail == lk.Connected:
		end, openEnd = lk.Good, lk.Good.Inherit(lk.Open)
	}
	sign = lk.pad(sign, 1)
	name := lk.cut(c.Name, width-lk.cells.StringWidth(tail)-5)
	gap := space(width - 3 - lk.cells.StringWidth(name) - lk.cells.StringWidth(tail) - 1)
	if open {
		return lk.OpenCount.Render(lk.Here) + lk.Open.Render(sign+" "+name+gap) + openEnd.Render(tail+" ")
	}
	return " " + mark.Render(sign) + " " + style.Render(name) + gap + end.Render(tail) + " "
}

// mark is the sign of how sure a contact's key is, where there is something to
// say.
func (lk *look) mark(t client.Trust) (string, lipgloss.Style) {
	switch t {
	case client.Verified:
		return lk.Verified, lk.Good
	case client.Changed:
		return lk.Changed, lk.Bad
	}
	return "", lk.Dim
}

func count(n int) string {
	if n > 999 {
		return "999+"
	}
	return fmt.Sprint(n)
}

// matching returns the names that hold the letters of pattern in their order,
// the closest first: early and connected letters are close. Among equals, and
// where there is no pattern, it is who spoke last.
func (r *roster) matching(pattern string) []string {
	recent := slices.Clone(r.contacts)
	slices.SortStableFunc(recent, func(a, b client.Contact) int { return b.LastAt.Compare(a.LastAt) })
	names := make([]string, len(recent))
	for i, c := range recent {
		names[i] = c.Name
	}
	return closest(names, pattern)
}

// closest returns those of names that hold the letters of pattern in their
// order, the closest first.
func closest(names []string, pattern string) []string {
	type hit struct {
		name string
		cost int
	}
	var hits []hit
	pattern = strings.ToLower(pattern)
	for _, n := range names {
		if cost, ok := distance(strings.ToLower(n), pattern); ok {
			hits = append(hits, hit{n, cost})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.cost, b.cost) })
	names = make([]string, len(hits))
	for i, h := range hits {
		names[i] = h.name
	}
	return names
}

// distance is how far the letters of pattern are apart in name.
func distance(name, pattern string) (cost int, ok bool) {
	at := 0
	for _, r := range pattern {
		i := strings.IndexRune(name[at:], r)
		if i < 0 {
			return 0, false
		}
		cost += i
		at += i + len(string(r))
	}
	return cost, true
}
