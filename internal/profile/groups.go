package profile

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
)

// Groups, and how far messages to them have come. Their conversations are those
// of the other tables, under names that no contact can have.

func (s *Store) changeGroups(c *client.Changes) error {
	for i := range c.Groups {
		if err := s.putGroup(&c.Groups[i]); err != nil {
			return err
		}
	}
	for _, f := range c.Fanouts {
		var err error
		if f.Done() {
			err = s.db.exec(`DELETE FROM fanouts WHERE message = ?`, f.Message[:])
		} else {
			err = s.db.exec(`REPLACE INTO fanouts(message, waiting, stored, delivered, failed, reason) VALUES (?, ?, ?, ?, ?, ?)`,
				f.Message[:], f.Waiting, f.Stored, f.Delivered, f.Failed, f.Reason)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) putGroup(g *client.GroupRecord) error {
	var texts [3]string
	for i, v := range []any{&g.Roster, g.Outside, g.Doubted} {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		texts[i] = string(b)
	}
	return s.db.exec(`INSERT INTO groups(name, id, state, since, roster, outside, doubted) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT(name) DO UPDATE SET state = excluded.state, since = excluded.since, roster = excluded.roster, outside = excluded.outside, doubted = excluded.doubted`,
		g.Name, g.Roster.ID[:], string(g.State), g.Since, texts[0], texts[1], texts[2])
}

// groups reads all of them, with their unread marks as contacts does.
func (s *Store) groups() (all []client.GroupRecord, err error) {
	var bad error
	err = s.db.query(`
		SELECT name, state, since, roster, outside, doubted,
			(SELECT count(*) FROM messages WHERE contact = name AND unread),
			(SELECT at FROM messages WHERE contact = name ORDER BY cursor DESC LIMIT 1)
		FROM groups ORDER BY name`,
		func(r *sqlite3.Stmt) {
			g := client.GroupRecord{Name: r.ColumnText(0), State: client.GroupState(r.ColumnText(1)), Since: columnTime(r, 2), Unread: r.ColumnInt(6)}
			for i, v := range []any{&g.Roster, &g.Outside, &g.Doubted} {
				if json.Unmarshal(r.ColumnRawText(3+i), v) != nil {
					bad = errSealed
				}
			}
			if r.ColumnType(7) != sqlite3.NULL {
				g.LastAt = columnTime(r, 7)
			}
			all = append(all, g)
		})
	return all, errors.Join(err, bad)
}

func (s *Store) fanouts() (all []client.Fanout, err error) {
	err = s.db.query(`SELECT message, waiting, stored, delivered, failed, reason FROM fanouts`, func(r *sqlite3.Stmt) {
		f := client.Fanout{Waiting: r.ColumnInt(1), Stored: r.ColumnInt(2), Delivered: r.ColumnInt(3), Failed: r.ColumnInt(4), Reason: r.ColumnText(5)}
		copy(f.Message[:], r.ColumnRawBlob(0))
		all = append(all, f)
	})
	return all, err
}
