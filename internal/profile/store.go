package profile

import (
	"encoding/hex"
	"errors"
	"os"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// Store is an unlocked profile. It implements [client.Store].
type Store struct {
	// Static after openStore.
	ref  Ref
	self string // address of this device, the author of what it sends
	lock *Lock
	file os.FileInfo // of the database when it was opened

	// Guarded by mu. Calls come one after the other: the only one that takes
	// long is a commit, and it must be alone anyway.
	mu     sync.Mutex
	db     *database
	master *keyfile.Master
	failed error // once set, every call returns it
}

var _ client.Store = (*Store)(nil)

// openStore opens the database of a profile. On success the store has the
// master key; the caller sets the lock.
func openStore(ref Ref, vfs string, master *keyfile.Master) (*Store, error) {
	key := master.Derive(crypto.LabelProfileDB)
	defer clear(key)
	db, err := openDatabase(ref.path(dbFile), vfs, key)
	if err != nil {
		return nil, storage(ref.Dir, err)
	}
	s := &Store{ref: ref, db: db, master: master}
	if s.file, err = os.Stat(ref.path(dbFile)); err == nil {
		err = db.migrate()
	}
	var keys client.Keys
	if err == nil {
		keys, err = s.keys()
	}
	if err != nil {
		db.close()
		return nil, storage(ref.Dir, err)
	}
	s.self = keys.Certificate.Address().String()
	return s, nil
}

// Ref says where the profile lies.
func (s *Store) Ref() Ref { return s.ref }

// Close gives up the store, and the lock with it.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	err := s.db.close()
	s.db, s.failed = nil, errClosed
	s.master.Clear()
	if s.lock != nil {
		s.lock.Release()
	}
	if err != nil {
		return storage(s.ref.Dir, err)
	}
	return nil
}

// read runs a function that only reads.
func (s *Store) read(do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if err := do(); err != nil {
		return storage(s.ref.Dir, err)
	}
	return nil
}

// write runs a function in a transaction. When the disk has failed in the
// middle, what it holds and what memory holds may differ: the store is then
// closed for good, and the next one begins with what is on the disk. A full
// disk is no such failure, for what has no room is not written at all.
func (s *Store) write(do func() error) error {
	return s.read(func() error {
		if err := s.inPlace(); err != nil {
			return err
		}
		err := s.db.transaction(do)
		broken := err
		if err == nil { // from here on the commit is on the disk, whatever happens
			broken = s.db.writeBack()
		}
		if errors.Is(broken, sqlite3.IOERR) || !s.db.conn.GetAutocommit() {
			s.failed = storage(s.ref.Dir, errors.Join(broken, s.db.abandon()))
		}
		return err
	})
}

// inPlace refuses to go on in a file that nobody will find again: what is
// written there would be acked, and lost.
func (s *Store) inPlace() error {
	now, err := os.Stat(s.ref.path(dbFile))
	if err != nil || !os.SameFile(s.file, now) {
		return &client.Error{Code: client.CodeStorage, Err: err, Text: "The profile in " + s.ref.Dir + " was moved, removed or replaced while chat had it open. Nothing more is written. Put it back, or quit and start chat again."}
	}
	return nil
}

// sealedKeys is client.Keys as it is sealed.
type sealedKeys struct {
	Server      sealedServer          `json:"server"`
	Relay       crypto.RelayPublic    `json:"relay"`
	Account     crypto.AccountPrivate `json:"account"`
	Device      crypto.DevicePrivate  `json:"device"`
	Box         crypto.BoxPrivate     `json:"box"`
	Certificate crypto.Certificate    `json:"certificate"`
}

// sealedServer is client.Server with the names of its fields fixed.
type sealedServer struct {
	Host   string             `json:"host"`
	Port   string             `json:"port"`
	Plain  bool               `json:"plain"`
	WebPKI bool               `json:"webpki"`
	Pin    crypto.Fingerprint `json:"pin"`
}

const keysName = "keys"

// insertKeys writes the identity into a new database.
func insertKeys(db *database, master *keyfile.Master, k client.Keys) error {
	b, err := json.Marshal(sealedKeys{sealedServer(k.Server), k.Relay, k.Account, k.Device, k.Box, k.Certificate})
	if err != nil {
		return err
	}
	defer clear(b)
	return db.exec(`INSERT INTO account(id, keys, registered) VALUES (1, ?, ?)`, master.SealSecret(keysName, b), k.Registered)
}

// keys reads the identity. A profile without one is damaged.
func (s *Store) keys() (k client.Keys, err error) {
	var sealed []byte
	err = s.db.query(`SELECT keys, registered FROM account`, func(r *sqlite3.Stmt) {
		sealed, k.Registered = r.ColumnBlob(0, nil), r.ColumnBool(1)
	})
	if err != nil {
		return client.Keys{}, err
	}
	b, err := s.master.OpenSecret(keysName, sealed)
	if err != nil {
		return client.Keys{}, errSealed
	}
	defer clear(b)
	var f sealedKeys
	if json.Unmarshal(b, &f) != nil { // its error would quote what was sealed
		return client.Keys{}, errSealed
	}
	return client.Keys{
		Server: client.Server(f.Server), Relay: f.Relay, Account: f.Account, Device: f.Device, Box: f.Box,
		Certificate: f.Certificate, Registered: k.Registered,
	}, nil
}

// Keys reads the identity alone. Each contact has signatures to be checked,
// which is what Load takes its time for.
func (s *Store) Keys() (k client.Keys, err error) {
	err = s.read(func() (err error) {
		k, err = s.keys()
		return err
	})
	return k, err
}

// MarkRegistered remembers that the relay knows this account.
func (s *Store) MarkRegistered() error {
	return s.write(func() error { return s.db.exec(`UPDATE account SET registered = 1`) })
}

// Load implements client.Store.
func (s *Store) Load() (l client.Loaded, err error) {
	err = s.read(func() (err error) {
		l.Profile = s.ref.Dir
		if l.Keys, err = s.keys(); err != nil {
			return err
		}
		if l.Settings, err = s.settings(); err != nil {
			return err
		}
		if l.Contacts, err = s.contacts(); err != nil {
			return err
		}
		if l.Prekeys, l.Prekey, err = s.prekeys(); err != nil {
			return err
		}
		if l.Groups, err = s.groups(); err != nil {
			return err
		}
		if l.Fanouts, err = s.fanouts(); err != nil {
			return err
		}
		if l.Uploads, err = s.uploads(); err != nil {
			return err
		}
		s.sweepCopies(l.Uploads)
		l.Outbox, err = s.outbox(`SELECT position, id, kind, contact, stored, at, NULL, message FROM outbox ORDER BY position`)
		return err
	})
	if err != nil {
		return client.Loaded{}, err
	}
	return l, nil
}

// contacts reads all of them. The unread marks are counted over an index that
// holds nothing else, and the latest message is the last of its index.
func (s *Store) contacts() (all []client.ContactRecord, err error) {
	var bad error
	err = s.db.query(`
		SELECT name, state, note, since, certificate, request, session, grade, offered, refused, sent, heard, lost,
			(SELECT count(*) FROM messages WHERE contact = name AND unread),
			(SELECT at FROM messages WHERE contact = name ORDER BY cursor DESC LIMIT 1),
			disappear
		FROM contacts ORDER BY name`,
		func(r *sqlite3.Stmt) {
			c, err := s.contact(r)
			bad = errors.Join(bad, err)
			all = append(all, c)
		})
	return all, errors.Join(err, bad)
}

func (s *Store) contact(r *sqlite3.Stmt) (c client.ContactRecord, err error) {
	c.Name, c.State, c.Note = r.ColumnText(0), client.ContactState(r.ColumnText(1)), r.ColumnText(2)
	c.Since = columnTime(r, 3)
	for i, cert := range map[int]*crypto.Certificate{4: &c.Certificate, 8: &c.Offered} {
		if text := r.ColumnRawText(i); len(text) > 0 && cert.UnmarshalText(text) != nil {
			return c, errSealed
		}
	}
	if !c.Certificate.IsZero() {
		c.Fingerprint, c.Trust = string(c.Certificate.Account.Fingerprint()), client.Trust(r.ColumnText(7))
	}
	c.Grade, c.Refused, c.Lost = client.Trust(r.ColumnText(7)), crypto.Fingerprint(r.ColumnText(9)), r.ColumnInt(12)
	c.Sent, c.Heard = uint64(r.ColumnInt64(10)), uint64(r.ColumnInt64(11))
	if !c.Offered.IsZero() {
		c.Trust = client.Changed
	}
	if copy(c.RequestID[:], r.ColumnRawBlob(5)) != len(c.RequestID) {
		return c, errSealed
	}
	if r.ColumnType(6) != sqlite3.NULL {
		if c.Session, err = s.master.OpenSecret(sessionName(&c), r.ColumnRawBlob(6)); err != nil {
			return c, errSealed
		}
	}
	c.Unread, c.Disappear = r.ColumnInt(13), r.ColumnInt(15)
	if r.ColumnType(14) != sqlite3.NULL {
		c.LastAt = columnTime(r, 14)
	}
	return c, nil
}

// sessionName binds a session state to whom it is with, so that neither can be
// swapped without the other, nor the pinned certificate under both.
func sessionName(c *client.ContactRecord) string {
	hash := c.Certificate.Hash()
	return "session " + c.Name + " " + hex.EncodeToString(hash[:])
}
