package client

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// receive takes a frame of the relay on an authenticated connection. An error
// means that the store could not be asked; the frame must come again.
func (s *session) receive(f protocol.Frame, now time.Time) (*step, error) {
	switch f := f.(type) {
	case *protocol.ConnectionRequest:
		return s.receiveRequest(f, now)
	case *protocol.ConnectionAccepted:
		return s.receiveAccepted(f, now)
	case *protocol.EncryptedMessage:
		return s.receiveMessage(f, now)
	case *protocol.PrekeyStock:
		return s.maintain(&stock{f.Signed, f.OneTime}, now)
	case *protocol.Receipt:
		return s.receiveReceipt(f), nil
	case *protocol.Error:
		return s.receiveError(f, now), nil
	case *protocol.CaughtUp:
		return &step{caughtUp: true}, nil
	}
	return &step{}, nil // a challenge out of place; the next login will tell
}

func (s *session) receiveRequest(f *protocol.ConnectionRequest, now time.Time) (*step, error) {
	st := &step{ack: f.Seq}
	c, known := s.contacts[f.From.User]
	if known && c.State == Blocked {
		return st, nil
	}
	signed, ephemeral, ok := e2e.EphemeralOf(f.Data)
	if !ok || f.From.User == s.keys.Certificate.User {
		return st.warn(notOpened, f.From.User), nil
	}
	seen, count, err := s.stored.Handshakes(signed, ephemeral)
	if err != nil {
		return nil, err
	}
	switch {
	case seen:
		return st, nil // a copy
	case count >= maxHandshakes:
		return st.warn("So many requests have come that one more, of %s, was dropped. They can ask again in an hour.", f.From.User), nil
	case (!known || c.State == Known) && s.incoming() >= MaxRequests:
		return st.warn("%d requests wait for an answer; one more, of %s, was dropped. Answer some: chat requests", MaxRequests, f.From.User), nil
	}
	r, body, err := s.openRequest(f, now)
	switch {
	case errors.Is(err, errNotOpened):
		return st.warn(notOpened, f.From.User), nil
	case err != nil:
		return nil, err
	}
	st.AddHandshakes = []Handshake{{r.Signed, r.Ephemeral}}
	if r.OneTime != 0 {
		st.DropPrekeys = []crypto.PrekeyID{r.OneTime}
	}
	if known && !samePin(c, r.Certificate) {
		return st.warn("%s", st.offer(c, r.Certificate)), nil
	}
	if known && r.Certificate.Created.Before(c.Certificate.Created) {
		return st.warn("A request of %s came from a device that they have replaced, and was refused.", c.Name), nil
	}
	return st, s.takeRequest(st, c, r, body, f.ID, now)
}

const notOpened = "A request in the name of %s could not be opened, and was refused. If you expected one, ask them by another way, and let them ask again."

var errNotOpened = errors.New("the request cannot be opened")

// openRequest opens a request and checks that it is what the relay says it is.
// errNotOpened covers everything that is wrong with it; any other error is the
// store's.
func (s *session) openRequest(f *protocol.ConnectionRequest, now time.Time) (e2e.Request, content, error) {
	find := &secrets{stored: s.stored}
	r, err := e2e.Answer(s.local(), find, f.Data, now)
	if find.err != nil {
		return r, content{}, find.err
	}
	if err != nil {
		return r, content{}, errNotOpened
	}
	body, err := parseContent(r.Text)
	if err != nil || body.Type != contentRequest || body.ID != f.ID || r.Certificate.Address() != f.From {
		return r, content{}, errNotOpened
	}
	return r, body, nil
}

// takeRequest goes on from a request of somebody who may ask.
func (s *session) takeRequest(st *step, c ContactRecord, r e2e.Request, body content, id crypto.MessageID, now time.Time) error {
	peer, err := e2e.Restore(c.Session)
	if err != nil {
		peer = e2e.Session{} // damaged: nothing of it can be used again
	}
	if c.State == "" || c.State == Known {
		c.State, c.Since, c.Note = Incoming, now, ""
	}
	again := c.State == Accepted
	elsewhere := again && c.Certificate.Device != r.Certificate.Device
	c.pin(r.Certificate)
	c.Session = peer.Join(s.local(), r).State()
	missing := c.heard(body.N)
	if body.Body != "" || c.State != Incoming { // asked again in silence: they said who they are before
		c.Note = body.Body
	}
	if c.State == Incoming {
		c.RequestID = id
		st.Contacts = append(st.Contacts, c)
		return nil
	}
	if c.Trust == Changed {
		st.Contacts = append(st.Contacts, c)
		return nil // the user has to look first
	}
	// Both asked, or they ask again after we accepted: the answer is known.
	if err := s.acceptInto(st, c, now); err != nil {
		st.warn("The request of %s cannot be answered. %s", c.Name, err)
	}
	if again {
		s.decreeAgain(st, c, now)
	}
	if again && missing > 0 {
		st.Messages = append(st.Messages, gap(&c, missing, now))
	}
	switch {
	case elsewhere:
		st.warn("%s has a new device. Their account's key is the one that you know, so there is nothing to compare again.", c.Name)
	case again:
		st.warn("%s has begun a new session with you, as after something was lost. If you did not expect it, compare safety numbers: chat verify %s", c.Name, c.Name)
	}
	return nil
}

// incoming counts the requests that wait for an answer of the user.
func (s *session) incoming() (n int) {
	for _, c := range s.contacts {
		if c.State == Incoming {
			n++
		}
	}
	return n
}

func (s *session) receiveAccepted(f *protocol.ConnectionAccepted, now time.Time) (*step, error) {
	st := &step{ack: f.Seq}
	c, ok := s.contacts[f.From.User]
	if !ok || c.State != Requested && c.State != Accepted || c.Certificate.Address() != f.From {
		return st, nil // not asked for
	}
	next, body, missing, err := open(c, f.Data, f.ID, now)
	if err != nil || body.Type != contentAccept {
		if c.State == Accepted {
			return st, nil // a copy
		}
		return st.warn("An answer in the name of %s could not be opened, and was refused. Ask them by another way whether they have accepted.", c.Name), nil
	}
	if c.State == Requested {
		next.State, next.Since = Accepted, now
	}
	st.Contacts = []ContactRecord{next}
	if missing > 0 {
		st.Messages = []NewMessage{gap(&c, missing, now)}
	}
	return st, nil
}

func (s *session) receiveMessage(f *protocol.EncryptedMessage, now time.Time) (*step, error) {
	st := &step{ack: f.Seq}
	c, ok := s.contacts[f.From.User]
	if (!ok || c.State == Known) && f.From.User != s.keys.Certificate.User {
		// As after a profile was put back from before they were accepted.
		return st.warn("%s writes to you as to a contact, and is none here; it cannot be read. If you know of it, ask them: chat connect %s", f.From.User, f.From.User), nil
	}
	if !ok || c.State != Accepted && c.State != Requested || c.Certificate.Address() != f.From {
		return st, nil // the relay should have kept it; nobody else's words are shown
	}
	seen, err := s.stored.Seen(f.From, f.ID)
	if err != nil {
		return nil, err
	}
	if seen {
		return st, nil
	}
	m := NewMessage{Author: f.From, Message: Message{ID: f.ID.String(), Contact: c.Name, From: c.Name, At: now, State: Received, Unread: true}}
	next, body, missing, err := open(c, f.Data, f.ID, now)
	late := err == nil && body.N <= c.Heard
	if err == nil && !body.between(f.From.User, s.keys.Certificate.User) {
		err = errContent
	}
	if err != nil && c.State == Requested {
		return st, nil
	}
	if err == nil && c.State == Requested {
		next.State, next.Since = Accepted, now // whoever writes to us has accepted; the answer itself was lost
	}
	if err != nil {
		// Keeping its place tells the user that something was said and lost.
		m.Type, m.SentAt = TypeUnreadable, sane(int64(f.Time))
		if !errors.Is(err, errContent) {
			next.Lost++
		}
	}
	if missing > 0 {
		st.Messages = append(st.Messages, gap(&c, missing, now))
	}
	if err == nil && body.Group != nil || err == nil && body.Type == contentGroup {
		st.Contacts = []ContactRecord{next}
		return st, s.takeGrouped(st, next, body, m, late, now)
	}
	if err == nil && quiet(body.Type) {
		st.Contacts = []ContactRecord{next}
		return st, s.takeQuiet(st, next, body, late, now)
	}
	if err == nil {
		m.take(body)
		m.takeFile(body)
		if body.Type == contentTimer && !late {
			next.Disappear, _ = parseTimer(body.Body)
		}
	}
	st.Contacts = []ContactRecord{next}
	st.Messages = append(st.Messages, m)
	return st, nil
}

// open opens what a contact sealed and returns the record to store, and how
// many contents in front of it have not come. errContent says that it did open
// and holds what no message may; the record is then one step further all the
// same. After any other error the record is as it was.
func open(c ContactRecord, sealed []byte, id crypto.MessageID, now time.Time) (_ ContactRecord, _ content, missing int, err error) {
	peer, err := e2e.Restore(c.Session)
	if err != nil {
		return c, content{}, 0, err
	}
	opened, peer, err := peer.Open(sealed, now)
	if err != nil {
		return c, content{}, 0, err
	}
	c.Session = peer.State()
	body, err := parseContent(opened.Text)
	clear(opened.Text)
	if err != nil {
		c.Lost++ // of unknown number
		return c, content{}, 0, err
	}
	if body.Type != contentTyping { // it bears the number of the one before it
		missing = c.heard(body.N)
	}
	if body.ID != id { // or the relay could make one message look like two
		err = errContent
	}
	return c, body, missing, err
}

// maxMissing bounds the gap that is said: a contact can write any number.
const maxMissing = 100_000

// heard notes the number of a content and returns how many in front of it have
// not come, but for those that came and could not be opened. The first that is
// heard in a relation begins the count.
func (c *ContactRecord) heard(n uint64) (missing int) {
	if n <= c.Heard {
		return 0 // late
	}
	if c.Heard > 0 {
		missing = max(0, int(min(n-c.Heard-1, maxMissing))-c.Lost)
	}
	c.Heard, c.Lost = n, 0
	return missing
}

// gap is what stands in the history for messages that have not come.
func gap(c *ContactRecord, missing int, now time.Time) NewMessage {
	return NewMessage{Author: c.Certificate.Address(), Message: Message{
		ID: crypto.NewMessageID().String(), Contact: c.Name, From: c.Name, Type: TypeMissing, Text: strconv.Itoa(missing),
		SentAt: now, At: now, State: Received, Unread: true,
	}}
}

func (st *step) warn(format string, args ...any) *step {
	st.warnings = append(st.warnings, fmt.Sprintf(format, args...))
	return st
}
