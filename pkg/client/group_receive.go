package client

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"secure-messaging/pkg/crypto"
)

// maxUnknown bounds the groups of which only members have been heard: a contact
// can name any number.
const maxUnknown = 50

// maxOfOwner bounds those that one contact can make this account a member of, which
// stay on record when it has left: there is room for what others make.
const maxOfOwner = MaxGroups / 5

// takeGrouped takes what a contact says of a group or in one. Nothing of it
// stands in the conversation with them; m is the message that it would be.
func (s *session) takeGrouped(st *step, c ContactRecord, body content, m NewMessage, late bool, now time.Time) error {
	st.Heard = append(st.Heard, Heard{m.Author, body.ID, now})
	if body.Type == contentGroup {
		s.takeRoster(st, c, *body.Roster, said{m.Author, body.sentAt(), now})
		return nil
	}
	g, known := s.groupOf(body.Group.ID)
	switch {
	case body.Type == contentLeave:
		if known && g.State == Joined {
			s.takeLeave(st, g, c, body.Group.Epoch, said{m.Author, body.sentAt(), now})
		}
		return nil
	case !known:
		g = s.unheardOf(st, *body.Group, c, now)
		if g.Name == "" {
			return nil
		}
	case g.State == Left:
		return nil
	case g.State == Joined && !s.maySay(st, &g, c, *body.Group):
		return nil
	}
	if quiet(body.Type) {
		return s.takeAbout(st, c, g.Name, body, late, now)
	}
	seen, err := s.stored.Seen(m.Author, body.Group.Message)
	if err != nil || seen {
		return err // an author who gives one id twice is heard once
	}
	m.ID, m.Contact = body.Group.Message.String(), g.Name
	m.take(body)
	m.takeFile(body)
	st.Messages = append(st.Messages, m)
	return nil
}

// unheardOf enters a group whose owner's word has not come.
func (s *session) unheardOf(st *step, ref groupRef, c ContactRecord, now time.Time) (g GroupRecord) {
	if s.groupsIn(Unknown) >= maxUnknown || len(s.groups) >= MaxGroups {
		st.warn("%s writes in a group that is not known here, and there are too many of these already. It was dropped.", c.Name)
		return g
	}
	g = GroupRecord{Name: s.freeName(ref.Name), State: Unknown, Since: now, Roster: Roster{ID: ref.ID, Name: ref.Name}}
	st.Groups = append(st.Groups, g)
	return g
}

// maySay reports whether somebody is in a group, by what its owner has said, and
// warns where the two sides were told otherwise.
func (s *session) maySay(st *step, g *GroupRecord, c ContactRecord, ref groupRef) bool {
	left, outside := g.Outside[c.Name]
	back := outside && ref.Epoch > left // they were added again, and that word was lost
	switch {
	case !g.Roster.names(crypto.Username(c.Name), crypto.Fingerprint(c.Fingerprint)), outside && !back:
		s.doubt(st, g, c.Name, "%s writes in %s and is not in it, by what "+string(g.Roster.Owner)+" says. It is not shown.")
		return false
	case back:
		g.Outside = maps.Clone(g.Outside)
		delete(g.Outside, c.Name)
		st.Groups = append(st.Groups, *g)
	}
	if ref.Epoch == g.Roster.Epoch && ref.Hash != g.Roster.hash() {
		s.doubt(st, g, c.Name, "%s's device sees other members in %s than yours. Compare with: chat group show "+g.Name)
	}
	return true
}

// doubt warns of somebody, once while a roster is in force.
func (s *session) doubt(st *step, g *GroupRecord, name, format string) {
	if slices.Contains(g.Doubted, name) {
		return
	}
	g.Doubted = append(slices.Clone(g.Doubted), name)
	st.Groups = append(st.Groups, *g)
	st.warn(format, name, g.Name)
}

// takeRoster takes an owner's word on who is in a group: the first of whoever
// says to be its owner, from then on of whom the one before names.
func (s *session) takeRoster(st *step, c ContactRecord, r Roster, by said) {
	g, known := s.groupOf(r.ID)
	if !known || g.State == Unknown {
		s.takeFirst(st, g, c, r, by)
		return
	}
	hash := g.Roster.hash()
	switch {
	case string(g.Roster.Owner) != c.Name || !g.Roster.names(crypto.Username(c.Name), crypto.Fingerprint(c.Fingerprint)):
		s.doubt(st, &g, c.Name, "%s says who is in %s, and is not its owner: "+string(g.Roster.Owner)+" is. It was refused.")
	case r.Epoch == g.Roster.Epoch && r.hash() == hash: // a copy
	case r.Epoch <= g.Roster.Epoch, r.Epoch == g.Roster.Epoch+1 && r.Before != hash:
		st.warn("%s has said something else before about who is in %s. What they say now was refused.", c.Name, g.Name)
	default:
		s.enter(st, g, r, by)
	}
}

// takeFirst takes the first word on a group.
func (s *session) takeFirst(st *step, g GroupRecord, c ContactRecord, r Roster, by said) {
	me := s.self()
	switch {
	case string(r.Owner) != c.Name || !r.names(crypto.Username(c.Name), crypto.Fingerprint(c.Fingerprint)):
		st.warn("%s says who is in a group called %s, and is not its owner. It was refused.", c.Name, GroupSign+r.Name)
	case !r.names(me.Name, me.Fingerprint) && g.Name == "": // it was over before it was heard of
	case g.Name == "" && (len(s.groups) >= MaxGroups || s.groupsOf(r.Owner) >= maxOfOwner):
		st.warn("There are %d groups here, with those that you have left, %d of them of %s, who has made you a member of one more. It was dropped.", len(s.groups), s.groupsOf(r.Owner), c.Name)
	default:
		if g.Name == "" {
			g.Name = s.freeName(r.Name)
		}
		s.enter(st, g, r, by)
	}
}

// enter puts a roster in force that somebody has made, and says what is new.
func (s *session) enter(st *step, g GroupRecord, r Roster, by said) {
	me := s.self()
	before, was, outside := g.Roster, g.State, g.Outside
	_, leaving := g.Outside[string(me.Name)]
	g.Roster, g.Doubted, g.Outside = r, nil, maps.Clone(g.Outside)
	maps.DeleteFunc(g.Outside, func(name string, _ uint64) bool { return r.find(crypto.Username(name)) == nil })
	state := Joined
	if leaving || !r.names(me.Name, me.Fingerprint) {
		state = Left
	}
	if g.State != state {
		g.State, g.Since = state, by.now
	}
	st.Groups = append(st.Groups, g)
	switch {
	case was == Joined:
		for _, text := range newsOf(before, r, outside) {
			st.Messages = append(st.Messages, s.news(g.Name, text, by))
		}
	case state == Joined && r.Epoch == 1:
		st.Messages = append(st.Messages, s.news(g.Name, news(NewsMade, namesOf(r.without(r.Owner))...), by))
	case state == Joined:
		st.Messages = append(st.Messages, s.news(g.Name, news(NewsAdded, string(me.Name)), by))
	}
	switch {
	case r.Owner == me.Name && len(g.Outside) > 0:
		s.letGo(st, g, by)
	case leaving && r.Owner != before.Owner && r.names(me.Name, me.Fingerprint):
		s.tellLeave(st, &g, []RosterMember{*r.find(r.Owner)}, by.now) // who may not have been in it when this account left
	}
}

// letGo is what an owner does where members have left of whom the roster does not
// say so. An owner who is among them hands the group back, or on to who is there.
func (s *session) letGo(st *step, g GroupRecord, by said) {
	next := g.Roster
	if _, leaving := g.Outside[string(next.Owner)]; leaving {
		heirs := s.reached(&g)
		if len(heirs) == 0 {
			return
		}
		next.Owner = heirs[0].Name
		if slices.ContainsFunc(heirs, func(m RosterMember) bool { return m.Name == by.author.User }) {
			next.Owner = by.author.User
		}
	}
	for name := range g.Outside {
		next.Members = next.without(crypto.Username(name))
	}
	s.decree(st, g, next, by.now)
}

// takeLeave takes a member's word that they have left. Its owner lets them go
// for all.
func (s *session) takeLeave(st *step, g GroupRecord, c ContactRecord, epoch uint64, by said) {
	if _, left := g.Outside[c.Name]; left || !g.Roster.names(crypto.Username(c.Name), crypto.Fingerprint(c.Fingerprint)) {
		return
	}
	st.Messages = append(st.Messages, s.news(g.Name, string(NewsLeft), by))
	g.Outside = maps.Clone(g.Outside)
	if g.Outside == nil {
		g.Outside = make(map[string]uint64)
	}
	g.Outside[c.Name] = epoch
	st.Groups = append(st.Groups, g)
	if g.Roster.Owner == s.keys.Certificate.User {
		s.letGo(st, g, by)
	}
}

// newsOf says what is different between two rosters, and was not told by who has
// left.
func newsOf(a, b Roster, outside map[string]uint64) (all []string) {
	gone := func(a, b Roster, changed bool) (names []string) {
		for _, m := range a.Members {
			_, told := outside[string(m.Name)]
			if o := b.find(m.Name); o == nil && !told || o != nil && changed && o.Fingerprint != m.Fingerprint {
				names = append(names, string(m.Name))
			}
		}
		return names
	}
	if names := gone(a, b, false); len(names) > 0 {
		all = append(all, news(NewsRemoved, names...))
	}
	if names := gone(b, a, true); len(names) > 0 {
		all = append(all, news(NewsAdded, names...))
	}
	if a.Owner != b.Owner {
		all = append(all, news(NewsOwner, string(b.Owner)))
	}
	if a.Disappear != b.Disappear {
		all = append(all, news(NewsTimer, strconv.Itoa(b.Disappear)))
	}
	return all
}

func namesOf(members []RosterMember) (names []string) {
	for _, m := range members {
		names = append(names, string(m.Name))
	}
	return names
}

func news(what GroupNews, names ...string) string {
	return strings.Join(append([]string{string(what)}, names...), " ")
}

// said is who has said something of a group, when by their clock, and by ours.
type said struct {
	author  crypto.Address
	at, now time.Time
}

// news is a message that says what is new of a group.
func (s *session) news(group, text string, by said) NewMessage {
	m := NewMessage{Author: by.author, Message: Message{
		ID: crypto.NewMessageID().String(), Contact: group, From: string(by.author.User), Type: TypeGroup, Text: text,
		SentAt: by.at, At: by.now, State: Received,
	}}
	if by.author == s.keys.Certificate.Address() {
		m.State = Delivered
	}
	return m
}
