package relaystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Room below which a relay takes less; see the limits of the store.
const (
	// RoomForMessages is the free space below which it takes no new messages.
	RoomForMessages = minFree
	// RoomForFiles is that below which it takes no new files.
	RoomForFiles = fileFree
)

// State is what can be seen of a store that is left as it is.
type State struct {
	There  bool
	InUse  bool // a process has it open; then nothing else is known
	Format int  // of its data
}

// Format is that of the data which this program writes.
const Format = storeFormat

// Look looks at the store in a directory and changes nothing.
func Look(dir string) (State, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	} else if err != nil {
		return State{}, err
	}
	state := State{There: true}
	lock, err := pebble.LockDirectory(dir, vfs.Default)
	var path *fs.PathError
	if errors.As(err, &path) {
		return state, err // the lock's file could not even be made
	}
	if err != nil {
		state.InUse = true
		return state, nil
	}
	defer lock.Close()
	s := &Store{fs: vfs.Default, dir: dir, failed: make(chan struct{})}
	o := s.engineOptions(lock)
	o.ReadOnly, o.ErrorIfNotExists = true, true
	if s.db, err = pebble.Open(dir, o); err != nil {
		return state, fmt.Errorf("look at the store in %s: %w", dir, damaged(err))
	}
	value, err := s.get([]byte{tableFormat})
	if len(value) == 1 {
		state.Format = int(value[0])
	}
	return state, errors.Join(err, s.db.Close())
}
