package relayhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
)

// maxKeyFile bounds what is read. A key takes 57 bytes.
const maxKeyFile = 1 << 10

// Why a relay's key is not good enough to start with.
var (
	errNoKey     = errors.New("the data belongs to a relay whose key is gone; restore this file from a backup, for clients trust no other key")
	errOtherKey  = errors.New("this is not the key of the relay whose data lies beside it; restore the right one from a backup")
	errKeyFile   = errors.New("this is not a relay's key; restore it from a backup")
	errKeyShared = errors.New("others on this machine can read the relay's key; take that away with chmod 600")
	errKeyOwner  = errors.New("the relay's key belongs to another user of this machine; give it to the one that runs the relay, with chown")
)

// identity returns the relay's key, which the first start makes. The caller
// has the store open, so no other process is at it.
func identity(store *relaystore.Store, path string) (crypto.RelayPrivate, error) {
	ctx := context.Background()
	owner, err := store.Relay(ctx)
	if err != nil {
		return crypto.RelayPrivate{}, err
	}
	unowned := owner == crypto.RelayPublic{}
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !unowned {
			return crypto.RelayPrivate{}, fmt.Errorf("%s: %w", path, errNoKey)
		}
		key = crypto.NewRelayPrivate()
		err = writeKey(path, key)
	}
	if err != nil {
		return crypto.RelayPrivate{}, err
	}
	switch {
	case unowned:
		err = store.SetRelay(ctx, key.Public())
	case owner != key.Public():
		err = fmt.Errorf("%s: %w", path, errOtherKey)
	}
	if err != nil {
		return crypto.RelayPrivate{}, err
	}
	return key, nil
}

// readKey reads a key and refuses one that others can read, too, or have put
// there: whoever has it can pass for the relay.
func readKey(path string) (crypto.RelayPrivate, error) { return readKeyOf(path, ours) }

// readKeyOf is readKey for a key that is somebody's.
func readKeyOf(path string, theirs func(fs.FileInfo) bool) (key crypto.RelayPrivate, err error) {
	f, err := os.Open(path)
	if err != nil {
		return key, fmt.Errorf("read the relay's key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return key, fmt.Errorf("read the relay's key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return key, fmt.Errorf("%s: %w", path, errKeyShared)
	}
	if !theirs(info) {
		return key, fmt.Errorf("%s: %w", path, errKeyOwner)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return key, fmt.Errorf("read the relay's key: %w", err)
	}
	if key.UnmarshalText(bytes.TrimSpace(text)) != nil {
		return crypto.RelayPrivate{}, fmt.Errorf("%s: %w", path, errKeyFile)
	}
	return key, nil
}

// writeKey makes the file whole or not at all, and durable before anything is
// signed with the key.
func writeKey(path string, key crypto.RelayPrivate) (err error) {
	text, err := key.MarshalText()
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, keyFile+".*") // that only its owner can read
	if err != nil {
		return fmt.Errorf("write the relay's key: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write the relay's key: %w", err)
		}
	}()
	_, errWrite := f.Write(append(text, '\n'))
	if err := errors.Join(errWrite, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}
