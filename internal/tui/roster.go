package tui

import (
	"cmp"
	"maps"
	"slices"

	"secure-messaging/pkg/client"
)

// roster is who there is, in the order of the sidebar: people we talk to,
// people who asked, people whom we asked, each by name, so that everybody stays
// where the eye has learned to find them. Blocked people are not shown. It costs
// no more with ten thousand people than with ten, but for what moves somebody.
type roster struct {
	contacts []*client.Contact // in the order of the sidebar
	byName   map[string]*client.Contact
	waiting  map[string]*client.Contact // those with unread messages
	unseen   int                        // how many these are
	sizes    [len(groups)]int           // of the groups

	scrolled bool // the sidebar was scrolled away from the open conversation
	from     int  // to this row
}

var groups = [...]struct {
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
func order(a, b *client.Contact) int {
	return cmp.Or(cmp.Compare(group(a.State), group(b.State)), cmp.Compare(a.Name, b.Name))
}

// set replaces everyone.
func (r *roster) set(contacts []client.Contact) {
	*r = roster{byName: make(map[string]*client.Contact, len(contacts)), waiting: map[string]*client.Contact{}, scrolled: r.scrolled, from: r.from}
	for _, c := range contacts {
		if group(c.State) >= 0 {
			r.contacts = append(r.contacts, r.add(c))
		}
	}
	slices.SortFunc(r.contacts, order)
}

// add notes somebody who is to be shown, but for the place.
func (r *roster) add(c client.Contact) *client.Contact {
	p := &c
	r.byName[c.Name] = p
	r.sizes[group(c.State)]++
	r.count(p, 0)
	return p
}

// count notes how many messages of somebody are unread, after there were before.
func (r *roster) count(p *client.Contact, before int) {
	r.unseen += p.Unread - before
	if p.Unread > 0 {
		r.waiting[p.Name] = p
	} else {
		delete(r.waiting, p.Name)
	}
}

// put adds a contact or brings it up to date. Who is not to be shown goes.
// It returns the state that the contact had before.
func (r *roster) put(c client.Contact) (before client.ContactState) {
	before = client.Known
	if p := r.byName[c.Name]; p != nil {
		before = p.State
		if before == c.State { // as with each message: nobody moves
			unread := p.Unread
			*p = c
			r.count(p, unread)
			return before
		}
		i := r.index(c.Name)
		r.contacts = slices.Delete(r.contacts, i, i+1)
		r.sizes[group(before)]--
		r.unseen -= p.Unread
		delete(r.byName, c.Name)
		delete(r.waiting, c.Name)
	}
	if group(c.State) >= 0 {
		p := r.add(c)
		i, _ := slices.BinarySearchFunc(r.contacts, p, order)
		r.contacts = slices.Insert(r.contacts, i, p)
	}
	return before
}

// index returns the place of a contact, or -1.
func (r *roster) index(name string) int {
	p := r.byName[name]
	if p == nil {
		return -1
	}
	i, _ := slices.BinarySearchFunc(r.contacts, p, order)
	return i
}

// get returns a contact; one that is not there is Known.
func (r *roster) get(name string) client.Contact {
	if p := r.byName[name]; p != nil {
		return *p
	}
	return client.Contact{Name: name, State: client.Known}
}

// names lists who is in one of the states, or everyone.
func (r *roster) names(states ...client.ContactState) []string {
	var names []string
	at := 0
	for g, n := range r.sizes {
		if len(states) == 0 || slices.Contains(states, groups[g].state) {
			for _, c := range r.contacts[at : at+n] {
				names = append(names, c.Name)
			}
		}
		at += n
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

// nextUnread returns the next conversation after name with unread messages, or
// "".
func (r *roster) nextUnread(name string) string {
	here := r.byName[name]
	behind := func(c *client.Contact) bool { return here != nil && order(c, here) < 0 } // it comes after the end
	var next *client.Contact
	for _, c := range r.waiting {
		if c != here && (next == nil || behind(next) && !behind(c) || behind(next) == behind(c) && order(c, next) < 0) {
			next = c
		}
	}
	if next == nil {
		return ""
	}
	return next.Name
}

// firstUnread returns the conversation with unread messages that has waited for
// the longest since somebody spoke in it, or "".
func (r *roster) firstUnread() string {
	if len(r.waiting) == 0 {
		return ""
	}
	return slices.MinFunc(slices.Collect(maps.Values(r.waiting)), func(a, b *client.Contact) int {
		return cmp.Or(a.LastAt.Compare(b.LastAt), order(a, b))
	}).Name
}

// best returns the conversation to open first: with unread messages, else the
// latest.
func (r *roster) best() string {
	if len(r.contacts) == 0 {
		return ""
	}
	return slices.MaxFunc(r.contacts, func(a, b *client.Contact) int {
		return cmp.Or(cmp.Compare(min(a.Unread, 1), min(b.Unread, 1)), a.LastAt.Compare(b.LastAt), cmp.Compare(group(b.State), group(a.State)))
	}).Name
}

// recent lists everyone, who spoke last first.
func (r *roster) recent() []string {
	latest := slices.Clone(r.contacts)
	slices.SortStableFunc(latest, func(a, b *client.Contact) int { return b.LastAt.Compare(a.LastAt) })
	names := make([]string, len(latest))
	for i, c := range latest {
		names[i] = c.Name
	}
	return names
}

// unread counts the messages that wait elsewhere than in the conversation name.
func (r *roster) unread(name string) int {
	if p := r.byName[name]; p != nil {
		return r.unseen - p.Unread
	}
	return r.unseen
}
