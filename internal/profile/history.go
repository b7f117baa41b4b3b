package profile

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

func parseID(text string) (id crypto.MessageID, err error) {
	if id.UnmarshalText([]byte(text)) != nil {
		err = &client.Error{Code: client.CodeInternal, Text: "chat tried to store a message without an id, which is a fault of its own."}
	}
	return id, err
}

// Seen implements client.Store.
func (s *Store) Seen(from crypto.Address, id crypto.MessageID) (seen bool, err error) {
	err = s.read(func() error {
		for _, sql := range []string{`SELECT 1 FROM messages WHERE id = ? AND author = ?`, `SELECT 1 FROM heard WHERE id = ? AND author = ?`} {
			if err := s.db.query(sql, func(*sqlite3.Stmt) { seen = true }, id[:], from.String()); err != nil || seen {
				return err
			}
		}
		return nil
	})
	return seen, err
}

// selectMessages reads messages with the beginning of what they answer, which is
// found by the name of its author: the id alone could be another's.
const selectMessages = `
	SELECT m.cursor, m.author, m.id, m.contact, m.type, m.text, m.sent_at, m.at, m.state, m.reason, m.unread,
		m.edited, m.deleted, m.reactions, m.disappear, m.gone_at, m.reply_from, m.reply_id,
		CASE WHEN m.reply_id IS NOT NULL THEN (SELECT q.cursor FROM messages q WHERE q.id = m.reply_id AND q.contact = m.contact AND q.author GLOB m.reply_from || '/*' LIMIT 1) END,
		CASE WHEN m.reply_id IS NOT NULL THEN (SELECT substr(q.text, 1, 280) FROM messages q WHERE q.id = m.reply_id AND q.contact = m.contact AND q.author GLOB m.reply_from || '/*' LIMIT 1) END,
		CASE WHEN m.type = 'file' THEN (SELECT name FROM files WHERE cursor = m.cursor) END,
		CASE WHEN m.type = 'file' THEN (SELECT size FROM files WHERE cursor = m.cursor) END,
		CASE WHEN m.type = 'file' THEN (SELECT saved FROM files WHERE cursor = m.cursor) END
	FROM messages m `

// History implements client.Store. There is one statement for each shape of
// the query, so that each runs over the index that fits it.
func (s *Store) History(q client.Query) (all []client.Message, err error) {
	sql := selectMessages + `WHERE m.cursor > ? AND m.cursor < ?`
	args := []any{q.After, q.Before}
	if q.Before <= 0 {
		args[1] = int64(math.MaxInt64)
	}
	if q.Contact != "" {
		sql += ` AND m.contact = ?`
		args = append(args, q.Contact)
	}
	if q.Incoming {
		sql += ` AND m.state = 'received'`
	}
	if q.ID != "" {
		id, err := parseID(q.ID)
		if err != nil {
			return nil, err
		}
		sql += ` AND m.id = ?`
		args = append(args, id[:])
	}
	latest := q.After == 0
	if latest {
		sql += ` ORDER BY m.cursor DESC LIMIT ?`
	} else {
		sql += ` ORDER BY m.cursor LIMIT ?`
	}
	args = append(args, q.Limit)
	err = s.read(func() error {
		return s.db.query(sql, func(r *sqlite3.Stmt) { all = append(all, message(r)) }, args...)
	})
	if err != nil {
		return nil, err
	}
	if latest {
		slices.Reverse(all)
	}
	return all, nil
}

// Sent implements client.Store.
func (s *Store) Sent(id crypto.MessageID) (client.Message, error) {
	m, err := s.written(s.self, id)
	if err == nil && m.Cursor == 0 {
		err = &client.Error{Code: client.CodeNotFound, Text: "This device has sent no message with that id. See what it has sent with: chat history"}
	}
	return m, err
}

// Written implements client.Store.
func (s *Store) Written(author crypto.Address, id crypto.MessageID) (client.Message, error) {
	m, err := s.written(author.String(), id)
	if err == nil && m.Cursor == 0 {
		err = errNoMessage
	}
	return m, err
}

var errNoMessage = &client.Error{Code: client.CodeNotFound, Text: "That message is not here, or not any more. See what is: chat history"}

func (s *Store) written(author string, id crypto.MessageID) (m client.Message, err error) {
	err = s.read(func() error {
		return s.db.query(selectMessages+`WHERE m.id = ? AND m.author = ?`,
			func(r *sqlite3.Stmt) { m = message(r) }, id[:], author)
	})
	return m, err
}

// Place implements client.Store.
func (s *Store) Place(cursor int64) (m client.NewMessage, err error) {
	err = s.read(func() error {
		var bad error
		err := s.db.query(selectMessages+`WHERE m.cursor = ?`, func(r *sqlite3.Stmt) {
			m.Message = message(r)
			bad = m.Author.UnmarshalText(r.ColumnRawText(1))
		}, cursor)
		if err == nil && m.File != nil {
			m.Sealed, err = s.sealedFile(cursor)
		}
		if err == nil && bad != nil {
			err = errSealed
		}
		return err
	})
	if err == nil && m.Cursor == 0 {
		err = errNoMessage
	}
	return m, err
}

func message(r *sqlite3.Stmt) client.Message {
	author, _, _ := strings.Cut(r.ColumnText(1), "/")
	m := client.Message{
		Cursor: r.ColumnInt64(0), From: author, ID: messageID(r, 2), Contact: r.ColumnText(3),
		Type: r.ColumnText(4), Text: r.ColumnText(5), SentAt: columnTime(r, 6), At: columnTime(r, 7),
		State: client.MessageState(r.ColumnText(8)), Reason: r.ColumnText(9), Unread: r.ColumnBool(10),
		Edited: r.ColumnBool(11), Deleted: r.ColumnBool(12), Reactions: reactions(r.ColumnRawText(13)),
		Disappear: r.ColumnInt(14),
	}
	if r.ColumnType(15) != sqlite3.NULL {
		m.GoneAt = columnTime(r, 15)
	}
	if r.ColumnType(17) != sqlite3.NULL {
		m.Reply = &client.Quote{From: r.ColumnText(16), ID: messageID(r, 17), Cursor: r.ColumnInt64(18), Text: beginning(r.ColumnText(19))}
	}
	if r.ColumnType(20) != sqlite3.NULL {
		m.File = &client.File{Name: r.ColumnText(20), Size: r.ColumnInt64(21), Saved: r.ColumnText(22)}
	}
	return m
}

func messageID(r *sqlite3.Stmt, column int) string {
	var id crypto.MessageID
	copy(id[:], r.ColumnRawBlob(column))
	return id.String()
}

// beginning cuts a text to what a quote holds, between two characters.
func beginning(text string) string {
	if len(text) <= client.MaxQuote {
		return text
	}
	end := client.MaxQuote
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// MarkRead implements client.Store.
func (s *Store) MarkRead(contact string, cursor int64, now time.Time) (marked client.Marked, err error) {
	err = s.write(func() error {
		err := s.db.query(`SELECT id FROM messages WHERE contact = ? AND cursor <= ? AND unread AND type IN ('text', 'file') ORDER BY cursor DESC LIMIT 1`,
			func(r *sqlite3.Stmt) { copy(marked.Latest[:], r.ColumnRawBlob(0)) }, contact, cursor)
		if err != nil {
			return err
		}
		err = s.db.exec(`UPDATE messages SET unread = 0, gone_at = CASE WHEN disappear > 0 THEN ? + disappear * 1000000 ELSE gone_at END WHERE contact = ? AND cursor <= ? AND unread`,
			now, contact, cursor)
		if err != nil {
			return err
		}
		return s.db.query(`SELECT count(*) FROM messages WHERE contact = ? AND unread`,
			func(r *sqlite3.Stmt) { marked.Left = r.ColumnInt(0) }, contact)
	})
	return marked, err
}

// Outbox implements client.Store.
func (s *Store) Outbox(after int64, max int) (items []client.OutboxItem, err error) {
	err = s.read(func() (err error) {
		items, err = s.outbox(`SELECT position, id, kind, contact, stored, at, frame, message FROM outbox WHERE position > ? ORDER BY position LIMIT ?`, after, max)
		return err
	})
	return items, err
}

func (s *Store) outbox(sql string, args ...any) (items []client.OutboxItem, err error) {
	err = s.db.query(sql, func(r *sqlite3.Stmt) {
		it := client.OutboxItem{
			Position: r.ColumnInt64(0), Kind: r.ColumnText(2), Contact: r.ColumnText(3),
			Stored: r.ColumnBool(4), At: columnTime(r, 5), Frame: r.ColumnBlob(6, nil),
		}
		copy(it.ID[:], r.ColumnRawBlob(1))
		copy(it.Message[:], r.ColumnRawBlob(7))
		items = append(items, it)
	}, args...)
	if err != nil {
		return nil, err
	}
	return items, nil
}
