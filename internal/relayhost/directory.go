package relayhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"secure-messaging/internal/relaystore"
)

// makeDir makes a directory and those above it, so that they outlast a power
// cut: what is stored in them is promised.
func makeDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// errOtherUser keeps an administrator from files that the relay could not read or
// write to any more.
var errOtherUser = errors.New("the data belongs to another user of this machine; give it to the one that runs the relay with chown -R, or run this as that one")

// checkOwner is for who is about to open the store, which makes files in it.
func checkOwner(dir string) error {
	if info, err := os.Stat(filepath.Join(dir, storeDir)); err == nil && !ours(info) {
		return fmt.Errorf("%s: %w", dir, errOtherUser)
	}
	return nil
}

// syncDir makes the names in a directory durable, where a system knows that.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// adviseDir adds what to do about a data directory that cannot be used.
func adviseDir(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; give the directory to the user that runs the relay, or choose another", err)
	case errors.Is(err, relaystore.ErrDamaged):
		return fmt.Errorf("%w; look at the disk, and restore a backup (server restore) into an empty directory", err)
	case errors.Is(err, relaystore.ErrLocked):
		return fmt.Errorf("%w; end that one, or choose another directory", err)
	}
	return err
}
