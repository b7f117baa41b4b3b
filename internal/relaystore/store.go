package relaystore

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// Why a store does not open.
var (
	// ErrLocked says that a process has the directory open.
	ErrLocked = errors.New("the directory is in use by another relay")
	// ErrNewer says that the data is beyond this program.
	ErrNewer = errors.New("the data was written by a newer version of this program")
	// ErrDamaged says that the data is not what the store wrote.
	ErrDamaged = errors.New("the store is damaged")
)

// damaged marks the errors of the engine that come of damage.
func damaged(err error) error {
	if pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) { // a file of its own is missing
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// errClosed is the answer of a store after Close.
var errClosed = errors.New("the store is closed")

// Limits of the store's own making.
const (
	// lockStripes bounds the locks. Two mailboxes that share one wait for each
	// other's microseconds.
	lockStripes = 512
	// numberBlock is how many numbers are reserved at a time: one fsync more in
	// a million entries, and a million numbers lost at a restart, of 2^64.
	numberBlock = 1 << 20
)

// Options change how a store opens. The zero value is for a relay on a disk.
type Options struct {
	FS     vfs.FS              // nil for the disk
	Limits relay.MailboxLimits // zero for relay.DefaultMailboxLimits
	// MaxBytes bounds what waits in all mailboxes together: the sealed data, and
	// a little for each entry. 0 stands for DefaultMaxBytes.
	MaxBytes uint64
	// FileBytes bounds all files together, and OwnerBytes those of one user; 0
	// stands for the defaults.
	FileBytes, OwnerBytes uint64
}

// Store implements relay.Directory, relay.Prekeys, relay.Mailboxes and relay.Files. Make it
// with Open.
type Store struct {
	// Static after Open.
	fs     vfs.FS
	dir    string
	limits relay.MailboxLimits
	max    uint64 // bytes that wait
	block  uint64 // numbers to reserve at a time
	db     *pebble.DB
	lock   *pebble.Lock
	seed   maphash.Seed
	wake   chan struct{} // holds one when there is a next group

	stripes [lockStripes]sync.Mutex // see lockKeys
	files   files
	held    held

	snapshots sync.Mutex // held while there is one

	failOnce sync.Once
	failed   chan struct{} // closed once cause is set
	cause    error

	mu     sync.Mutex // guards what follows
	closed bool
	next   *group         // nil if nobody waits for the writer
	ops    sync.WaitGroup // operations under way; no Add once closed
}

// Open opens the store in a directory, or makes both.
func Open(dir string, o Options) (*Store, error) { return open(dir, o, numberBlock) }

// OpenMem makes a store in memory, for tests.
func OpenMem() (*Store, error) { return Open("/store", Options{FS: vfs.NewMem()}) }

func open(dir string, o Options, block uint64) (*Store, error) {
	s := &Store{
		fs: o.FS, dir: dir, limits: o.Limits, max: cmp.Or(o.MaxBytes, DefaultMaxBytes), block: block,
		seed: maphash.MakeSeed(), wake: make(chan struct{}, 1), failed: make(chan struct{}),
	}
	s.files = files{
		max: cmp.Or(o.FileBytes, DefaultFileBytes), maxOwner: cmp.Or(o.OwnerBytes, DefaultOwnerBytes),
		owners: map[crypto.Username]uint64{}, busy: map[crypto.FileID]struct{}{},
	}
	if s.fs == nil {
		s.fs = vfs.Default
	}
	if s.limits == (relay.MailboxLimits{}) {
		s.limits = relay.DefaultMailboxLimits()
	}
	if err := s.makeDir(); err != nil {
		return nil, fmt.Errorf("prepare %s: %w", dir, err)
	}
	err := s.do(context.Background(), s.start)
	if err != nil {
		return nil, fmt.Errorf("open the store in %s: %w", dir, err)
	}
	return s, nil
}

// makeDir makes the directory durably and keeps others out of it: that, not
// the mode of each file, makes the files private.
func (s *Store) makeDir() error {
	const mode = 0o700
	if err := s.fs.MkdirAll(s.dir, mode); err != nil {
		return err
	}
	if s.fs == vfs.Default {
		if err := os.Chmod(s.dir, mode); err != nil {
			return err
		}
	}
	parent, err := s.fs.OpenDir(s.fs.PathDir(s.dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// start locks the directory and opens what is in it.
func (s *Store) start() (err error) {
	s.lock, err = pebble.LockDirectory(s.dir, s.fs)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			return err // the lock's file could not even be made
		}
		return fmt.Errorf("%w (%w)", ErrLocked, err)
	}
	defer func() {
		if err != nil {
			if s.db != nil {
				s.db.Close()
			}
			s.lock.Close()
		}
	}()
	if err := s.fs.RemoveAll(s.dir + snapshotSuffix); err != nil { // what a crash has left takes room
		return fmt.Errorf("remove an old snapshot: %w", hidePath(err))
	}
	if s.db, err = pebble.Open(s.dir, s.engineOptions(s.lock)); err != nil {
		return damaged(err)
	}
	if err := s.checkFormat(); err != nil {
		return err
	}
	first, err := s.reserved()
	if err != nil {
		return err
	}
	used, err := s.waiting()
	if err != nil {
		return err
	}
	if err := s.startFiles(); err != nil {
		return fmt.Errorf("look for files: %w", err)
	}
	w := &writer{
		s: s, quota: quota{max: s.max, used: used}, written: make(chan written, maxUnsynced),
		boxes: map[crypto.Address]*openBox{}, numbers: numbers{first, first},
	}
	s.ops.Go(w.run)
	s.ops.Go(func() { s.settle(w.written) })
	return nil
}

// checkFormat refuses data that is not a store's or a newer one's, and marks
// what is empty as its own.
func (s *Store) checkFormat() error {
	key := []byte{tableFormat}
	value, err := s.get(key)
	switch {
	case err != nil:
		return err
	case value == nil:
		return s.initialize(key)
	case len(value) != 1 || value[0] == 0:
		return errValue
	case value[0] < storeFormat: // nothing is in another place than it was
		if err := s.keepFormat(value[0]); err != nil {
			return err
		}
		return s.db.Set(key, []byte{storeFormat}, pebble.Sync)
	case value[0] > storeFormat:
		return fmt.Errorf("%w: format %d, and this one knows %d; install the newer one", ErrNewer, value[0], storeFormat)
	}
	return nil
}

func (s *Store) initialize(key []byte) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	foreign := it.First()
	if err := it.Close(); err != nil {
		return err
	}
	if foreign {
		return errors.New("the directory holds data of another program")
	}
	return s.db.Set(key, []byte{storeFormat}, pebble.Sync)
}

// Close waits for what is under way and closes the store. After a failure it
// returns that, and leaves the engine as it is until the process ends.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errClosed
	}
	s.closed = true
	close(s.wake)
	s.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		s.ops.Wait()
		done <- errors.Join(s.db.Close(), s.lock.Close())
	}()
	return s.await(done)
}

// Failed is closed when the store has failed; Err then says why.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Err returns relay.ErrStoreFailed with the cause once Failed is closed, and
// nil before.
func (s *Store) Err() error {
	select {
	case <-s.failed:
		return s.cause
	default:
		return nil
	}
}

// fail ends the store for the first cause that it hears.
func (s *Store) fail(cause error) {
	s.failOnce.Do(func() {
		if vfs.IsNoSpaceError(cause) {
			cause = fmt.Errorf("the disk is full; free some space and start the relay again: %w", cause)
		}
		s.cause = fmt.Errorf("%w: %w", relay.ErrStoreFailed, cause)
		close(s.failed)
	})
}

// begin counts an operation in. Its end is ops.Done.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.ops.Add(1)
	return nil
}

// await waits for an outcome that may never come because the engine stands.
func (s *Store) await(done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-s.failed:
		return s.cause
	}
}

// attempt runs f and makes a panic of the engine a failure of the store.
func (s *Store) attempt(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.fail(fmt.Errorf("panic: %v", p))
			err = s.cause
		}
	}()
	return f()
}

// do runs an operation on a goroutine of its own, which a failure may freeze.
// What f writes is to be read only if do returns nil, and so is no named result,
// which every return writes.
func (s *Store) do(ctx context.Context, f func() error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer s.ops.Done()
		done <- s.attempt(f)
	}()
	return s.await(done)
}

// commit makes a change of the records with these keys: it locks them, lets
// build fill a batch, and returns once the change is readable. The function
// that it returns waits until it is durable as well, if mode is pebble.Sync.
func (s *Store) commit(ctx context.Context, mode *pebble.WriteOptions, keys [][]byte, build func(*pebble.Batch) error) (wait func() error, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	applied, durable := make(chan error, 1), make(chan error, 1)
	go func() {
		defer s.ops.Done()
		b := s.db.NewBatch()
		err := s.attempt(func() error {
			defer s.lockKeys(keys)()
			return s.apply(b, mode, build)
		})
		applied <- err
		if err == nil {
			durable <- b.SyncWait()
			b.Close()
		}
	}()
	if err := s.await(applied); err != nil {
		return nil, err
	}
	return func() error { return s.await(durable) }, nil
}

func (s *Store) apply(b *pebble.Batch, mode *pebble.WriteOptions, build func(*pebble.Batch) error) error {
	if err := build(b); err != nil || b.Empty() {
		return err
	}
	if mode.Sync {
		return s.db.ApplyNoSyncWait(b, mode)
	}
	return s.db.Apply(b, mode)
}

// lockKeys locks records, in an order that all agree on.
func (s *Store) lockKeys(keys [][]byte) (unlock func()) {
	indexes := make([]int, len(keys))
	for i, k := range keys {
		indexes[i] = int(maphash.Bytes(s.seed, k) % lockStripes)
	}
	slices.Sort(indexes)
	indexes = slices.Compact(indexes)
	for _, i := range indexes {
		s.stripes[i].Lock()
	}
	return func() {
		for _, i := range indexes {
			s.stripes[i].Unlock()
		}
	}
}

// get returns a copy of a value, nil if there is none.
func (s *Store) get(key []byte) ([]byte, error) { return getFrom(s.db, key) }

func getFrom(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{}, value...), closer.Close()
}

// getUint64 returns a number that is a value, 0 if there is none.
func (s *Store) getUint64(key []byte) (uint64, error) {
	value, err := s.get(key)
	if err != nil || value == nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, errValue
	}
	return binary.BigEndian.Uint64(value), nil
}
