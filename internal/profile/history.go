package profile

import (
	"math"
	"slices"
	"strings"
	"time"

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
		return s.db.query(`SELECT 1 FROM messages WHERE author = ? AND id = ?`,
			func(*sqlite3.Stmt) { seen = true }, from.String(), id[:])
	})
	return seen, err
}

const selectMessages = `SELECT cursor, author, id, contact, type, text, sent_at, at, state, reason, unread FROM messages `

// History implements client.Store. There is one statement for each shape of
// the query, so that each runs over the index that fits it.
func (s *Store) History(q client.Query) (all []client.Message, err error) {
	sql := selectMessages + `WHERE cursor > ? AND cursor < ?`
	args := []any{q.After, q.Before}
	if q.Before <= 0 {
		args[1] = int64(math.MaxInt64)
	}
	if q.Contact != "" {
		sql += ` AND contact = ?`
		args = append(args, q.Contact)
	}
	if q.Incoming {
		sql += ` AND state = 'received'`
	}
	latest := q.After == 0
	if latest {
		sql += ` ORDER BY cursor DESC LIMIT ?`
	} else {
		sql += ` ORDER BY cursor LIMIT ?`
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
func (s *Store) Sent(id crypto.MessageID) (m client.Message, err error) {
	err = s.read(func() error {
		return s.db.query(selectMessages+`WHERE author = ? AND id = ?`,
			func(r *sqlite3.Stmt) { m = message(r) }, s.self, id[:])
	})
	if err == nil && m.Cursor == 0 {
		err = &client.Error{Code: client.CodeNotFound, Text: "This device has sent no message with that id. See what it has sent with: chat history"}
	}
	return m, err
}

func message(r *sqlite3.Stmt) client.Message {
	author, _, _ := strings.Cut(r.ColumnText(1), "/")
	var id crypto.MessageID
	copy(id[:], r.ColumnRawBlob(2))
	return client.Message{
		Cursor: r.ColumnInt64(0), From: author, ID: id.String(), Contact: r.ColumnText(3),
		Type: r.ColumnText(4), Text: r.ColumnText(5), SentAt: columnTime(r, 6), At: columnTime(r, 7),
		State: client.MessageState(r.ColumnText(8)), Reason: r.ColumnText(9), Unread: r.ColumnBool(10),
	}
}

// MarkRead implements client.Store.
func (s *Store) MarkRead(contact string, cursor int64, _ time.Time) (marked client.Marked, err error) {
	err = s.write(func() error {
		err := s.db.exec(`UPDATE messages SET unread = 0 WHERE contact = ? AND cursor <= ? AND unread`, contact, cursor)
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
		items, err = s.outbox(`SELECT position, id, kind, contact, stored, at, frame FROM outbox WHERE position > ? ORDER BY position LIMIT ?`, after, max)
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
		items = append(items, it)
	}, args...)
	if err != nil {
		return nil, err
	}
	return items, nil
}
