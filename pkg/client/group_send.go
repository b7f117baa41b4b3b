package client

import (
	"fmt"
	"strings"
	"time"

	"secure-messaging/pkg/crypto"
)

// What is said in a group is sealed for each of its members, in the session with
// them, and is one message in the history.

// audience is who hears what is said in a conversation: a contact, or the
// members of a group.
type audience struct {
	name      string
	disappear int
	contact   ContactRecord
	group     *GroupRecord // nil for a contact
}

func ofTwo(c ContactRecord) audience {
	return audience{name: c.Name, disappear: c.Disappear, contact: c}
}

// precedes is that of a contact. A group is the same from its beginning.
func (a *audience) precedes(m Message) bool { return a.group == nil && a.contact.precedes(m) }

// audience returns who hears what is said in a conversation now. It is an error
// if nobody does.
func (s *session) audience(name string) (audience, error) {
	if !isGroup(name) {
		c, err := s.talking(name)
		return ofTwo(c), err
	}
	g, err := s.joined(name)
	if err != nil {
		return audience{}, err
	}
	n := len(s.reached(&g))
	if n == 0 {
		return audience{}, &Error{Code: CodeNotContact, Text: "What is said in " + name + " would reach nobody. See who is in it, and why: chat group show " + name}
	}
	return audience{name: g.Name, disappear: g.Roster.Disappear, group: &g}, s.roomFor(n)
}

// joined returns a group that this account is in.
func (s *session) joined(name string) (GroupRecord, error) {
	g, known := s.groups[name]
	switch {
	case !known:
		return g, &Error{Code: CodeNotFound, Text: fmt.Sprintf("There is no group called %q here. See: chat group", name)}
	case g.State == Unknown:
		return g, &Error{Code: CodeConflict, Text: "Who is in " + name + " is not known here yet. It can be written to when its owner's word has come."}
	case g.State == Left:
		return g, &Error{Code: CodeNotContact, Text: "You are not in " + name + " any more. Ask " + string(g.Roster.Owner) + " to add you again."}
	}
	return g, nil
}

// reached are the members to whom goes what is said in a group.
func (s *session) reached(g *GroupRecord) (members []RosterMember) {
	for _, m := range g.Roster.Members {
		if s.reachIn(g, m) == Reached {
			members = append(members, m)
		}
	}
	return members
}

// unreached says in words to whom it does not go, and why.
func (s *session) unreached(g *GroupRecord) string {
	why := map[Reach]string{Stranger: "no contact of yours", OtherKey: "their key here is another than in the group", Outside: "they have left"}
	var parts []string
	for _, r := range []Reach{Stranger, OtherKey, Outside} {
		var names []string
		for _, m := range g.Roster.Members {
			if s.reachIn(g, m) == r {
				names = append(names, string(m.Name))
			}
		}
		if len(names) > 0 {
			parts = append(parts, notTo(strings.Join(names, ", "), why[r]))
		}
	}
	return strings.Join(parts, "; ")
}

func notTo(names, why string) string { return "not to " + names + ": " + why }

// roomFor is room for several.
func (s *session) roomFor(n int) error {
	if len(s.outbox)+n > MaxOutbox {
		return &Error{Code: CodeRateLimit, Text: fmt.Sprintf("So much is waiting for the relay that %d more do not fit. Send again when some have left.", n)}
	}
	return nil
}

// post seals a content into the outbox for everybody who hears it, in one step:
// for a contact under the id that it has, for each member of a group under an id
// of its own, beside the one that it has in the group. It says whom it does not
// reach, and why.
func (s *session) post(st *step, to audience, body content, now time.Time) (unreached string, err error) {
	if to.group == nil {
		return "", s.postTo(st, to.contact, body, now)
	}
	body.Group = to.group.ref()
	f := Fanout{Message: body.ID, Reason: s.unreached(to.group)}
	if !quiet(body.Type) {
		body.Group.Message = body.ID
	}
	for _, m := range s.reached(to.group) {
		if err := s.postCopy(st, m, body, now); err != nil {
			f.fail(string(m.Name), "the session with them is damaged; ask them again: chat connect "+string(m.Name))
			continue
		}
		f.Waiting++
	}
	if f.Waiting == 0 {
		return "", &Error{Code: CodeInternal, Text: "No session with a member of " + to.name + " can be used: " + f.Reason + "."}
	}
	if !quiet(body.Type) {
		st.Fanouts = append(st.Fanouts, f)
	}
	return f.Reason, nil
}

// usable returns the error that post would: that there is nobody for whom
// something can be sealed.
func (s *session) usable(to audience) error {
	if to.group == nil {
		return to.contact.usable()
	}
	for _, m := range s.reached(to.group) {
		if c := s.contacts[m.Name]; c.usable() == nil {
			return nil
		}
	}
	return &Error{Code: CodeInternal, Text: "No session with a member of " + to.name + " can be used. Ask them again: chat connect NAME"}
}

// postCopy seals a content for one of several.
func (s *session) postCopy(st *step, m RosterMember, body content, now time.Time) error {
	body.ID = crypto.NewMessageID()
	err := s.postTo(st, st.latest(s, m.Name), body, now)
	if err == nil && body.Group != nil {
		st.Enqueue[len(st.Enqueue)-1].Message = body.Group.Message
	}
	return err
}

// latest is a contact as a step leaves them.
func (st *step) latest(s *session, name crypto.Username) ContactRecord {
	for i := len(st.Contacts) - 1; i >= 0; i-- {
		if st.Contacts[i].Name == string(name) {
			return st.Contacts[i]
		}
	}
	return s.contacts[name]
}

// Fanout counts how far a message to a group has come with its members, while it
// is on its way to any.
type Fanout struct {
	Message                            crypto.MessageID
	Waiting, Stored, Delivered, Failed int
	Reason                             string // whom it does not reach, and why
}

// Done reports whether it is on its way to nobody any more.
func (f Fanout) Done() bool { return f.Waiting+f.Stored == 0 }

// state is the lowest of them. What has failed counts where nothing else is left.
func (f Fanout) state() MessageState {
	switch {
	case f.Waiting > 0:
		return Waiting
	case f.Stored > 0:
		return Stored
	case f.Delivered == 0 && f.Failed > 0:
		return Failed
	case f.Delivered == 0:
		return Stored // it was given up while the relay had it
	}
	return Delivered
}

func (f *Fanout) fail(name, why string) {
	f.Failed++
	if f.Reason != "" {
		f.Reason += "; "
	}
	f.Reason += notTo(name, why)
}

// moveOne says how far an item has come that carries a message to a group for
// one member. Empty stands for as far as it was, and no further.
func (s *session) moveOne(st *step, it OutboxItem, to MessageState, reason string) {
	f, ok := s.fanouts[it.Message]
	if !ok {
		return
	}
	was := f
	if it.Stored {
		f.Stored--
	} else {
		f.Waiting--
	}
	switch to {
	case Stored:
		f.Stored++
	case Delivered:
		f.Delivered++
	case Failed:
		f.fail(it.Contact, reason)
	}
	st.Fanouts = append(st.Fanouts, f)
	if f.state() != was.state() || f.Reason != was.Reason {
		st.States = append(st.States, StateChange{f.Message, f.state(), f.Reason})
	}
}

// giveUp lets an item go that carries a message. Of what the relay has already,
// nobody knows what will become.
func (s *session) giveUp(st *step, it OutboxItem, reason string) {
	switch {
	case !it.Stored:
		s.move(st, it, Failed, reason)
	case it.Message != (crypto.MessageID{}):
		s.moveOne(st, it, "", "")
	}
}
