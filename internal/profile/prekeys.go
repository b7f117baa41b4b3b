package profile

import (
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// prekeyName binds a sealed prekey to its id.
func prekeyName(id crypto.PrekeyID) string {
	return "prekey " + strconv.FormatUint(uint64(id), 10)
}

func insertPrekey(db *database, master *keyfile.Master, k crypto.PrekeyPrivate) error {
	text, err := k.MarshalText()
	if err != nil {
		return err
	}
	defer clear(text)
	return db.exec(`INSERT INTO prekeys(id, kind, created, secret) VALUES (?, ?, ?, ?)`,
		int64(k.ID), int(k.Kind), k.Created, master.SealSecret(prekeyName(k.ID), text))
}

// changePrekeys makes the changes of one Commit.
func (s *Store) changePrekeys(c *client.Changes) error {
	for _, k := range c.AddPrekeys {
		if err := insertPrekey(s.db, s.master, k); err != nil {
			return err
		}
	}
	for _, k := range c.ReplacePrekeys {
		if err := s.db.exec(`UPDATE prekeys SET replaced = ? WHERE id = ?`, k.Replaced, int64(k.ID)); err != nil {
			return err
		}
	}
	for _, h := range c.AddHandshakes {
		if err := s.db.exec(`INSERT INTO handshakes(prekey, ephemeral) VALUES (?, ?)`, int64(h.Signed), h.Ephemeral.Bytes()); err != nil {
			return err
		}
	}
	for _, id := range c.DropPrekeys {
		if err := s.db.exec(`DELETE FROM prekeys WHERE id = ?`, int64(id)); err != nil {
			return err
		}
		if err := s.db.exec(`DELETE FROM handshakes WHERE prekey = ?`, int64(id)); err != nil {
			return err
		}
	}
	return nil
}

// prekeys reads what is there, without the secrets, and the highest id that
// was ever given.
func (s *Store) prekeys() (all []client.PrekeyInfo, highest crypto.PrekeyID, err error) {
	err = s.db.query(`SELECT id, kind, created, replaced FROM prekeys ORDER BY id`, func(r *sqlite3.Stmt) {
		k := client.PrekeyInfo{ID: crypto.PrekeyID(r.ColumnInt64(0)), Kind: crypto.PrekeyKind(r.ColumnInt(1)), Created: columnTime(r, 2)}
		if r.ColumnType(3) != sqlite3.NULL {
			k.Replaced = columnTime(r, 3)
		}
		all = append(all, k)
	})
	if err != nil {
		return nil, 0, err
	}
	err = s.db.query(`SELECT seq FROM sqlite_sequence WHERE name = 'prekeys'`, func(r *sqlite3.Stmt) {
		highest = crypto.PrekeyID(r.ColumnInt64(0))
	})
	return all, highest, err
}

// Prekey implements client.Store.
func (s *Store) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (k crypto.PrekeyPrivate, err error) {
	var sealed []byte
	err = s.read(func() error {
		err := s.db.query(`SELECT secret FROM prekeys WHERE id = ? AND kind = ?`, func(r *sqlite3.Stmt) {
			sealed = r.ColumnBlob(0, nil)
		}, int64(id), int(kind))
		if err != nil || sealed == nil {
			return err
		}
		text, err := s.master.OpenSecret(prekeyName(id), sealed)
		if err != nil || k.UnmarshalText(text) != nil || k.ID != id || k.Kind != kind {
			return errSealed
		}
		clear(text)
		return nil
	})
	if err == nil && sealed == nil {
		err = &client.Error{Code: client.CodeNotFound, Text: "This device has no such prekey (any more)."}
	}
	return k, err
}

// Handshakes implements client.Store.
func (s *Store) Handshakes(signed crypto.PrekeyID, ephemeral crypto.BoxPublic) (seen bool, count int, err error) {
	err = s.read(func() error {
		return s.db.query(`SELECT count(*), coalesce(sum(ephemeral = ?), 0) FROM handshakes WHERE prekey = ?`,
			func(r *sqlite3.Stmt) { count, seen = r.ColumnInt(0), r.ColumnInt(1) > 0 }, ephemeral.Bytes(), int64(signed))
	})
	return seen, count, err
}
