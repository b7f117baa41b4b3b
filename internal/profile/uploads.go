package profile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

// Files of messages, and what of them waits for the relay.

// fileKeyName binds the key of a file to where the file lies.
func fileKeyName(blob crypto.FileID) string { return "file " + blob.String() }

func (s *Store) addFile(m *client.NewMessage) error {
	key := s.master.SealSecret(fileKeyName(m.Sealed.Blob), m.Sealed.Key.Secret())
	return s.db.exec(`INSERT INTO files(cursor, name, size, saved, blob, digest, key) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		m.Cursor, m.File.Name, m.File.Size, m.File.Saved, m.Sealed.Blob[:], m.Sealed.Digest[:], key)
}

// dropFile forgets the file of a message that is gone.
func (s *Store) dropFile(cursor int64) error {
	return s.db.exec(`DELETE FROM files WHERE cursor = ?`, cursor)
}

// sealedFile reads what opens the file of a message.
func (s *Store) sealedFile(cursor int64) (*client.SealedFile, error) {
	var f client.SealedFile
	var key []byte
	whole := false
	err := s.db.query(`SELECT blob, digest, key FROM files WHERE cursor = ?`, func(r *sqlite3.Stmt) {
		whole = copy(f.Blob[:], r.ColumnRawBlob(0)) == len(f.Blob) && copy(f.Digest[:], r.ColumnRawBlob(1)) == len(f.Digest)
		key = r.ColumnBlob(2, nil)
	}, cursor)
	if err != nil {
		return nil, err
	}
	secret, err := s.master.OpenSecret(fileKeyName(f.Blob), key)
	if err == nil {
		f.Key, err = file.ParseKey(secret)
		clear(secret)
	}
	if err != nil || !whole {
		return nil, errSealed
	}
	return &f, nil
}

func (s *Store) changeUploads(c *client.Changes) error {
	for _, blob := range c.Uploaded {
		if err := s.db.exec(`DELETE FROM uploads WHERE blob = ?`, blob[:]); err != nil {
			return err
		}
	}
	for _, u := range c.Uploads {
		if err := s.db.exec(`INSERT INTO uploads(blob, message, contact) VALUES (?, ?, ?)`, u.Blob[:], u.Message[:], u.Contact); err != nil {
			return err
		}
	}
	for _, x := range c.Saves {
		err := s.db.exec(`UPDATE files SET saved = ? WHERE cursor = (SELECT cursor FROM messages WHERE id = ? AND author = ?)`, x.Path, x.ID[:], x.Author.String())
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) uploads() (all []client.Upload, err error) {
	err = s.db.query(`SELECT blob, message, contact FROM uploads ORDER BY position`, func(r *sqlite3.Stmt) {
		u := client.Upload{Contact: r.ColumnText(2)}
		copy(u.Blob[:], r.ColumnRawBlob(0))
		copy(u.Message[:], r.ColumnRawBlob(1))
		all = append(all, u)
	})
	return all, err
}

// sweepCopies removes the copies that nothing waits for: what a process has left
// that was killed. One that stays takes up room and is no reason to keep an account
// shut; the next sweep tries again. What is wrong with a copy that something waits
// for, OpenCopy says.
func (s *Store) sweepCopies(wanted []client.Upload) {
	keep := map[string]bool{}
	for _, u := range wanted {
		keep[u.Blob.String()] = u.Message != (crypto.MessageID{})
	}
	entries, _ := os.ReadDir(s.ref.path(copiesDir)) // with an error, those that could be read
	for _, e := range entries {
		if !keep[e.Name()] {
			os.RemoveAll(filepath.Join(s.ref.path(copiesDir), e.Name()))
		}
	}
}

func (s *Store) copyPath(id crypto.FileID) string {
	return filepath.Join(s.ref.path(copiesDir), id.String())
}

// sealedCopy is a copy that is being made.
type sealedCopy struct {
	s    *Store
	path string
	f    *os.File
	kept bool
}

// NewCopy implements client.Store.
func (s *Store) NewCopy(id crypto.FileID) (client.Copy, error) {
	if err := os.Mkdir(s.ref.path(copiesDir), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, storage(s.ref.Dir, err)
	} else if err == nil {
		err = syncDir(s.ref.Dir)
		if err != nil {
			return nil, storage(s.ref.Dir, err)
		}
	}
	f, err := os.OpenFile(s.copyPath(id), os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, storage(s.ref.Dir, err)
	}
	return &sealedCopy{s: s, path: f.Name(), f: f}, nil
}

// Write implements client.Copy.
func (c *sealedCopy) Write(p []byte) (int, error) {
	n, err := c.f.Write(p)
	if err != nil {
		err = storage(c.s.ref.Dir, err)
	}
	return n, err
}

// Keep implements client.Copy.
func (c *sealedCopy) Keep() error {
	err := errors.Join(c.f.Sync(), c.f.Close(), syncDir(c.s.ref.path(copiesDir)))
	if err != nil {
		return storage(c.s.ref.Dir, err)
	}
	c.kept = true
	return nil
}

// Drop implements client.Copy.
func (c *sealedCopy) Drop() {
	if !c.kept {
		c.f.Close()
		os.Remove(c.path)
	}
}

// OpenCopy implements client.Store.
func (s *Store) OpenCopy(id crypto.FileID) (io.ReadCloser, error) {
	f, err := os.Open(s.copyPath(id))
	if err != nil {
		return nil, storage(s.ref.Dir, err)
	}
	return f, nil
}

// DropCopy implements client.Store.
func (s *Store) DropCopy(id crypto.FileID) error {
	if err := os.Remove(s.copyPath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage(s.ref.Dir, err)
	}
	return nil
}
