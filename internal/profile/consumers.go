package profile

import (
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
)

// Consumers implements client.Store.
func (s *Store) Consumers() (all []client.Consumer, err error) {
	err = s.read(func() error {
		return s.db.query(`SELECT name, cursor, at FROM consumers ORDER BY name`, func(r *sqlite3.Stmt) {
			all = append(all, client.Consumer{Name: r.ColumnText(0), Cursor: r.ColumnInt64(1), At: columnTime(r, 2)})
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Ack implements client.Store. Cursors that were given are counted by SQLite, so
// that one of a message which has disappeared counts, too.
func (s *Store) Ack(consumer string, cursor int64, now time.Time) error {
	return s.write(func() error {
		var given int64
		err := s.db.query(`SELECT seq FROM sqlite_sequence WHERE name = 'messages'`, func(r *sqlite3.Stmt) { given = r.ColumnInt64(0) })
		if err == nil && cursor > given {
			err = &client.Error{Code: client.CodeNotFound, Text: fmt.Sprintf("No message has the cursor %d yet. A consumer acks the cursor of a message that it was given.", cursor)}
		}
		if err != nil {
			return err
		}
		return s.db.exec(`INSERT INTO consumers(name, cursor, at) VALUES (?, ?, ?) ON CONFLICT(name) DO UPDATE SET cursor = max(cursor, excluded.cursor), at = excluded.at`,
			consumer, cursor, now)
	})
}

// DropConsumer implements client.Store.
func (s *Store) DropConsumer(name string) error {
	return s.write(func() error { return s.db.exec(`DELETE FROM consumers WHERE name = ?`, name) })
}
