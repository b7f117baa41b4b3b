package profile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gofrs/flock"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

// Lock is the ownership of a profile by this process. It ends with the
// process, however that ends.
type Lock struct {
	ref   Ref
	flock *flock.Flock // nil once released, or handed to a Store
}

// Acquire takes a profile for this process without waiting. The error is
// client.ErrBusy when another process has it, client.ErrNotFound when there is
// no such profile.
func Acquire(ref Ref) (*Lock, error) {
	if !ref.exists() {
		return nil, ref.missing()
	}
	return acquire(ref)
}

// acquire takes the lock of a folder, which need not be a whole profile.
func acquire(ref Ref) (*Lock, error) {
	path := ref.path(lockFile)
	l := flock.New(path, flock.SetPermissions(fileMode))
	ok, err := l.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ref.missing() // the folder is gone
	}
	if err != nil {
		return nil, storage(ref.Dir, err)
	}
	if !ok {
		return nil, &client.Error{Code: client.CodeBusy, Text: "Another process is using the profile of " + ref.Name + " at " + ref.Server + ". Wait until it has finished, or end it."}
	}
	// The folder may have been removed, or renamed, between opening and locking.
	held, err1 := l.Stat()
	named, err2 := os.Stat(path)
	if err1 != nil || err2 != nil || !os.SameFile(held, named) {
		l.Unlock()
		return nil, ref.missing()
	}
	return &Lock{ref: ref, flock: l}, nil
}

// Release gives the profile up. After a successful Open it does nothing: the
// lock is the store's then.
func (l *Lock) Release() {
	if l.flock != nil {
		l.flock.Unlock() // closes the file; nothing can be done if that fails
		l.flock = nil
	}
}

// Open unlocks the profile. The error is client.ErrLocked when the passphrase
// is wrong; the lock is still held then, for another try.
func (l *Lock) Open(passphrase []byte) (*Store, error) {
	master, err := masterOf(l.ref, passphrase)
	if err != nil {
		return nil, err
	}
	return l.open(master)
}

// Prove checks a passphrase without opening the profile, which another process
// may hold. The error is client.ErrLocked when it is wrong.
func Prove(ref Ref, passphrase []byte) error {
	master, err := masterOf(ref, passphrase)
	if err == nil {
		master.Clear()
	}
	return err
}

// masterOf opens the key file of a profile.
func masterOf(ref Ref, passphrase []byte) (*keyfile.Master, error) {
	b, err := os.ReadFile(ref.path(keyFile))
	switch {
	case errors.Is(err, fs.ErrNotExist) && ref.exists():
		return nil, &client.Error{Code: client.CodeStorage, Err: err, Text: "The key file " + ref.path(keyFile) + " is missing, and nothing can be read without it. Put it back from a copy of the profile's folder. If there is none, or the profile was being removed, clear what is left with: chat logout " + ref.Name}
	case errors.Is(err, fs.ErrNotExist):
		return nil, ref.missing()
	case err != nil:
		return nil, storage(ref.Dir, err)
	}
	master, err := keyfile.Open(b, passphrase)
	switch {
	case errors.Is(err, keyfile.ErrPassphrase):
		return nil, &client.Error{Code: client.CodeLocked, Err: err, Text: "That is not the passphrase of " + ref.Name + ". Try again; there is no way around it."}
	case err != nil:
		return nil, &client.Error{Code: client.CodeStorage, Err: err, Text: "The key file " + ref.path(keyFile) + " is damaged. Put it back from a copy of the profile's folder."}
	}
	return master, nil
}

// open hands master and lock to a store, or clears the one and keeps the other.
func (l *Lock) open(master *keyfile.Master) (*Store, error) {
	s, err := openStore(l.ref, sealing, master)
	if err != nil {
		master.Clear()
		return nil, err
	}
	s.lock, l.flock = &Lock{ref: l.ref, flock: l.flock}, nil
	return s, nil
}

// Remove deletes a profile, the key file first: without it the rest is noise.
// It is not claimed that the disk forgets the blocks.
func Remove(ref Ref) error {
	if !ref.exists() {
		return ref.missing()
	}
	return removeRef(ref)
}

// removeRef deletes a profile or what is left of one.
func removeRef(ref Ref) error {
	l, err := acquire(ref)
	if err != nil {
		return err
	}
	return remove(l)
}

// remove deletes a locked folder and gives up the lock.
func remove(l *Lock) error {
	defer l.Release()
	ref := l.ref
	if err := os.Remove(ref.path(keyFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage(ref.Dir, err)
	}
	if err := syncDir(ref.Dir); err != nil {
		return storage(ref.Dir, err)
	}
	if err := empty(ref.Dir); err != nil {
		return storage(ref.Dir, err)
	}
	if runtime.GOOS == "windows" {
		l.Release() // no open file can be deleted there
	}
	// The lock goes last, and while it is held: a new profile may take the
	// place at once, and its lock must not be the one that is deleted. Should
	// one have been renamed over the empty folder, deleting the folder fails.
	os.Remove(ref.path(lockFile))
	os.Remove(ref.Dir)
	if path, err := SocketPath(ref); err == nil {
		os.Remove(path)
	}
	return nil
}

// empty deletes all in a folder but its lock.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
