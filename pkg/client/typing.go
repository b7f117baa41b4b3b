package client

import (
	"context"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// That the user is writing is worth something for TypingFor. So it is sealed and
// goes on the present connection, or it does not go: it is in no outbox, has no
// number of its own, and nobody misses it.

// hint is a sealed frame that goes now or never.
type hint struct {
	id    crypto.MessageID
	frame []byte
}

// maxHints bounds the hints that wait for the writer: one for each contact that
// a person can write to in a moment. More are dropped.
const maxHints = 16

// Typing implements Account.
func (c *Client) Typing(_ context.Context, contact string) error {
	_, err := c.do(func(s *session, now time.Time) (*step, error) { return s.typing(contact, now) })
	return err
}

// typing tells a contact that the user is writing, if they are to hear it.
func (s *session) typing(name string, now time.Time) (*step, error) {
	if isGroup(name) {
		return &step{}, nil // each of many would be told, every few seconds
	}
	c, err := s.contact(name)
	if err != nil {
		return nil, err
	}
	user := crypto.Username(name)
	if told, ok := s.typed[user]; ok && now.Sub(told).Abs() < TypingFor/2 {
		return &step{}, nil
	}
	if !s.settings.Typing || !c.Online || c.State != Accepted || c.mustLook() != nil || c.Sent == 0 {
		return &step{}, nil
	}
	body := newContent(contentTyping, "", now)
	c, sealed, err := s.seal(c, body, now)
	if err != nil {
		return nil, err
	}
	s.typed[user] = now
	st := &step{hint: &hint{body.ID, protocol.Encode(messageFrame(c, body, sealed))}}
	st.Contacts = []ContactRecord{c}
	return st, nil
}

// unhinted gives the writer the hints that wait.
func (c *Client) unhinted() []*hint {
	c.mu.Lock()
	defer c.mu.Unlock()
	hints := c.hints
	c.hints = nil
	return hints
}
