package client

import (
	"errors"
	"strconv"
	"time"

	"secure-messaging/pkg/crypto"
)

// What the user wants to do about a message that stands in the history.

// take fills in what a content says of its own message.
func (m *Message) take(body content) {
	m.Type, m.SentAt = body.Type, body.sentAt()
	switch body.Type {
	case contentText, contentFile:
		m.Text, m.Disappear = body.Body, body.Expires
		if body.About.names() {
			m.Reply = &Quote{ID: body.About.ID.String(), From: string(body.About.From)}
		}
	case contentTimer:
		m.Text = body.Body
	}
}

// isSpoken reports whether a message of a type can be answered, edited, deleted
// and reacted to.
func isSpoken(typ string) bool { return typ == TypeText || typ == TypeFile }

// spoken returns the text or file at a cursor.
func (s *session) spoken(cursor int64) (m NewMessage, a about, err error) {
	m, err = s.stored.Place(cursor)
	switch {
	case errors.Is(err, ErrNotFound):
		return m, a, &Error{Code: CodeNotFound, Text: "That message is not here, or not any more."}
	case err != nil:
		return m, a, err
	case !isSpoken(m.Type):
		return m, a, &Error{Code: CodeUsage, Text: "That is neither a text nor a file. Only those can be answered, edited, deleted and reacted to."}
	case m.Deleted:
		return m, a, errDeleted
	}
	a.From = crypto.Username(m.From)
	a.ID, err = m.id()
	return m, a, err
}

var errDeleted = &Error{Code: CodeConflict, Text: "That message has been deleted."}

// reply sends an answer to a message.
func (s *session) reply(cursor int64, text string, now time.Time) (*step, error) {
	m, a, err := s.spoken(cursor)
	if err != nil {
		return nil, err
	}
	return s.send(m.Contact, text, a, now)
}

// edit gives a message of this device other words, on both sides.
func (s *session) edit(cursor int64, text string, now time.Time) (*step, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	m, a, err := s.spoken(cursor)
	if err != nil {
		return nil, err
	}
	if !m.Outgoing() {
		return nil, &Error{Code: CodeUsage, Text: "That message is not yours. Only what you wrote yourself can be edited."}
	}
	c, err := s.audience(m.Contact)
	switch {
	case err != nil:
		return nil, err
	case m.State == Failed:
		return nil, &Error{Code: CodeConflict, Text: "That message was not sent, so there is nothing to edit at the other side. Send it as a new one."}
	case s.beyond(c, m) != "":
		return nil, &Error{Code: CodeConflict, Text: "That message is " + s.beyond(c, m) + ", and they would not see the edit. Send a new one."}
	case m.Text == text:
		return &step{}, nil
	}
	st := &step{}
	st.Rewrites = []Rewrite{{Author: m.Author, ID: a.ID, Text: text}}
	if _, waits := s.uploadOf(a.ID); waits {
		return st, nil // it goes with the words that it has then
	}
	return s.tell(st, c, contentEdit, text, a, now)
}

// beyond says of a message of this account why others would not take from this
// device what is done to it; empty if they would.
func (s *session) beyond(to audience, m NewMessage) string {
	switch {
	case m.Author != s.keys.Certificate.Address():
		return "from before your account moved to this device"
	case to.precedes(m.Message):
		return "from before you and " + to.name + " became contacts as you are now"
	}
	return ""
}

// current reports whether the author of a message is the device that others know
// them by now. What is said about it is heard of no other.
func (s *session) current(m NewMessage) bool {
	if m.Outgoing() {
		return m.Author == s.keys.Certificate.Address()
	}
	return m.Author == s.contacts[crypto.Username(m.From)].Certificate.Address()
}

// remove takes the words of a message away: on both sides of one of this
// device, here alone of one of theirs, of one of another device of this account,
// and of one that never reached them.
func (s *session) remove(cursor int64, now time.Time) (*step, error) {
	m, a, err := s.spoken(cursor)
	if err == errDeleted {
		return &step{}, nil
	}
	if err != nil {
		return nil, err
	}
	st := &step{}
	st.Rewrites = []Rewrite{{Author: m.Author, ID: a.ID, Deleted: true}}
	if !m.Outgoing() {
		return st, nil
	}
	if m.Sealed != nil {
		st.forgetFile(m.Sealed.Blob)
	}
	if _, waits := s.uploadOf(a.ID); waits { // nobody has heard of it
		st.States = []StateChange{{a.ID, Failed, "it was deleted before it was sent"}}
		return st, nil
	}
	c, err := s.audience(m.Contact)
	switch {
	case m.State == Failed && (err != nil || !s.current(m)):
		return st, nil
	case !s.current(m):
		st.warn("It is deleted here alone: that message is %s, and %s would not take the deletion.", s.beyond(c, m), m.Contact)
		return st, nil
	case err != nil:
		return nil, err
	case s.beyond(c, m) != "": // theirs may go back further than the relation does here
		st.warn("It is deleted here, and perhaps here alone: that message is %s.", s.beyond(c, m))
	}
	return s.tell(st, c, contentDelete, "", a, now)
}

// react puts this user's emoji beside a message, or takes it away.
func (s *session) react(cursor int64, emoji string, now time.Time) (*step, error) {
	if !isReaction(emoji) {
		return nil, &Error{Code: CodeUsage, Text: "A reaction is one emoji: at most " + strconv.Itoa(MaxReaction) + " bytes of UTF-8, without control characters."}
	}
	m, a, err := s.spoken(cursor)
	if err != nil {
		return nil, err
	}
	c, err := s.audience(m.Contact)
	if err != nil {
		return nil, err
	}
	if !s.current(m) {
		return nil, &Error{Code: CodeConflict, Text: "That message is from before its author moved to another device, and nobody would see the reaction. Send an answer."}
	}
	if _, waits := s.uploadOf(a.ID); waits {
		return nil, &Error{Code: CodeConflict, Text: "That file is still on its way to the relay. React when it has been sent."}
	}
	me, before := s.keys.Certificate.User, ""
	for _, r := range m.Reactions {
		if r.From == string(me) {
			before = r.Emoji
		}
	}
	if before == emoji {
		return &step{}, nil
	}
	st := &step{}
	st.Reacts = []React{{Author: m.Author, ID: a.ID, By: me, Emoji: emoji, At: now}}
	return s.tell(st, c, contentReact, emoji, a, now)
}

// disappear sets how long messages of a conversation are kept from now on.
func (s *session) disappear(name string, after time.Duration, now time.Time) (*step, error) {
	if after < 0 || after > MaxDisappear || after%time.Second != 0 {
		return nil, &Error{Code: CodeUsage, Text: "Messages can disappear after 1 second to 4 weeks, in whole seconds, or never: 0."}
	}
	if isGroup(name) {
		return nil, &Error{Code: CodeUsage, Text: "After how long messages of a group disappear, its owner sets, as a change of the group."}
	}
	c, err := s.talking(name)
	if err != nil {
		return nil, err
	}
	c.Disappear = int(after / time.Second)
	return s.say(&step{}, ofTwo(c), newContent(contentTimer, strconv.Itoa(c.Disappear), now), now)
}

// tell seals a content about a message.
func (s *session) tell(st *step, to audience, typ, body string, a about, now time.Time) (*step, error) {
	told := newContent(typ, body, now)
	told.About = a
	return s.say(st, to, told, now)
}

// precedes reports whether a message is from before the present relation with a
// contact began. Nothing that they seal now may touch it: it may be another key
// that speaks in their name, even from a device of the same id.
func (c *ContactRecord) precedes(m Message) bool {
	return m.At.Before(c.Since.Truncate(time.Microsecond)) // a store keeps no more of it
}

// takeQuiet takes a content of a contact that has no place in the history. One
// whose message is not here, is no text, was deleted, or is not theirs to touch,
// has no effect. Nor has one that was overtaken, where what came before it would
// have to give way to what is older; a deletion is final whenever it comes.
func (s *session) takeQuiet(st *step, c ContactRecord, body content, late bool, now time.Time) error {
	st.Heard = []Heard{{c.Certificate.Address(), body.ID, now}}
	switch {
	case body.Type == contentTyping && s.settings.Typing:
		st.writing = c.Name
		return nil
	case body.Type == contentTyping:
		return nil
	}
	return s.takeAbout(st, c, c.Name, body, late, now)
}

// takeAbout takes a content about a message of a conversation, that with its
// author or a group's.
func (s *session) takeAbout(st *step, c ContactRecord, in string, body content, late bool, now time.Time) error {
	if late && (body.Type == contentEdit || body.Type == contentReact) {
		return nil
	}
	author := c.Certificate.Address()
	switch from := body.About.From; {
	case from == s.keys.Certificate.User:
		author = s.keys.Certificate.Address()
	case string(from) != c.Name:
		author = s.contacts[from].Certificate.Address() // of nobody, for a stranger
	}
	m, err := s.stored.Written(author, body.About.ID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || m.Contact != in || !isSpoken(m.Type) || m.Deleted && body.Type != contentRead {
		return err
	}
	if (in == c.Name || body.Type != contentReact) && c.precedes(m) {
		return nil
	}
	switch body.Type {
	case contentEdit:
		st.Rewrites = []Rewrite{{Author: author, ID: body.About.ID, Text: body.Body}}
	case contentDelete:
		st.Rewrites = []Rewrite{{Author: author, ID: body.About.ID, Deleted: true}}
	case contentReact:
		st.Reacts = []React{{Author: author, ID: body.About.ID, By: crypto.Username(c.Name), Emoji: body.Body, At: now}}
	case contentRead:
		return s.takeRead(st, m, body.About.ID)
	}
	return nil
}
