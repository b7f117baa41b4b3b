package relaystore

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

var _ relay.Files = (*Store)(nil)

// Limits of files where Options set none, and of the store's own making.
const (
	// DefaultFileBytes bounds all files together, and DefaultOwnerBytes those of
	// one user.
	DefaultFileBytes  = 20 << 30
	DefaultOwnerBytes = 1 << 30
	// fileOverhead is what a file counts for besides its bytes: a record and a
	// place in a folder. It bounds how many there can be.
	fileOverhead = 16 << 10
	// fileFree is the free space below which no file is stored: twice of what
	// messages need, which must not suffer from files.
	fileFree = 2 * minFree
	// fileLook is how many bytes of a file are written between two looks at that.
	fileLook = 8 << 20

	filesDir = "files"
	partOf   = ".part" // behind the name of a file that is not there yet
)

// files is what is at hand of them.
type files struct {
	max, maxOwner uint64

	mu     sync.Mutex // guards what follows
	used   uint64     // with what is being stored
	owners map[crypto.Username]uint64
	busy   map[crypto.FileID]struct{} // being stored or deleted
	coming uint64                     // bytes that are not written yet
}

func fileCost(f relay.File) uint64 { return uint64(f.Size) + fileOverhead }

// count adds a file, or takes it away.
func (x *files) count(f relay.File, add bool) {
	if add {
		x.used += fileCost(f)
		x.owners[f.Owner] += fileCost(f)
		return
	}
	x.used -= fileCost(f)
	if x.owners[f.Owner] -= fileCost(f); x.owners[f.Owner] == 0 {
		delete(x.owners, f.Owner)
	}
}

// lock keeps others from a file, or returns relay.ErrConflict.
func (x *files) lock(id crypto.FileID) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.busy[id]; ok {
		return relay.ErrConflict
	}
	x.busy[id] = struct{}{}
	return nil
}

func (x *files) unlock(id crypto.FileID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.busy, id)
}

// reserve finds room for a file.
func (x *files) reserve(f relay.File, free uint64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	cost := fileCost(f)
	switch {
	case x.owners[f.Owner]+cost > x.maxOwner:
		return relay.ErrOwnerFull
	case x.used+cost > x.max, free < fileFree+x.coming+uint64(f.Size):
		return relay.ErrFilesFull
	}
	x.count(f, true)
	x.coming += uint64(f.Size)
	return nil
}

func (s *Store) filePath(name string) string { return s.fs.PathJoin(s.dir, filesDir, name) }

// startFiles counts the files that there are, and removes what is none: the rest
// of a crash.
func (s *Store) startFiles() error {
	if err := s.fs.MkdirAll(s.filePath(""), 0o700); err != nil {
		return hidePath(err)
	}
	if err := s.syncFolder(s.dir); err != nil {
		return hidePath(err)
	}
	names, err := s.fs.List(s.filePath(""))
	if err != nil {
		return hidePath(err)
	}
	known := map[string]bool{}
	err = s.eachFile(func(f relay.File) {
		s.files.count(f, true)
		known[f.ID.String()] = true
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if !known[name] {
			if err := s.fs.Remove(s.filePath(name)); err != nil {
				return hidePath(err)
			}
		}
	}
	return nil
}

// eachFile goes through the records of all files. One that cannot be read is
// passed over: its file is lost, and keeps the others from nothing.
func (s *Store) eachFile(do func(relay.File)) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{tableFile}, UpperBound: []byte{tableFile + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for more := it.First(); more; more = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if f, err := decodeFile(it.Key(), value); err == nil {
			do(f)
		}
	}
	return it.Error()
}

func fileKey(id crypto.FileID) []byte { return append([]byte{tableFile}, id[:]...) }

func encodeFile(f relay.File) []byte {
	b := binary.BigEndian.AppendUint64([]byte{valueVersion}, uint64(f.Size))
	b = binary.BigEndian.AppendUint64(b, uint64(f.Expires))
	b = append(b, f.Digest[:]...)
	return append(b, f.Owner...)
}

func decodeFile(key, value []byte) (f relay.File, err error) {
	r := readFields(value)
	f.Size, f.Expires = int64(r.uint64()), protocol.UnixMilli(r.uint64())
	copy(f.Digest[:], r.take(len(f.Digest)))
	f.Owner, err = crypto.ParseUsername(string(r.b))
	if !r.ok || err != nil || f.Size <= 0 || len(key) != 1+len(f.ID) {
		return relay.File{}, errValue
	}
	copy(f.ID[:], key[1:])
	return f, nil
}

// File implements relay.Files.
func (s *Store) File(ctx context.Context, id crypto.FileID) (relay.File, error) {
	var value []byte
	err := s.do(ctx, func() (err error) {
		value, err = s.get(fileKey(id))
		return err
	})
	if err != nil {
		return relay.File{}, err
	}
	if value == nil {
		return relay.File{}, relay.ErrNoFile
	}
	return decodeFile(fileKey(id), value)
}

// OpenFile implements relay.Files.
func (s *Store) OpenFile(ctx context.Context, id crypto.FileID) (relay.File, relay.FileReader, error) {
	f, err := s.File(ctx, id)
	if err != nil {
		return f, nil, err
	}
	file, err := s.fs.Open(s.filePath(id.String()))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil, relay.ErrNoFile // it has just been deleted
	}
	if err != nil {
		return f, nil, hidePath(err)
	}
	return f, file, nil
}

// DeleteFile implements relay.Files. The record goes first: what has none is
// nothing, and goes when the store is opened again if not now.
func (s *Store) DeleteFile(ctx context.Context, id crypto.FileID) error {
	if err := s.files.lock(id); err != nil {
		return err
	}
	defer s.files.unlock(id)
	f, err := s.File(ctx, id)
	if err != nil {
		return err
	}
	if err := s.change(ctx, fileKey(id), func(b *pebble.Batch) error { return b.Delete(fileKey(id), nil) }); err != nil {
		return err
	}
	s.files.mu.Lock()
	s.files.count(f, false)
	s.files.mu.Unlock()
	if err := s.fs.Remove(s.filePath(id.String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return hidePath(err)
	}
	return nil
}

// ExpireFiles implements relay.Files.
func (s *Store) ExpireFiles(ctx context.Context, before protocol.UnixMilli) (dropped int, err error) {
	var due []crypto.FileID
	err = s.do(ctx, func() error {
		return s.eachFile(func(f relay.File) {
			if f.Expires < before {
				due = append(due, f.ID)
			}
		})
	})
	if err != nil {
		return 0, err
	}
	for _, id := range due {
		switch err := s.DeleteFile(ctx, id); {
		case err == nil:
			dropped++
		case !errors.Is(err, relay.ErrNoFile) && !errors.Is(err, relay.ErrConflict):
			return dropped, err
		}
	}
	return dropped, nil
}

// hidePath takes the name of a file out of an error: ids are no business of a log.
func hidePath(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return fileError(path.Op, path.Err)
	case errors.As(err, &link):
		return fileError(link.Op, link.Err)
	}
	return fileError("use", err)
}

func fileError(op string, err error) error {
	if vfs.IsNoSpaceError(err) {
		return errors.Join(relay.ErrFilesFull, err)
	}
	return &fs.PathError{Op: op, Path: "a file", Err: err}
}
