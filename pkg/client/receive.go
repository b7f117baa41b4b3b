package client

import (
	"fmt"
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
	case *protocol.Receipt:
		return s.receiveReceipt(f), nil
	case *protocol.Error:
		return s.receiveError(f, now), nil
	}
	return &step{}, nil // a challenge out of place; the next login will tell
}

func (s *session) receiveRequest(f *protocol.ConnectionRequest, now time.Time) (*step, error) {
	st := &step{ack: f.Seq}
	cert := f.Certificate
	if cert.Address() != f.From || cert.Relay != s.keys.Relay || cert.User == s.keys.Certificate.User {
		return st.warn("A request in the name of %s came with a certificate that is not theirs, and was refused. If you expected one, ask them by another way.", f.From.User), nil
	}
	c, known := s.contacts[cert.User]
	if known && c.State == Blocked {
		return st, nil
	}
	if known && samePin(c, cert) != nil {
		return st.warn("A request came in the name of %s with another key than the one you know, and was refused. Ask %s by another way.", c.Name, c.Name), nil
	}
	if (!known || c.State == Known) && s.incoming() >= MaxRequests {
		return st.warn("%d requests wait for an answer; one more, of %s, was dropped. Answer some: chat requests", MaxRequests, f.From.User), nil
	}
	peer, err := e2e.New(s.local(), cert)
	if err != nil {
		return st.warn("A request in the name of %s came with keys that cannot be used, and was refused. If you expected one, ask them to update chat.", cert.User), nil
	}
	body, peer, err := openContent(peer, f.Data, f.ID)
	if err != nil || body.Type != contentRequest {
		return st.warn("A request in the name of %s could not be opened, and was refused. If you expected one, ask them by another way.", f.From.User), nil
	}
	if known && c.RequestID == f.ID {
		return st, nil // a second copy
	}
	if !known || c.State == Known {
		c = ContactRecord{
			Contact:     Contact{Name: string(cert.User), State: Incoming, Fingerprint: string(cert.Account.Fingerprint()), Since: now},
			Certificate: cert, Session: peer.State(),
		}
	}
	if body.Body != "" || c.State != Incoming { // asked again in silence: they said who they are before
		c.Note = body.Body
	}
	if c.State == Incoming {
		c.RequestID = f.ID
		st.Contacts = []ContactRecord{c}
		return st, nil
	}
	// Both asked, or they ask again after we accepted: the answer is known.
	if err := s.acceptInto(st, c, now); err != nil {
		return st.warn("The request of %s cannot be answered. %s", c.Name, err), nil
	}
	return st, nil
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
	if !ok || c.State != Requested || c.Certificate.Address() != f.From {
		return st, nil // crossed, a second copy, or not asked for
	}
	c, body, err := s.open(c, f.Data, f.ID)
	if err != nil || body.Type != contentAccept {
		return st.warn("An answer in the name of %s could not be opened, and was refused. Ask them by another way whether they have accepted.", c.Name), nil
	}
	c.State, c.Since = Accepted, now
	st.Contacts = []ContactRecord{c}
	return st, nil
}

func (s *session) receiveMessage(f *protocol.EncryptedMessage, now time.Time) (*step, error) {
	st := &step{ack: f.Seq}
	c, ok := s.contacts[f.From.User]
	if !ok || c.State != Accepted && c.State != Requested || c.Certificate.Address() != f.From {
		return st, nil // the relay should have kept it; nobody else's words are shown
	}
	seen, err := s.seen(f.From, f.ID)
	if err != nil {
		return nil, err
	}
	if seen {
		return st, nil
	}
	m := Message{ID: f.ID.String(), Contact: c.Name, From: c.Name, At: now, State: Received, Unread: true}
	next, body, err := s.open(c, f.Data, f.ID)
	unreadable := err != nil || body.Type == contentRequest || body.Type == contentAccept
	if c.State == Requested {
		if unreadable {
			return st, nil
		}
		// Whoever writes to us has accepted; the answer itself was lost.
		next.State, next.Since = Accepted, now
	}
	if unreadable {
		// Keeping its place tells the user that something was said and lost.
		m.Type, m.SentAt = TypeUnreadable, sane(int64(f.Time))
	} else {
		m.Type, m.SentAt = body.Type, body.sentAt()
		if body.Type == TypeText {
			m.Text = body.Body
		}
		st.Contacts = []ContactRecord{next}
	}
	st.Messages = []NewMessage{{Message: m, Author: f.From}}
	return st, nil
}

// open opens what a contact sealed and returns the record to store.
func (s *session) open(c ContactRecord, sealed []byte, id crypto.MessageID) (ContactRecord, content, error) {
	peer, err := e2e.Restore(s.local(), c.Certificate, c.Session)
	if err != nil {
		return c, content{}, err
	}
	body, peer, err := openContent(peer, sealed, id)
	if err != nil {
		return c, content{}, err
	}
	c.Session = peer.State()
	return c, body, nil
}

// openContent opens and parses; the id inside must be the one outside, or the
// relay could make one message look like two.
func openContent(peer e2e.Session, sealed []byte, id crypto.MessageID) (content, e2e.Session, error) {
	text, next, err := peer.Open(sealed)
	if err != nil {
		return content{}, nil, err
	}
	body, err := parseContent(text)
	if err != nil {
		return content{}, nil, err
	}
	if body.ID != id {
		return content{}, nil, errContent
	}
	return body, next, nil
}

func (s *session) receiveReceipt(f *protocol.Receipt) *step {
	st := &step{ack: f.Seq}
	it, ok := s.outbox[f.ID]
	switch {
	case !ok: // settled before
	case it.Kind != kindMessage:
		st.Settle = []crypto.MessageID{f.ID}
	case f.State == protocol.ReceiptDelivered:
		st.Settle = []crypto.MessageID{f.ID}
		st.States = []StateChange{{ID: f.ID, State: Delivered}}
	case !it.Stored:
		st.Stored = []crypto.MessageID{f.ID}
		st.States = []StateChange{{ID: f.ID, State: Stored}}
	}
	return st
}

func (s *session) receiveError(f *protocol.Error, now time.Time) *step {
	st := &step{}
	if f.Code.Temporary() {
		st.retry = true
		return st
	}
	if f.ID == nil {
		return st.warn("The relay refused what this program sent (%s). Update the older of the two.", printable(string(f.Code)))
	}
	it, ok := s.outbox[*f.ID]
	if !ok {
		return st
	}
	if it.Kind == kindMessage && f.Code == protocol.CodeNotContact && s.answering(it.Contact) {
		st.retry = true
		return st
	}
	st.Settle = []crypto.MessageID{it.ID}
	switch it.Kind {
	case kindMessage:
		st.States = []StateChange{{ID: it.ID, State: Failed, Reason: refusal(f.Code, it.Contact)}}
	case kindRequest:
		if c := s.contacts[crypto.Username(it.Contact)]; c.State == Requested {
			st.forget(c, now)
		}
		return st.warn("The request to %s was refused: %s.", it.Contact, refusal(f.Code, it.Contact))
	case kindAccept:
		if c := s.contacts[crypto.Username(it.Contact)]; c.State == Accepted && f.Code == protocol.CodeNoRequest {
			st.forget(c, now)
			return st.warn("%s has taken the request back.", it.Contact)
		}
		if f.Code == protocol.CodeMailboxFull {
			return st.warn("So much waits for %s that your answer could not be added. They learn of it with your first message.", it.Contact)
		}
	case kindBlock:
		if c := s.contacts[crypto.Username(it.Contact)]; c.State == Blocked && f.Code == protocol.CodeUnknownUser {
			st.forget(c, now)
			return st.warn("The relay knows nobody called %s, so nobody is blocked. Check the spelling.", it.Contact)
		}
	}
	return st
}

// answering reports whether our answer to a contact's request is still on its
// way: until the relay has it, messages behind it are refused.
func (s *session) answering(contact string) bool {
	for _, it := range s.outbox {
		if it.Kind == kindAccept && it.Contact == contact {
			return true
		}
	}
	return false
}

// refusal says to the user why the relay did not take something.
func refusal(code protocol.Code, contact string) string {
	switch code {
	case protocol.CodeNotContact:
		return contact + " does not have you as a contact any more"
	case protocol.CodeUnknownUser, protocol.CodeUnknownDevice:
		return "the relay does not know " + contact + " any more"
	case protocol.CodeBlocked:
		return "you have blocked " + contact
	case protocol.CodeMailboxFull:
		return "too much waits for " + contact + " at the relay already; send it again when they have been there"
	case protocol.CodeTooLarge:
		return "the relay found it too large"
	}
	return "the relay refused it (" + printable(string(code)) + ")"
}

func (st *step) warn(format string, args ...any) *step {
	st.warnings = append(st.warnings, fmt.Sprintf(format, args...))
	return st
}

// printable keeps a relay's words from reaching a terminal as anything but
// words, and few of them.
func printable(s string) string {
	b := []byte(s[:min(len(s), protocol.MaxErrorText)])
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
