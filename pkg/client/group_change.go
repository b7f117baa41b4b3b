package client

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"secure-messaging/pkg/crypto"
)

// Groups implements Account.
func (c *Client) Groups(context.Context) ([]Group, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.listGroups(), nil
}

// MakeGroup implements Account.
func (c *Client) MakeGroup(_ context.Context, name string, members []string) (Group, error) {
	return c.regroup(func(s *session, now time.Time) (*step, error) { return s.makeGroup(name, members, now) })
}

// ChangeGroup implements Account.
func (c *Client) ChangeGroup(_ context.Context, group string, change GroupChange) (Group, error) {
	return c.regroup(func(s *session, now time.Time) (*step, error) { return s.changeGroup(group, change, now) })
}

// regroup fulfils a wish about a group, and returns what that has become.
func (c *Client) regroup(w wish) (Group, error) {
	st, err := c.do(w)
	if err != nil {
		return Group{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.shown(c.session.groups[st.group]), nil
}

// markGroupRead is MarkRead for a group, of which nobody is told.
func (c *Client) markGroupRead(name string, cursor int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, known := c.session.groups[name]
	if !known || g.Unread == 0 {
		return nil
	}
	marked, err := c.store.MarkRead(name, cursor, time.Now())
	if err != nil || marked.Left == g.Unread {
		return err
	}
	g.Unread = marked.Left
	c.session.groups[name] = g
	shown := c.session.shown(g)
	c.events.publish(Event{Kind: GroupChanged, Group: &shown})
	c.hourglass.turn()
	return nil
}

// makeGroup begins a group, whose owner is this account.
func (s *session) makeGroup(name string, members []string, now time.Time) (*step, error) {
	name = strings.TrimPrefix(name, GroupSign)
	if !isGroupName(name) {
		return nil, &Error{Code: CodeUsage, Text: fmt.Sprintf("That is no name for a group: names are 1 to %d of a-z, 0-9, _ and -.", MaxGroupName)}
	}
	if len(s.groups)-s.groupsIn(Left) >= MaxGroups {
		return nil, &Error{Code: CodeRateLimit, Text: fmt.Sprintf("This account is in %d groups, and can be in no more. Leave one first: chat group leave NAME", MaxGroups)}
	}
	me := s.self()
	r := Roster{ID: crypto.NewGroupID(), Name: name, Owner: me.Name, Members: []RosterMember{me}}
	if err := s.addTo(&r, members); err != nil {
		return nil, err
	}
	st := &step{group: s.freeName(name)}
	s.decree(st, GroupRecord{Name: st.group, Roster: Roster{ID: r.ID}}, r, now)
	return st, nil
}

// addTo makes contacts members, with the keys that are pinned for them.
func (s *session) addTo(r *Roster, names []string) error {
	for _, name := range names {
		c, err := s.talking(name)
		if err != nil {
			return err
		}
		r.Members = r.with(RosterMember{crypto.Username(c.Name), crypto.Fingerprint(c.Fingerprint)})
	}
	if len(r.Members) > MaxMembers {
		return &Error{Code: CodeUsage, Text: fmt.Sprintf("A group has at most %d members, you among them.", MaxMembers)}
	}
	return s.roomFor(len(r.Members))
}

// changeGroup does what the owner of a group wants of it, or a member who leaves.
func (s *session) changeGroup(name string, change GroupChange, now time.Time) (*step, error) {
	g, err := s.joined(name)
	if err != nil {
		return nil, err
	}
	if change.Leave {
		return s.leaveGroup(g, now)
	}
	if g.Roster.Owner != s.keys.Certificate.User {
		return nil, &Error{Code: CodeRefused, Text: fmt.Sprintf("%s is the owner of %s, and nobody else can change it. Ask them, or leave it: chat group leave %s", g.Roster.Owner, name, name)}
	}
	next := g.Roster
	if err := s.removeFrom(&next, name, change.Remove); err != nil {
		return nil, err
	}
	if err := s.addTo(&next, change.Add); err != nil {
		return nil, err
	}
	if change.Disappear != nil {
		if next.Disappear = *change.Disappear; next.Disappear < 0 || next.Disappear > maxExpires {
			return nil, &Error{Code: CodeUsage, Text: "Messages can disappear after 1 second to 4 weeks, in whole seconds, or never: 0."}
		}
	}
	if err := s.handOn(&next, &g, change.Owner); err != nil {
		return nil, err
	}
	st := &step{group: name}
	if next.Owner != g.Roster.Owner || next.Disappear != g.Roster.Disappear || !slices.Equal(next.Members, g.Roster.Members) {
		s.decree(st, g, next, now)
	}
	return st, nil
}

func (s *session) removeFrom(r *Roster, group string, names []string) error {
	for _, name := range names {
		switch {
		case name == string(s.keys.Certificate.User):
			return &Error{Code: CodeUsage, Text: "You cannot remove yourself. Make somebody else the owner, then leave: chat group leave " + group}
		case r.find(crypto.Username(name)) == nil:
			return &Error{Code: CodeNotFound, Text: fmt.Sprintf("%q is not in %s. See who is: chat group show %s", name, group, group)}
		}
		r.Members = r.without(crypto.Username(name))
	}
	return nil
}

// handOn makes a member the owner: one who is reached and has heard of the group
// from this account, or the others would hear of it from a stranger.
func (s *session) handOn(r *Roster, g *GroupRecord, name string) error {
	if name == "" || name == string(r.Owner) {
		return nil
	}
	owner := crypto.Username(name)
	m := r.find(owner)
	switch {
	case m == nil || g.Roster.find(owner) == nil:
		return &Error{Code: CodeNotFound, Text: fmt.Sprintf("%q is not in %s. Add them first, then make them the owner.", name, g.Name)}
	case s.reachIn(g, *m) != Reached:
		return &Error{Code: CodeNotContact, Text: fmt.Sprintf("%s is not reached from here, and would not hear that %s is theirs. See why: chat group show %s", name, g.Name, g.Name)}
	case len(r.Members) != len(g.Roster.Members) && slices.ContainsFunc(r.Members, func(m RosterMember) bool { return g.Roster.find(m.Name) == nil }):
		return &Error{Code: CodeUsage, Text: "Who is added hears of the group from its owner. Add first, and hand it on after that."}
	}
	r.Owner = owner
	return nil
}

// leaveGroup tells the members that this account is in the group no more. Its
// owner's word that it is not confirms it.
func (s *session) leaveGroup(g GroupRecord, now time.Time) (*step, error) {
	me := s.self()
	others := s.reached(&g)
	if g.Roster.Owner == me.Name && len(g.Roster.Members) > 1 {
		return nil, &Error{Code: CodeConflict, Text: fmt.Sprintf("You are the owner of %s. Make another member the owner first: chat group owner %s NAME", g.Name, g.Name)}
	}
	if err := s.roomFor(len(others)); err != nil {
		return nil, err
	}
	st := &step{group: g.Name}
	s.tellLeave(st, &g, others, now)
	g.State, g.Since, g.Outside = Left, now, maps.Clone(g.Outside)
	if g.Outside == nil {
		g.Outside = make(map[string]uint64)
	}
	g.Outside[string(me.Name)] = g.Roster.Epoch
	st.Groups = append(st.Groups, g)
	st.Messages = append(st.Messages, s.news(g.Name, string(NewsLeft), said{s.keys.Certificate.Address(), now, now}))
	return st, nil
}

// tellLeave tells members that this account has left, as far as they are reached.
func (s *session) tellLeave(st *step, g *GroupRecord, members []RosterMember, now time.Time) {
	body := newContent(contentLeave, "", now)
	body.Group = g.ref()
	for _, m := range members {
		if s.reach(m) != Reached {
			continue
		}
		if err := s.postCopy(st, m, body, now); err != nil {
			st.warn("%s does not hear that you have left %s. %s", m.Name, g.Name, err)
		}
	}
}

// decree makes the next roster of a group of which this account is the owner, and
// tells everybody whom it is about: who is a member now, and who was. Who may
// write by it hears it last, so that what they write comes to others behind it.
func (s *session) decree(st *step, g GroupRecord, next Roster, now time.Time) {
	before := g.Roster
	next.Epoch, next.Before = before.Epoch+1, digest{}
	if before.Epoch > 0 {
		next.Before = before.hash()
	}
	body := newContent(contentGroup, "", now)
	body.Roster = &next
	for _, m := range told(before, next) {
		if s.reach(m) != Reached {
			continue
		}
		if err := s.postCopy(st, m, body, now); err != nil {
			st.warn("%s does not hear who is in %s now. %s", m.Name, g.Name, err)
		}
	}
	s.enter(st, g, next, said{s.keys.Certificate.Address(), now, now})
}

// decreeAgain tells a member whose device has begun anew what this account has
// said last of its groups: that device may have come back from before, and would
// go on writing to who has been removed since.
func (s *session) decreeAgain(st *step, c ContactRecord, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		g := s.groups[name]
		m := RosterMember{crypto.Username(c.Name), crypto.Fingerprint(c.Fingerprint)}
		if g.State != Joined || g.Roster.Owner != s.keys.Certificate.User || s.reachIn(&g, m) != Reached || !g.Roster.names(m.Name, m.Fingerprint) {
			continue
		}
		body := newContent(contentGroup, "", now)
		body.Roster = &g.Roster
		err := s.roomFor(1 + len(st.Enqueue))
		if err == nil {
			err = s.postCopy(st, m, body, now)
		}
		if err != nil {
			st.warn("%s does not hear again who is in %s. %s", c.Name, name, err)
			return
		}
	}
}

// told are those who hear of a roster, in their order.
func told(before, next Roster) (members []RosterMember) {
	var added, owner []RosterMember
	for _, m := range next.Members {
		switch {
		case m.Name == next.Owner && next.Owner != before.Owner:
			owner = append(owner, m)
		case before.find(m.Name) == nil:
			added = append(added, m)
		default:
			members = append(members, m)
		}
	}
	for _, m := range before.Members {
		if next.find(m.Name) == nil {
			members = append(members, m)
		}
	}
	return slices.Concat(members, added, owner)
}

// warnOtherKey warns where somebody is in groups under another key than the one
// that has just been pinned for them.
func (s *session) warnOtherKey(st *step, c ContactRecord) {
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		g := s.groups[name]
		m := g.Roster.find(crypto.Username(c.Name))
		if g.State == Joined && m != nil && string(m.Fingerprint) != c.Fingerprint {
			st.warn("The key of %s that you have now (%s) is not the one that %s knows in %s (%s). What you say there does not reach %s. Compare by another way: chat verify %s",
				c.Name, c.Fingerprint, g.Roster.Owner, name, m.Fingerprint, c.Name, c.Name)
		}
	}
}
