package profile

import (
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// What a commit does to messages that are there already, and what it keeps of
// contents that are none.

func (s *Store) changeMessages(c *client.Changes) error {
	for _, r := range c.Rewrites {
		if err := s.rewrite(r); err != nil {
			return err
		}
	}
	for _, r := range c.Reacts {
		if err := s.react(r); err != nil {
			return err
		}
	}
	for _, r := range c.Reads {
		if err := s.markSeen(r); err != nil {
			return err
		}
	}
	for _, h := range c.Heard {
		if err := s.hear(h.ID[:], h.Author.String(), h.At); err != nil {
			return err
		}
	}
	if c.Settings == nil {
		return nil
	}
	b, err := json.Marshal(c.Settings)
	if err != nil {
		return err
	}
	return s.db.exec(`UPDATE account SET settings = ?`, string(b))
}

// rewrite gives a message other words, in the index too.
func (s *Store) rewrite(r client.Rewrite) error {
	var cursor int64
	var contact, typ, text string
	err := s.db.query(`SELECT cursor, contact, type, text FROM messages WHERE id = ? AND author = ? AND NOT deleted`,
		func(r *sqlite3.Stmt) {
			cursor, contact, typ, text = r.ColumnInt64(0), r.ColumnText(1), r.ColumnText(2), r.ColumnText(3)
		}, r.ID[:], r.Author.String())
	if err != nil || cursor == 0 {
		return err
	}
	indexed := hasWords(typ)
	if indexed {
		if err := s.db.unindex(cursor, contact, text); err != nil {
			return err
		}
	}
	if r.Deleted {
		err := s.db.exec(`UPDATE messages SET text = '', edited = 0, deleted = 1, reactions = '' WHERE cursor = ?`, cursor)
		return errors.Join(err, s.dropEdit(cursor), s.dropFile(cursor))
	}
	if indexed {
		if err := s.db.index(cursor, contact, r.Text); err != nil {
			return err
		}
	}
	return s.db.exec(`UPDATE messages SET text = ?, edited = 1 WHERE cursor = ?`, r.Text, cursor)
}

// react puts an emoji beside a message, in place of the one of the same person.
func (s *Store) react(r client.React) error {
	var there []client.Reaction
	found := false
	err := s.db.query(`SELECT reactions FROM messages WHERE id = ? AND author = ? AND NOT deleted`,
		func(row *sqlite3.Stmt) { there, found = reactions(row.ColumnRawText(0)), true }, r.ID[:], r.Author.String())
	if err != nil || !found {
		return err
	}
	there = slices.DeleteFunc(there, func(o client.Reaction) bool { return o.From == string(r.By) })
	if r.Emoji != "" {
		there = append(there, client.Reaction{From: string(r.By), Emoji: r.Emoji})
	}
	text := []byte{}
	if len(there) > 0 {
		if text, err = json.Marshal(there); err != nil {
			return err
		}
	}
	return s.db.exec(`UPDATE messages SET reactions = ? WHERE id = ? AND author = ?`, string(text), r.ID[:], r.Author.String())
}

// reactions reads the column of that name. What is in it was written by react.
func reactions(text []byte) (all []client.Reaction) {
	if len(text) == 0 || json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all
}

// markSeen moves what a contact has read to that state. Everything before the
// latest that was read is read already.
func (s *Store) markSeen(r client.Seen) error {
	var to, from int64
	err := s.db.query(`SELECT cursor FROM messages WHERE id = ? AND author = ? AND contact = ?`,
		func(row *sqlite3.Stmt) { to = row.ColumnInt64(0) }, r.ID[:], s.self, r.Contact)
	if err != nil || to == 0 {
		return err
	}
	err = s.db.query(`SELECT cursor FROM messages WHERE contact = ? AND cursor < ? AND state = 'read' ORDER BY cursor DESC LIMIT 1`,
		func(row *sqlite3.Stmt) { from = row.ColumnInt64(0) }, r.Contact, to)
	if err != nil {
		return err
	}
	return s.db.exec(`UPDATE messages SET state = 'read' WHERE contact = ? AND cursor > ? AND cursor <= ? AND state IN ('stored', 'delivered')`, r.Contact, from, to)
}

// hear keeps what is needed to know a copy.
func (s *Store) hear(id []byte, author string, at time.Time) error {
	return s.db.exec(`INSERT OR IGNORE INTO heard(id, author, at) VALUES (?, ?, ?)`, id, author, at)
}

// settings reads what the account tells others.
func (s *Store) settings() (set client.Settings, err error) {
	set = client.DefaultSettings
	var text string
	err = s.db.query(`SELECT settings FROM account`, func(r *sqlite3.Stmt) { text = r.ColumnText(0) })
	if err == nil && text != "" && json.Unmarshal([]byte(text), &set) != nil {
		err = errSealed
	}
	return set, err
}

// Vanish implements client.Store.
func (s *Store) Vanish(now time.Time, max int) (gone []client.Message, next time.Time, err error) {
	err = s.write(func() error {
		gone, next = nil, time.Time{}
		type row struct {
			author, typ, text string
			id                crypto.MessageID
		}
		var rows []row
		err := s.db.query(selectMessages+`WHERE m.gone_at IS NOT NULL AND m.gone_at <= ? ORDER BY m.gone_at, m.cursor LIMIT ?`, func(r *sqlite3.Stmt) {
			m := message(r)
			w := row{author: r.ColumnText(1), typ: m.Type, text: m.Text}
			copy(w.id[:], r.ColumnRawBlob(2))
			rows = append(rows, w)
			gone = append(gone, client.Message{Cursor: m.Cursor, ID: m.ID, Contact: m.Contact, From: m.From})
		}, now, max)
		if err != nil {
			return err
		}
		for i, m := range gone {
			if err := s.vanish(m, rows[i].typ, rows[i].text); err != nil {
				return err
			}
			if err := s.hear(rows[i].id[:], rows[i].author, now); err != nil {
				return err
			}
		}
		if err := s.db.exec(`DELETE FROM heard WHERE at < ?`, now.Add(-client.HeardFor)); err != nil {
			return err
		}
		return s.db.query(`SELECT min(gone_at) FROM messages WHERE gone_at IS NOT NULL`, func(r *sqlite3.Stmt) {
			if r.ColumnType(0) != sqlite3.NULL {
				next = columnTime(r, 0)
			}
		})
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return gone, next, nil
}

// vanish deletes a message and its words.
func (s *Store) vanish(m client.Message, typ, text string) error {
	if hasWords(typ) {
		if err := s.db.unindex(m.Cursor, m.Contact, text); err != nil {
			return err
		}
	}
	return errors.Join(s.db.exec(`DELETE FROM messages WHERE cursor = ?`, m.Cursor), s.dropEdit(m.Cursor), s.dropFile(m.Cursor))
}

// dropEdit forgets a draft of other words for a message that is gone: it began
// with those that must not stay.
func (s *Store) dropEdit(cursor int64) error {
	return s.db.exec(`DELETE FROM views WHERE edits = ?`, cursor)
}

// Views implements client.Store.
func (s *Store) Views() (all []client.View, err error) {
	err = s.read(func() error {
		return s.db.query(`SELECT contact, draft, replies, edits, top, line FROM views ORDER BY contact`, func(r *sqlite3.Stmt) {
			all = append(all, client.View{
				Contact: r.ColumnText(0), Draft: r.ColumnText(1), Replies: r.ColumnInt64(2), Edits: r.ColumnInt64(3),
				Top: r.ColumnInt64(4), Line: r.ColumnInt(5),
			})
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// SetView implements client.Store.
func (s *Store) SetView(v client.View) error {
	return s.write(func() error {
		if v == (client.View{Contact: v.Contact}) {
			return s.db.exec(`DELETE FROM views WHERE contact = ?`, v.Contact)
		}
		return s.db.exec(`REPLACE INTO views(contact, draft, replies, edits, top, line) VALUES (?, ?, ?, ?, ?, ?)`,
			v.Contact, v.Draft, v.Replies, v.Edits, v.Top, v.Line)
	})
}
