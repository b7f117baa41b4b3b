package client

import (
	"context"
	"time"

	"secure-messaging/pkg/crypto"
)

// Read receipts: both sides tell, or neither does.

// MarkRead implements Account.
func (c *Client) MarkRead(_ context.Context, contact string, cursor int64) error {
	if isGroup(contact) {
		return c.markGroupRead(contact, cursor)
	}
	latest, err := c.markRead(contact, cursor)
	if err != nil || latest == (crypto.MessageID{}) {
		return err
	}
	_, err = c.do(func(s *session, now time.Time) (*step, error) { return s.tellRead(contact, latest, now) })
	return err
}

// markRead returns the latest message that others can be told was read.
func (c *Client) markRead(contact string, cursor int64) (latest crypto.MessageID, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.session.contact(contact)
	if err != nil || r.Unread == 0 {
		return latest, nil // nothing to clear, or someone who is no contact any more
	}
	marked, err := c.store.MarkRead(contact, cursor, time.Now())
	if err != nil {
		return latest, err
	}
	if marked.Left != r.Unread {
		r.Unread = marked.Left
		c.session.contacts[crypto.Username(contact)] = r
		c.events.publish(Event{Kind: ContactChanged, Contact: &r.Contact})
		c.hourglass.turn()
	}
	return marked.Latest, nil
}

// tellRead tells a contact what was read. Where that cannot be told, nothing is
// to be done about it.
func (s *session) tellRead(name string, latest crypto.MessageID, now time.Time) (*step, error) {
	c, err := s.talking(name)
	if err != nil || !s.settings.Receipts {
		return &step{}, nil
	}
	return s.tell(&step{}, ofTwo(c), contentRead, "", about{crypto.Username(name), latest}, now)
}

const (
	// maxReadTold bounds the messages that one receipt is told to have changed:
	// a reader who hears of it in an old conversation must not lose the rest.
	maxReadTold = MaxEvents / 8
	readPage    = 64
)

// takeRead takes a contact's word that they have read a message of this device,
// and so everything before it. It may come before the relay's that it was
// delivered, and stands for that.
func (s *session) takeRead(st *step, m Message, id crypto.MessageID) error {
	if !s.settings.Receipts || m.State == Read || m.State == Failed {
		return nil
	}
	if it, ok := s.outbox[id]; ok {
		st.Settle = []crypto.MessageID{id}
		s.move(st, it, Delivered, "")
	}
	st.Reads = []Seen{{m.Contact, id}}
	q := Query{Contact: m.Contact, Before: m.Cursor + 1, Limit: readPage}
	for n := 0; n < maxReadTold; n += readPage {
		page, err := s.stored.History(q)
		if err != nil {
			return err
		}
		for i := len(page) - 1; i >= 0; i-- {
			switch p := page[i]; p.State {
			case Read:
				return nil // and all before it
			case Stored, Delivered:
				id, err := p.id()
				if err != nil {
					return err
				}
				st.read = append(st.read, id)
			}
		}
		if len(page) < readPage {
			return nil
		}
		q.Before = page[0].Cursor
	}
	return nil
}
