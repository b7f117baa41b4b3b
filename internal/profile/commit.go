package profile

import (
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// Commit implements client.Store. A message that is in the history already
// fails the whole: the caller has asked Seen.
func (s *Store) Commit(c *client.Changes) error {
	return s.write(func() error {
		for i := range c.Contacts {
			if err := s.putContact(&c.Contacts[i]); err != nil {
				return err
			}
		}
		for i := range c.Messages {
			if err := s.addMessage(&c.Messages[i]); err != nil {
				return err
			}
		}
		for _, change := range c.States {
			err := s.db.exec(`UPDATE messages SET state = ?, reason = ? WHERE id = ? AND author = ? AND state <> 'read'`,
				string(change.State), change.Reason, change.ID[:], s.self)
			if err != nil {
				return err
			}
		}
		if err := s.changeMessages(c); err != nil {
			return err
		}
		if err := s.changePrekeys(c); err != nil {
			return err
		}
		if err := s.changeUploads(c); err != nil {
			return err
		}
		if err := s.changeGroups(c); err != nil {
			return err
		}
		return s.changeOutbox(c)
	})
}

func (s *Store) putContact(c *client.ContactRecord) error {
	certificate, err := certificateText(c.Certificate)
	if err != nil {
		return err
	}
	offered, err := certificateText(c.Offered)
	if err != nil {
		return err
	}
	var session []byte // NULL
	if c.Session != nil {
		session = s.master.SealSecret(sessionName(c), c.Session)
	}
	return s.db.exec(`REPLACE INTO contacts(name, state, note, since, certificate, request, session, grade, offered, refused, sent, heard, lost, disappear) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.Name, string(c.State), c.Note, c.Since, certificate, c.RequestID[:], session, string(c.Grade), offered, string(c.Refused), int64(c.Sent), int64(c.Heard), c.Lost, c.Disappear)
}

// certificateText is empty for no certificate.
func certificateText(c crypto.Certificate) (string, error) {
	if c.IsZero() {
		return "", nil
	}
	text, err := c.MarshalText()
	return string(text), err
}

func (s *Store) addMessage(m *client.NewMessage) error {
	id, err := parseID(m.ID)
	if err != nil {
		return err
	}
	var replyFrom string
	var replyID []byte // NULL
	if m.Reply != nil {
		quoted, err := parseID(m.Reply.ID)
		if err != nil {
			return err
		}
		replyFrom, replyID = m.Reply.From, quoted[:]
	}
	var goneAt any // NULL
	if !m.GoneAt.IsZero() {
		goneAt = m.GoneAt
	}
	err = s.db.exec(`INSERT INTO messages(author, id, contact, type, text, sent_at, at, state, reason, unread, reply_from, reply_id, disappear, gone_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		m.Author.String(), id[:], m.Contact, m.Type, m.Text, m.SentAt, m.At, string(m.State), m.Reason, m.Unread, replyFrom, replyID, m.Disappear, goneAt)
	if err != nil {
		return err
	}
	m.Cursor = s.db.conn.LastInsertRowID()
	if m.Sealed != nil {
		if err := s.addFile(m); err != nil {
			return err
		}
	}
	if !hasWords(m.Type) {
		return nil
	}
	return s.db.index(m.Cursor, m.Contact, m.Text)
}

// hasWords reports whether messages of a type stand in the index.
func hasWords(typ string) bool { return typ == client.TypeText || typ == client.TypeFile }

func (s *Store) changeOutbox(c *client.Changes) error {
	for i := range c.Enqueue {
		it := &c.Enqueue[i]
		err := s.db.exec(`INSERT INTO outbox(id, kind, contact, stored, at, frame, message) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			it.ID[:], it.Kind, it.Contact, it.Stored, it.At, it.Frame, it.Message[:])
		if err != nil {
			return err
		}
		it.Position = s.db.conn.LastInsertRowID()
	}
	for _, id := range c.Stored {
		if err := s.db.exec(`UPDATE outbox SET stored = 1 WHERE id = ?`, id[:]); err != nil {
			return err
		}
	}
	for _, id := range c.Settle {
		if err := s.db.exec(`DELETE FROM outbox WHERE id = ?`, id[:]); err != nil {
			return err
		}
	}
	return nil
}
