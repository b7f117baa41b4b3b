package relaystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Beside the directory of the store: what a snapshot is made in, and what was
// before a newer format.
const (
	snapshotSuffix = ".snapshot"
	FormatSuffix   = ".format-" // and the number
)

// errSnapshot says that one at a time is enough.
var errSnapshot = errors.New("a snapshot of the store is under way; wait for it")

// Snapshot makes a copy of the store as it is at one moment, files included,
// in a directory that use may read, and removes it once use has returned. Where
// the disk has hard links it takes hardly any room or time. A disk that refuses
// it ends nothing else.
func (s *Store) Snapshot(ctx context.Context, use func(dir string) error) error {
	if !s.snapshots.TryLock() {
		return errSnapshot
	}
	defer s.snapshots.Unlock()
	dir := s.dir + snapshotSuffix
	defer s.fs.RemoveAll(dir)
	err := s.do(ctx, func() error {
		if err := s.fs.RemoveAll(dir); err != nil { // of a crash
			return err
		}
		return s.copyTo(dir)
	})
	if err != nil {
		return fmt.Errorf("make a snapshot of the store: %w", err)
	}
	return use(s.fs.PathJoin(dir, "store"))
}

// copyTo makes a copy in dir, as "store". Files come twice: those that are there
// before the records, so that one which is deleted meanwhile is not missing, and
// those that have come with them.
func (s *Store) copyTo(dir string) error {
	store, early := s.fs.PathJoin(dir, "store"), s.fs.PathJoin(dir, filesDir)
	if err := s.fs.MkdirAll(early, 0o700); err != nil {
		return err
	}
	if err := s.linkFiles(early); err != nil {
		return err
	}
	if err := s.checkpoint(store); err != nil {
		return err
	}
	if err := s.linkFiles(early); err != nil {
		return err
	}
	return s.fs.Rename(early, s.fs.PathJoin(store, filesDir))
}

// checkpoint copies the records. The engine panics where a directory of the copy
// cannot be synced, after it has given back its locks; its own data is untouched.
func (s *Store) checkpoint(dir string) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return s.db.Checkpoint(dir, pebble.WithFlushedWAL())
}

func (s *Store) linkFiles(dir string) error {
	names, err := s.fs.List(s.filePath(""))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return hidePath(err)
	}
	for _, name := range names {
		to := s.fs.PathJoin(dir, name)
		if _, err := s.fs.Stat(to); err == nil || strings.HasSuffix(name, partOf) {
			continue
		}
		err := vfs.LinkOrCopy(s.fs, s.filePath(name), to)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it has just been deleted
			return hidePath(err)
		}
	}
	return nil
}

// keepFormat keeps the data as it is before it becomes that of a newer format:
// the older program can go on with the copy. One from an earlier change is of less
// use, for the older program has written since.
func (s *Store) keepFormat(format byte) error {
	dir := fmt.Sprintf("%s%s%d", s.dir, FormatSuffix, format)
	making := s.dir + snapshotSuffix
	if err := errors.Join(s.fs.RemoveAll(making), s.copyTo(making)); err != nil {
		return fmt.Errorf("keep a copy of what was before format %d: %w", storeFormat, err)
	}
	if err := errors.Join(s.fs.RemoveAll(dir), s.fs.Rename(s.fs.PathJoin(making, "store"), dir)); err != nil {
		return fmt.Errorf("keep a copy of what was before format %d: %w", storeFormat, err)
	}
	return errors.Join(s.fs.RemoveAll(making), s.syncFolder(s.fs.PathDir(s.dir)))
}

// restoredGap is how many numbers a restored store passes over: more than a
// relay gives between its backup and its end, so that none is given twice.
const restoredGap = 1 << 40

// Restored prepares a store that comes from a backup for use, once. It has to
// be opened anew then.
func (s *Store) Restored(ctx context.Context) error {
	return s.do(ctx, func() error {
		first, err := s.reserved()
		if err != nil {
			return err
		}
		return s.db.Set([]byte{tableNumbers}, numberValue(first+restoredGap), pebble.Sync)
	})
}
