package client

import (
	"errors"
	"fmt"
	"time"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// What the user wants of a session. Each wish becomes a step, or an error that
// says why not.

// send seals a text for a contact, or for the members of a group. It answers the message that answers names.
func (s *session) send(to, text string, answers about, now time.Time) (*step, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	c, err := s.audience(to)
	if err != nil {
		return nil, err
	}
	body := newContent(contentText, text, now)
	body.About, body.Expires = answers, c.disappear
	return s.say(&step{}, c, body, now)
}

// talking returns a contact to whom something can be sealed, and for whom the
// outbox has room.
func (s *session) talking(to string) (ContactRecord, error) {
	c, err := s.contact(to)
	if err != nil {
		return c, err
	}
	if err := c.mustLook(); err != nil {
		return c, err
	}
	switch c.State {
	case Requested:
		return c, &Error{Code: CodeNotContact, Text: to + " has not accepted yet. Messages can be sent as soon as they do."}
	case Incoming:
		return c, &Error{Code: CodeNotContact, Text: to + " is waiting for your answer. Accept first: chat accept " + to}
	case Blocked:
		return c, &Error{Code: CodeNotContact, Text: "You have blocked " + to + ". To lift it: chat connect " + to}
	}
	return c, s.room()
}

// say seals a content into the outbox, and one that has a place in the history
// into that.
func (s *session) say(st *step, to audience, body content, now time.Time) (*step, error) {
	unreached, err := s.post(st, to, body, now)
	if err != nil {
		return nil, err
	}
	switch {
	case quiet(body.Type) && unreached != "": // no message says it
		st.warn("Your %s in %s does not go to all: %s.", quietNames[body.Type], to.name, unreached)
	case !quiet(body.Type):
		m := s.written(to.name, body, now)
		m.Reason = unreached
		st.Messages = []NewMessage{m}
	}
	return st, nil
}

// postTo seals a content into the outbox, for a contact.
func (s *session) postTo(st *step, c ContactRecord, body content, now time.Time) error {
	c, sealed, err := s.seal(c, body, now)
	if err != nil {
		return err
	}
	st.Contacts = append(st.Contacts, c)
	it := outboxItem(messageFrame(c, body, sealed), body.ID, c.Name, now)
	if quiet(body.Type) {
		it.Kind = body.Type
	}
	st.Enqueue = append(st.Enqueue, it)
	return nil
}

// written is a content of this device as the history has it.
func (s *session) written(to string, body content, now time.Time) NewMessage {
	m := Message{ID: body.ID.String(), Contact: to, From: string(s.keys.Certificate.User), At: now, State: Waiting}
	m.take(body)
	if body.Expires > 0 {
		m.GoneAt = now.Add(time.Duration(body.Expires) * time.Second)
	}
	added := NewMessage{Author: s.keys.Certificate.Address(), Message: m}
	added.takeFile(body)
	return added
}

func messageFrame(c ContactRecord, body content, sealed protocol.Sealed) protocol.Frame {
	return &protocol.SendMessage{ID: body.ID, Recipients: []crypto.Address{c.Certificate.Address()}, EncryptedData: []protocol.Sealed{sealed}}
}

// needsBundle reports whether connect wants prekeys of a person, and returns
// an error where it would come to nothing.
func (s *session) needsBundle(name string, now time.Time) (bool, error) {
	user, err := ParseName(name)
	if err != nil {
		return false, err
	}
	if user == s.keys.Certificate.User {
		return false, &Error{Code: CodeUsage, Text: "You cannot connect to yourself."}
	}
	c, known := s.contacts[user]
	if err := c.mustLook(); err != nil {
		return false, err
	}
	if known && (c.State == Incoming || c.State == Accepted && !c.broken()) {
		return false, nil
	}
	if err := s.room(); err != nil {
		return false, err
	}
	if peer, err := e2e.Restore(c.Session); err == nil && !peer.MayAsk(now) {
		return false, noSession(e2e.ErrPending, name)
	}
	return true, nil
}

// broken reports whether the session with a contact has stopped to work, as
// after a profile was put back from an older copy.
func (c *ContactRecord) broken() bool {
	peer, err := e2e.Restore(c.Session)
	return c.Lost > 0 || err != nil || !peer.Begun()
}

// connect asks a person, with what the relay gave for them where needsBundle
// wants it. Only a person that is unknown so far is taken at the relay's word;
// from then on the pin counts. A contact whose session is broken is asked anew.
func (s *session) connect(name string, b *e2e.Bundle, note string, now time.Time) (*step, error) {
	need, err := s.needsBundle(name, now)
	if err != nil {
		return nil, err
	}
	c, known := s.contacts[crypto.Username(name)]
	switch {
	case c.State == Incoming:
		return s.accept(name, now)
	case !need:
		return &step{}, nil
	case b == nil:
		return nil, ErrConflict // it was not needed a moment ago
	}
	st := &step{}
	cert := b.Certificate
	if known && !samePin(c, cert) {
		st.refused = st.offer(c, cert)
		return st, nil
	}
	if known && cert.Created.Before(c.Certificate.Created) {
		return nil, &Error{Code: CodeRefused, Text: "The relay shows a device of " + name + " that they have replaced. Ask its operator."}
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	if c.State != Accepted {
		c.State, c.Since = Requested, now
	}
	c.pin(cert)
	s.warnOtherKey(st, c)
	body := newContent(contentRequest, note, now)
	peer, err := e2e.Restore(c.Session)
	if err != nil {
		peer = e2e.Session{} // damaged: nothing of it can be used again
	}
	c.Sent++
	body.N = c.Sent
	text := body.encode()
	data, peer, err := peer.Ask(s.local(), *b, text, now)
	clear(text)
	if err != nil {
		return nil, noSession(err, name)
	}
	c.Session, c.RequestID, c.Lost = peer.State(), body.ID, 0
	st.Contacts = []ContactRecord{c}
	st.enqueue(&protocol.ConnectRequest{ID: body.ID, Target: cert.Address(), Data: data}, body.ID, name, now)
	return st, nil
}

// noSession says why there can be no session with a person.
func noSession(err error, name string) error {
	switch {
	case errors.Is(err, e2e.ErrSelf):
		return &Error{Code: CodeUsage, Err: err, Text: "You cannot connect to yourself."}
	case errors.Is(err, e2e.ErrPending):
		return &Error{Code: CodeRateLimit, Err: err, Text: fmt.Sprintf("%s has been asked %d times and has not answered. Your requests wait for them at the relay; ask them by another way.", name, e2e.MaxPending)}
	case errors.Is(err, e2e.ErrVersion):
		return &Error{Code: CodeRefused, Err: err, Text: name + " has an account from before the end-to-end protocol was complete. Ask them to make a new one with the present version of chat."}
	}
	return &Error{Code: CodeRefused, Err: err, Text: "The keys that the relay shows for " + name + " cannot be used. Ask them to update chat, and tell the relay's operator."}
}

// accept agrees to a request that came in.
func (s *session) accept(name string, now time.Time) (*step, error) {
	c, err := s.contact(name)
	if err != nil || c.State == Blocked || c.State == Requested {
		return nil, &Error{Code: CodeNotFound, Text: "There is no request of " + name + " to accept. See them with: chat requests"}
	}
	if c.State == Accepted {
		return &step{}, nil
	}
	if err := c.mustLook(); err != nil {
		return nil, err
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	st := &step{}
	return st, s.acceptInto(st, c, now)
}

// acceptInto adds the answer to a request. It goes into a full outbox too, or
// a crossed request that arrives could keep the connection from emptying it.
func (s *session) acceptInto(st *step, c ContactRecord, now time.Time) error {
	body := newContent(contentAccept, "", now)
	c, sealed, err := s.seal(c, body, now)
	if err != nil {
		return err
	}
	if c.State != Accepted {
		c.State, c.Since = Accepted, now
	}
	st.Contacts = append(st.Contacts, c)
	st.enqueue(&protocol.AcceptConnection{ID: body.ID, Target: c.Certificate.Address(), Data: sealed}, body.ID, c.Name, now)
	return nil
}

// reject forgets a request that came in.
func (s *session) reject(name string, now time.Time) (*step, error) {
	c, err := s.contact(name)
	if err != nil || c.State != Incoming {
		return nil, &Error{Code: CodeNotFound, Text: "There is no request of " + name + " to reject. See them with: chat requests"}
	}
	st := &step{}
	st.forget(c, now)
	id := crypto.NewMessageID()
	st.enqueue(&protocol.RejectConnection{ID: id, Target: crypto.Username(c.Name)}, id, c.Name, now)
	return st, nil
}

// block ends the relation to a person, who need not be a contact.
func (s *session) block(name string, now time.Time) (*step, error) {
	user, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	if user == s.keys.Certificate.User {
		return nil, &Error{Code: CodeUsage, Text: "You cannot block yourself."}
	}
	c, ok := s.contacts[user]
	if ok && c.State == Blocked {
		return &step{}, nil
	}
	if !ok {
		c = ContactRecord{Contact: Contact{Name: name}}
	}
	c.State, c.Since, c.Note = Blocked, now, ""
	c.Session, c.Lost, c.Heard = nil, 0, 0
	st := &step{}
	st.Contacts = []ContactRecord{c}
	for id, it := range s.outbox { // what has not left must not arrive after the block
		if it.Contact == name {
			st.Settle = append(st.Settle, id)
			if it.Kind == kindMessage {
				s.giveUp(st, it, "you blocked "+name)
			}
		}
	}
	s.stopUploads(st, name, "you blocked "+name)
	id := crypto.NewMessageID()
	st.enqueue(&protocol.Block{ID: id, Target: user}, id, name, now)
	return st, nil
}
