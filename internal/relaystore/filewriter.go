package relaystore

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"secure-messaging/pkg/relay"
)

// fileWriter stores one file. Its disk's failures are its own: unlike those of
// the engine they end nothing else.
type fileWriter struct {
	s         *Store
	f         relay.File
	part      vfs.File // nil once it is closed
	left      int64    // bytes to come
	look      int64    // bytes until the next look at the disk
	committed bool
}

// CreateFile implements relay.Files.
func (s *Store) CreateFile(ctx context.Context, f relay.File) (_ relay.FileWriter, err error) {
	if err := checkNames(f.Owner); err != nil {
		return nil, err
	}
	if f.Size <= 0 {
		return nil, errors.New("a file is not empty")
	}
	if err := s.begin(ctx); err != nil { // until Close, so that the store waits for it
		return nil, err
	}
	w := &fileWriter{s: s, f: f, left: f.Size, look: fileLook}
	if err := s.files.lock(f.ID); err != nil {
		s.ops.Done()
		return nil, err
	}
	reserved := false
	defer func() {
		if err != nil {
			w.release(reserved)
		}
	}()
	if _, err := s.File(ctx, f.ID); err == nil {
		return nil, relay.ErrFileExists
	} else if !errors.Is(err, relay.ErrNoFile) {
		return nil, err
	}
	free, err := s.freeSpace()
	if err != nil {
		return nil, err
	}
	if err := s.files.reserve(f, free); err != nil {
		return nil, err
	}
	reserved = true
	if w.part, err = s.fs.Create(w.partPath(), vfs.WriteCategoryUnspecified); err != nil {
		return nil, hidePath(err)
	}
	return w, nil
}

func (w *fileWriter) path() string     { return w.s.filePath(w.f.ID.String()) }
func (w *fileWriter) partPath() string { return w.path() + partOf }

// release lets others at the file, and gives back the room of one that did not
// come to be.
func (w *fileWriter) release(reserved bool) {
	x := &w.s.files
	x.mu.Lock()
	if reserved {
		x.coming -= uint64(w.left)
	}
	if reserved && !w.committed {
		x.count(w.f, false)
	}
	delete(x.busy, w.f.ID)
	x.mu.Unlock()
	w.s.ops.Done()
}

// Write implements relay.FileWriter.
func (w *fileWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > w.left {
		return 0, errors.New("more bytes than the file was said to have")
	}
	if w.look -= int64(len(p)); w.look < 0 {
		w.look = fileLook
		if free, err := w.s.freeSpace(); err == nil && free < fileFree {
			return 0, relay.ErrFilesFull
		}
	}
	n, err := w.part.Write(p)
	w.left -= int64(n)
	w.s.files.mu.Lock()
	w.s.files.coming -= uint64(n)
	w.s.files.mu.Unlock()
	if err != nil {
		return n, hidePath(err)
	}
	return n, nil
}

// Commit implements relay.FileWriter. The bytes and their name are durable before
// the record is.
func (w *fileWriter) Commit(ctx context.Context) error {
	if w.left > 0 || w.committed {
		return errors.New("fewer bytes than the file was said to have")
	}
	err := w.part.Sync()
	if closeErr := w.part.Close(); err == nil {
		err = closeErr
	}
	w.part = nil
	if err == nil {
		err = w.s.fs.Rename(w.partPath(), w.path())
	}
	if err == nil {
		err = w.s.syncFolder(w.s.filePath(""))
	}
	if err != nil {
		return hidePath(err)
	}
	err = w.s.change(ctx, fileKey(w.f.ID), func(b *pebble.Batch) error { return b.Set(fileKey(w.f.ID), encodeFile(w.f), nil) })
	w.committed = err == nil || errors.Is(err, relay.ErrStoreFailed) // then the next start knows
	return err
}

func (s *Store) syncFolder(dir string) error {
	folder, err := s.fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Close implements relay.FileWriter.
func (w *fileWriter) Close() error {
	if w.part != nil {
		w.part.Close()
	}
	if !w.committed { // one of the two is there; what cannot be removed goes at the next start
		w.s.fs.Remove(w.partPath())
		w.s.fs.Remove(w.path())
	}
	w.release(true)
	return nil
}
