package client

import (
	"maps"
	"slices"
	"strings"
	"time"

	"secure-messaging/pkg/crypto"
)

func (m *MemStore) self() crypto.Address { return m.keys.Certificate.Address() }

func (m *MemStore) find(author crypto.Address, id crypto.MessageID) *NewMessage {
	i := slices.IndexFunc(m.messages, func(msg NewMessage) bool { return msg.Author == author && msg.ID == id.String() })
	if i < 0 {
		return nil
	}
	return &m.messages[i]
}

// change does what a commit does to messages, behind their states.
func (m *MemStore) change(ch *Changes) {
	for _, r := range ch.Rewrites {
		msg := m.find(r.Author, r.ID)
		switch {
		case msg == nil || msg.Deleted:
		case r.Deleted:
			msg.Text, msg.Edited, msg.Deleted, msg.Reactions, msg.File, msg.Sealed = "", false, true, nil, nil, nil
		default:
			msg.Text, msg.Edited = r.Text, true
		}
	}
	for _, r := range ch.Reacts {
		if msg := m.find(r.Author, r.ID); msg != nil {
			msg.Reactions = slices.DeleteFunc(slices.Clone(msg.Reactions), func(o Reaction) bool { return o.From == string(r.By) })
			if r.Emoji != "" {
				msg.Reactions = append(msg.Reactions, Reaction{string(r.By), r.Emoji})
			}
		}
	}
	for _, seen := range ch.Reads {
		if upTo := m.find(m.self(), seen.ID); upTo != nil {
			for i := range m.messages {
				if msg := &m.messages[i]; msg.Contact == seen.Contact && msg.Cursor <= upTo.Cursor && (msg.State == Stored || msg.State == Delivered) {
					msg.State = Read
				}
			}
		}
	}
	for _, h := range ch.Heard {
		h.At = time.Time{}
		m.heard[h] = true
	}
	if ch.Settings != nil {
		m.settings = *ch.Settings
	}
}

// filled is a message with the quote as it stands now.
func (m *MemStore) filled(msg NewMessage) Message {
	if msg.Reply != nil {
		q := *msg.Reply
		if i := slices.IndexFunc(m.messages, func(o NewMessage) bool { return o.Contact == msg.Contact && o.From == q.From && o.ID == q.ID }); i >= 0 {
			q.Cursor, q.Text = m.messages[i].Cursor, m.messages[i].Text
			q.Text = strings.ToValidUTF8(q.Text[:min(len(q.Text), MaxQuote)], "")
		}
		msg.Reply = &q
	}
	return msg.Message
}

// Written implements Store.
func (m *MemStore) Written(author crypto.Address, id crypto.MessageID) (Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if msg := m.find(author, id); msg != nil {
		return m.filled(*msg), nil
	}
	return Message{}, ErrNotFound
}

// Sent implements Store.
func (m *MemStore) Sent(id crypto.MessageID) (Message, error) { return m.Written(m.self(), id) }

// Place implements Store.
func (m *MemStore) Place(cursor int64) (NewMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, msg := range m.messages {
		if msg.Cursor == cursor {
			return NewMessage{m.filled(msg), msg.Author, msg.Sealed}, nil
		}
	}
	return NewMessage{}, ErrNotFound
}

// MarkRead implements Store.
func (m *MemStore) MarkRead(contact string, cursor int64, now time.Time) (marked Marked, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.messages {
		msg := &m.messages[i]
		switch {
		case msg.Contact != contact || !msg.Unread:
		case msg.Cursor > cursor:
			marked.Left++
		default:
			msg.Unread = false
			if msg.Disappear > 0 {
				msg.GoneAt = now.Add(time.Duration(msg.Disappear) * time.Second)
			}
			if isSpoken(msg.Type) {
				marked.Latest.UnmarshalText([]byte(msg.ID))
			}
		}
	}
	return marked, nil
}

// Vanish implements Store.
func (m *MemStore) Vanish(now time.Time, max int) (gone []Message, next time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.onVanish != nil {
		if err := m.onVanish(); err != nil {
			return nil, next, err
		}
	}
	due := slices.DeleteFunc(slices.Clone(m.messages), func(msg NewMessage) bool { return msg.GoneAt.IsZero() })
	slices.SortStableFunc(due, func(a, b NewMessage) int { return a.GoneAt.Compare(b.GoneAt) })
	for _, msg := range due {
		if msg.GoneAt.After(now) || len(gone) == max {
			return gone, msg.GoneAt, nil
		}
		id, _ := msg.id()
		m.heard[Heard{Author: msg.Author, ID: id}] = true
		m.messages = slices.DeleteFunc(m.messages, func(o NewMessage) bool { return o.Cursor == msg.Cursor })
		gone = append(gone, Message{Cursor: msg.Cursor, ID: msg.ID, Contact: msg.Contact, From: msg.From})
	}
	return gone, next, nil
}

// Search implements Store, as far as one word goes.
func (m *MemStore) Search(q Search) (found []Message, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, msg := range slices.Backward(m.messages) {
		if len(found) < q.Limit && (q.Contact == "" || msg.Contact == q.Contact) && (q.Before == 0 || msg.Cursor < q.Before) && strings.Contains(msg.Text, q.Find) {
			found = append(found, m.filled(msg))
		}
	}
	return found, nil
}

// Views implements Store.
func (m *MemStore) Views() ([]View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.views), func(a, b View) int { return strings.Compare(a.Contact, b.Contact) }), nil
}

// SetView implements Store.
func (m *MemStore) SetView(v View) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.views[v.Contact] = v
	if v == (View{Contact: v.Contact}) {
		delete(m.views, v.Contact)
	}
	return nil
}
