package client

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"secure-messaging/pkg/crypto"
)

// Roster is the state of a group: what its owner says of it.
type Roster struct {
	ID        crypto.GroupID  `json:"id"`
	Epoch     uint64          `json:"epoch"`          // how often it has changed, from 1
	Name      string          `json:"name"`           // as its owner calls it, without GroupSign
	Owner     crypto.Username `json:"owner,omitzero"` // none in a group that is Unknown
	Members   []RosterMember  `json:"members"`        // by name, the owner among them
	Disappear int             `json:"disappear"`
	Before    digest          `json:"before"` // hash of the one before; zeros for the first
}

// RosterMember is one of a group.
type RosterMember struct {
	Name        crypto.Username    `json:"name"`
	Fingerprint crypto.Fingerprint `json:"fingerprint"` // of their account key
}

// GroupRecord is a group as it is stored.
type GroupRecord struct {
	Name   string // what this profile calls it; it never changes
	State  GroupState
	Since  time.Time
	Roster Roster // the latest of its owner; in Unknown it has an id and a name alone

	Outside map[string]uint64 // members who have left, and at which epoch, until the owner has heard of it; this account too
	Doubted []string          // of whom the user was warned since the roster came: once each

	Unread int
	LastAt time.Time
}

// hash is what two members compare to know that they were told the same, now and
// before.
func (r *Roster) hash() digest {
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	fields := [][]byte{r.ID[:], number(r.Epoch), []byte(r.Name), []byte(r.Owner), number(uint64(r.Disappear)), r.Before[:]}
	for _, m := range r.Members {
		fields = append(fields, []byte(m.Name), []byte(m.Fingerprint))
	}
	return crypto.Hash(crypto.LabelGroup, fields...)
}

// Valid reports whether a roster is of the one form that it can have.
func (r *Roster) Valid() bool {
	if r == nil || r.ID == (crypto.GroupID{}) || r.Epoch == 0 || !isGroupName(r.Name) ||
		len(r.Members) > MaxMembers || r.Disappear < 0 || r.Disappear > maxExpires {
		return false
	}
	before := crypto.Username("")
	for _, m := range r.Members {
		if print, err := crypto.ParseFingerprint(string(m.Fingerprint)); err != nil || print != m.Fingerprint || m.Name <= before {
			return false
		}
		before = m.Name
	}
	return r.find(r.Owner) != nil
}

// find returns a member, or nil.
func (r *Roster) find(name crypto.Username) *RosterMember {
	i, found := slices.BinarySearchFunc(r.Members, name, func(m RosterMember, n crypto.Username) int { return strings.Compare(string(m.Name), string(n)) })
	if !found {
		return nil
	}
	return &r.Members[i]
}

// names reports whether somebody is a member, with the key that they have.
func (r *Roster) names(name crypto.Username, print crypto.Fingerprint) bool {
	m := r.find(name)
	return m != nil && m.Fingerprint == print
}

// with and without return the members with one more, and with one less.
func (r *Roster) with(m RosterMember) []RosterMember {
	members := append(r.without(m.Name), m)
	slices.SortFunc(members, func(a, b RosterMember) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return members
}

func (r *Roster) without(name crypto.Username) []RosterMember {
	return slices.DeleteFunc(slices.Clone(r.Members), func(m RosterMember) bool { return m.Name == name })
}

// isGroup reports whether a conversation is a group's.
func isGroup(conversation string) bool { return strings.HasPrefix(conversation, GroupSign) }

// isGroupName reports whether a group can be called so, without the GroupSign.
func isGroupName(name string) bool { return isPlainName(name, MaxGroupName) }

// isPlainName reports whether a name is 1 to max of a-z, 0-9, _ and -.
func isPlainName(name string, max int) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= max
}

// freeName is what a group is called here that others call name.
func (s *session) freeName(name string) string {
	free := GroupSign + name
	for n := 2; ; n++ {
		if _, taken := s.groups[free]; !taken {
			return free
		}
		number := "_" + strconv.Itoa(n)
		free = GroupSign + name[:min(len(name), MaxGroupName-len(number))] + number
	}
}

// groupOf finds a group.
func (s *session) groupOf(id crypto.GroupID) (GroupRecord, bool) {
	for _, g := range s.groups {
		if g.Roster.ID == id {
			return g, true
		}
	}
	return GroupRecord{}, false
}

// groupsIn counts the groups in a state.
func (s *session) groupsIn(state GroupState) (n int) {
	for _, g := range s.groups {
		if g.State == state {
			n++
		}
	}
	return n
}

// groupsOf counts those of an owner, left ones among them.
func (s *session) groupsOf(owner crypto.Username) (n int) {
	for _, g := range s.groups {
		if g.Roster.Owner == owner {
			n++
		}
	}
	return n
}

// self is this account as a member.
func (s *session) self() RosterMember {
	return RosterMember{s.keys.Certificate.User, s.keys.Certificate.Account.Fingerprint()}
}

// reach says whether what is sealed here goes to a member.
func (s *session) reach(m RosterMember) Reach {
	c := s.contacts[m.Name]
	switch {
	case m.Name == s.keys.Certificate.User:
		return Self
	case !c.Certificate.IsZero() && c.Fingerprint != string(m.Fingerprint):
		return OtherKey
	case c.State != Accepted:
		return Stranger
	case c.Trust == Changed:
		return OtherKey
	}
	return Reached
}

// reachIn is reach for what is said in a group.
func (s *session) reachIn(g *GroupRecord, m RosterMember) Reach {
	if _, left := g.Outside[string(m.Name)]; left {
		return Outside
	}
	return s.reach(m)
}

// shown is a group as others than the session see it.
func (s *session) shown(g GroupRecord) Group {
	all := Group{
		Name: g.Name, ID: g.Roster.ID.String(), State: g.State, Owner: string(g.Roster.Owner), Epoch: g.Roster.Epoch,
		Members: []Member{}, Since: g.Since, Unread: g.Unread, LastAt: g.LastAt, Disappear: g.Roster.Disappear,
	}
	for _, m := range g.Roster.Members {
		all.Members = append(all.Members, Member{string(m.Name), string(m.Fingerprint), s.reachIn(&g, m)})
	}
	return all
}

// listGroups returns the groups by name.
func (s *session) listGroups() []Group {
	groups := make([]Group, 0, len(s.groups))
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		groups = append(groups, s.shown(s.groups[name]))
	}
	return groups
}

// applyGroups takes over what a step does to groups, and to messages in them.
func (s *session) applyGroups(st *step) {
	for _, g := range st.Groups {
		old := s.groups[g.Name]
		g.Unread, g.LastAt = old.Unread, old.LastAt
		s.groups[g.Name] = g
	}
	for _, m := range st.Messages {
		g, ok := s.groups[m.Contact]
		if !ok {
			continue
		}
		g.LastAt = m.At
		if m.Unread {
			g.Unread++
		}
		s.groups[m.Contact] = g
	}
	for _, f := range st.Fanouts {
		s.fanouts[f.Message] = f
		if f.Done() {
			delete(s.fanouts, f.Message)
		}
	}
}

// noteGroups remembers the groups that a step is about to change, and names
// those of which others are to hear: also where a member has become reached, or
// is not any more.
func (b *batch) noteGroups(st *step) (names []string) {
	for _, g := range st.Groups {
		names = append(names, g.Name)
	}
	for _, m := range st.Messages {
		if isGroup(m.Contact) {
			names = append(names, m.Contact)
		}
	}
	for _, c := range st.Contacts {
		was := b.session.contacts[crypto.Username(c.Name)]
		if was.State == c.State && was.Trust == c.Trust && was.Fingerprint == c.Fingerprint {
			continue
		}
		for _, g := range b.session.groups {
			if g.State == Joined && g.Roster.find(crypto.Username(c.Name)) != nil {
				names = append(names, g.Name)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names {
		b.groups.note(b.session.groups, name)
	}
	for _, f := range st.Fanouts {
		b.fanouts.note(b.session.fanouts, f.Message)
	}
	return names
}
