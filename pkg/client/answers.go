package client

import (
	"time"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// What the relay says of the frames that this device has sent.

func (s *session) receiveReceipt(f *protocol.Receipt) *step {
	st := &step{ack: f.Seq}
	it, ok := s.outbox[f.ID]
	switch {
	case !ok: // settled before
	case !it.carried():
		st.Settle = []crypto.MessageID{f.ID}
	case f.State == protocol.ReceiptDelivered:
		st.Settle = []crypto.MessageID{f.ID}
		s.move(st, it, Delivered, "")
	case f.State == protocol.ReceiptExpired:
		st.Settle = []crypto.MessageID{f.ID}
		s.move(st, it, Failed, "it waited at the relay for as long as that keeps a message, and "+it.Contact+" was not there; send it again")
	case !it.Stored:
		st.Stored = []crypto.MessageID{f.ID}
		s.move(st, it, Stored, "")
	}
	return st
}

// quietNames are what their user calls the contents without a place in the
// history of whose failure they hear.
var quietNames = map[string]string{
	contentEdit: "edit of a message", contentDelete: "deletion of a message", contentReact: "reaction to a message",
	contentGroup: "word on who is in a group", contentLeave: "word that you have left a group",
}

// move says how far an item has come that carries a content. One without a
// place in the history has no state; its user hears of it when it fails.
func (s *session) move(st *step, it OutboxItem, to MessageState, reason string) {
	what := quietNames[it.Kind]
	switch {
	case it.Kind == kindMessage && it.Message != (crypto.MessageID{}):
		s.moveOne(st, it, to, reason)
	case it.Kind == kindMessage:
		st.States = append(st.States, StateChange{it.ID, to, reason})
	case what != "" && to == Failed:
		st.warn("Your %s has not reached %s: %s.", what, it.Contact, reason)
	}
}

func (s *session) receiveError(f *protocol.Error, now time.Time) *step {
	st := &step{}
	if f.Code == protocol.CodeRateLimited {
		return s.receiveSlow(f, now)
	}
	if f.Code.Temporary() {
		st.leave = errRelayBusy
		return st
	}
	if f.ID == nil {
		return st.warn("The relay refused what this program sent (%s). Update the older of the two.", printable(string(f.Code)))
	}
	it, ok := s.outbox[*f.ID]
	if !ok {
		return st
	}
	if it.carried() && f.Code == protocol.CodeNotContact && s.answering(it.Contact) {
		st.leave = errRelayBusy
		return st
	}
	st.Settle = []crypto.MessageID{it.ID}
	switch it.Kind {
	case kindMessage, contentEdit, contentDelete, contentReact, contentRead, contentGroup, contentLeave:
		if c := s.contacts[crypto.Username(it.Contact)]; c.State == Accepted && (f.Code == protocol.CodeNotContact || f.Code == protocol.CodeUnknownDevice && !it.At.Before(c.Certificate.Created)) {
			// So that asking anew is not passed over: the relay, or they, have lost what
			// was agreed, or they are on a device of which nothing has come yet.
			c.Lost++
			st.Contacts = append(st.Contacts, c)
		}
		s.move(st, it, Failed, refusal(f.Code, it.Contact))
	case kindRequest:
		s.retract(st, it, now)
		return st.warn("The request to %s was refused: %s.", it.Contact, refusal(f.Code, it.Contact))
	case kindAccept:
		if c := s.contacts[crypto.Username(it.Contact)]; c.State == Accepted && f.Code == protocol.CodeNoRequest {
			st.forget(c, now)
			return st.warn("%s has taken the request back.", it.Contact)
		}
		if f.Code == protocol.CodeMailboxFull || f.Code == protocol.CodeRelayFull {
			return st.warn("So much waits at the relay that your answer to %s could not be added. They learn of it with your first message.", it.Contact)
		}
	case kindPrekeys:
		return st.warn("The relay has refused new keys of this device (%s). Update the older of the two.", printable(string(f.Code)))
	case kindBlock:
		c := s.contacts[crypto.Username(it.Contact)]
		if c.State == Blocked && f.Code == protocol.CodeUnknownUser && c.Certificate.IsZero() { // who was met stays blocked, whatever the relay says
			st.forget(c, now)
			return st.warn("The relay knows nobody called %s, so nobody is blocked. Check the spelling.", it.Contact)
		}
	}
	return st
}

// receiveSlow takes the relay's wish to be sent less. A message must not be
// overtaken by those behind it, so the connection ends and all of them come
// again later. A request is for its user to make again; of prekeys, the relay
// says by itself when it lacks some.
func (s *session) receiveSlow(f *protocol.Error, now time.Time) *step {
	st := &step{}
	wish := slowFrame(f.RetryAfter)
	var it OutboxItem
	if f.ID != nil {
		it = s.outbox[*f.ID]
	}
	switch it.Kind {
	case kindRequest:
		st.Settle = []crypto.MessageID{it.ID}
		s.retract(st, it, now)
		return st.warn("The request to %s was not taken: the relay lets this device ask only so many people. Ask again %s: chat connect %s", it.Contact, wish.when(), it.Contact)
	case kindPrekeys:
		st.Settle = []crypto.MessageID{it.ID}
	default:
		st.leave = wish
	}
	return st
}

// retract takes back a request that the relay has refused, and the session
// that it would have begun.
func (s *session) retract(st *step, it OutboxItem, now time.Time) {
	c := s.contacts[crypto.Username(it.Contact)]
	if c.RequestID != it.ID {
		return // a newer one is on its way
	}
	if peer, err := e2e.Restore(c.Session); err == nil {
		c.Session = peer.Retract().State()
	}
	if c.State == Requested {
		st.forget(c, now)
	} else {
		st.Contacts = append(st.Contacts, c)
	}
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
	case protocol.CodeUnknownUser:
		return "the relay does not know " + contact + " any more"
	case protocol.CodeUnknownDevice:
		return contact + " has a new device; send it again once they have been there, or ask them anew: chat connect " + contact
	case protocol.CodeBlocked:
		return "you have blocked " + contact
	case protocol.CodeMailboxFull:
		return "too much waits for " + contact + " at the relay already; send it again when they have been there"
	case protocol.CodeRelayFull:
		return "the relay has no room for more that waits; send it again later, or tell its operator"
	case protocol.CodeTooLarge:
		return "the relay found it too large"
	}
	return "the relay refused it (" + printable(string(code)) + ")"
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
