package client

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"

	"secure-messaging/pkg/crypto"
)

// samePin reports whether a certificate is under the pinned account key, or
// there is no pin.
func samePin(c ContactRecord, cert crypto.Certificate) bool {
	return c.Certificate.IsZero() || c.Certificate.Account == cert.Account
}

// pin takes a certificate whose account key is the pinned one, or the first.
func (c *ContactRecord) pin(cert crypto.Certificate) {
	if !bytes.Equal(c.Certificate.Raw(), cert.Raw()) {
		c.Heard, c.Lost = 0, 0 // another device counts anew
	}
	c.Name = string(cert.User)
	c.Certificate, c.Fingerprint = cert, string(cert.Account.Fingerprint())
	if c.Grade == "" {
		c.Grade = Pinned
	}
	c.grade()
}

// grade brings the trust that is shown in line with what is stored.
func (c *ContactRecord) grade() {
	c.Trust = c.Grade
	if !c.Offered.IsZero() {
		c.Trust = Changed
	}
}

// mustLook refuses to go on with a contact in whose name another key was shown
// before the user has looked at it.
func (c *ContactRecord) mustLook() error {
	if c.Trust != Changed {
		return nil
	}
	return &Error{Code: CodePeerChanged, Text: fmt.Sprintf("Another key has been shown in the name of %s. Nothing new is sent until you have decided: chat verify %s", c.Name, c.Name)}
}

// offer keeps a certificate under another account key than the pinned one for
// the user to look at, and returns what to tell them. One that they have
// refused is not offered again.
func (st *step) offer(c ContactRecord, cert crypto.Certificate) error {
	got := cert.Account.Fingerprint()
	if got == c.Refused {
		return &Error{Code: CodePeerChanged, Text: fmt.Sprintf("For %s the relay goes on showing the key that you have refused (%s). Ask its operator, and %s by another way. To look at it again: chat verify %s --unverify", c.Name, got, c.Name, c.Name)}
	}
	if c.Offered.IsZero() || c.Offered.Account != cert.Account {
		c.Offered = cert
		c.grade()
		st.Contacts = append(st.Contacts, c)
	}
	return &Error{Code: CodePeerChanged, Text: fmt.Sprintf(
		"Another key (%s) is shown for %s than the one you know (%s). Somebody may be posing as %s. Nothing new is sent until you have decided: chat verify %s",
		got, c.Name, c.Fingerprint, c.Name, c.Name)}
}

// pinned returns a person of whom a key is known.
func (s *session) pinned(name string) (ContactRecord, error) {
	user, err := ParseName(name)
	if err != nil {
		return ContactRecord{}, err
	}
	if user == s.keys.Certificate.User {
		return ContactRecord{}, &Error{Code: CodeUsage, Text: "That is you. Name somebody else."}
	}
	c, ok := s.contacts[user]
	if !ok || c.Certificate.IsZero() {
		return c, &Error{Code: CodeNotContact, Text: fmt.Sprintf("No key of %s is known. Ask first: chat connect %s", name, name)}
	}
	return c, nil
}

// safety is what two people compare.
func (s *session) safety(name string) (Safety, error) {
	c, err := s.pinned(name)
	if err != nil {
		return Safety{}, err
	}
	own := s.keys.Certificate
	f := Safety{
		Name: c.Name, Trust: c.Trust,
		Number: crypto.SafetyNumber(own, c.Certificate), QR: crypto.SafetyQR(own, c.Certificate),
	}
	if !c.Offered.IsZero() {
		f.Offered, f.OfferedQR = crypto.SafetyNumber(own, c.Offered), crypto.SafetyQR(own, c.Offered)
	}
	return f, nil
}

// trust writes down what the user has decided about a contact's key.
func (s *session) trust(name string, d Decision, number string, now time.Time) (*step, error) {
	c, err := s.pinned(name)
	if err != nil {
		return nil, err
	}
	f, err := s.safety(name)
	if err != nil {
		return nil, err
	}
	about := f.Number
	if d == TakeKey {
		about = f.Offered
	}
	if about == "" || digits(number) != about {
		return nil, &Error{Code: CodeConflict, Text: fmt.Sprintf("That is not the safety number in force with %s now. Look again: chat verify %s", name, name)}
	}
	st := &step{}
	switch d {
	case MarkVerified, MarkPinned:
		if err := c.mustLook(); err != nil {
			return nil, err
		}
		c.Grade = Verified
		if d == MarkPinned {
			c.Grade, c.Refused = Pinned, "" // what was refused may be looked at again
		}
	case KeepKey:
		if !c.Offered.IsZero() {
			c.Refused, c.Offered = c.Offered.Account.Fingerprint(), crypto.Certificate{}
		}
	case TakeKey:
		s.takeKey(st, &c, now)
	default:
		return nil, &Error{Code: CodeUsage, Text: "That is no decision about a key."}
	}
	c.grade()
	st.Contacts = []ContactRecord{c}
	return st, nil
}

// takeKey pins the key that was offered. What was sealed to the old one and
// has not left goes nowhere: to seal it to the new one is for its author to
// ask.
func (s *session) takeKey(st *step, c *ContactRecord, now time.Time) {
	for id, it := range s.outbox {
		if it.Contact != c.Name || it.Stored || it.Kind == kindBlock {
			continue
		}
		st.Settle = append(st.Settle, id)
		if it.Kind == kindMessage {
			s.giveUp(st, it, "the key of "+c.Name+" has changed; send it again if they shall have it")
		}
	}
	cert := c.Offered
	c.Offered, c.Refused, c.Grade, c.Session = crypto.Certificate{}, "", Pinned, nil
	if c.State != Blocked {
		c.State, c.Since, c.Note = Known, now, ""
	}
	c.pin(cert)
}

// digits reads a number as a person may have typed it.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}
