package profile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// Create makes a profile and opens it. It is built beside its place and
// renamed there, so that no half of one is ever found.
func Create(ref Ref, keys client.Keys, first crypto.PrekeyPrivate, passphrase []byte, cost keyfile.Cost) (*Store, error) {
	return CreateFilled(ref, keys, first, passphrase, cost, nil)
}

// CreateFilled is Create for a profile that has something in it from the
// beginning: it is found with all that fill commits, or not at all.
func CreateFilled(ref Ref, keys client.Keys, first crypto.PrekeyPrivate, passphrase []byte, cost keyfile.Cost, fill func(*Store) error) (*Store, error) {
	if ref.exists() {
		return nil, ref.taken()
	}
	if len(passphrase) < keyfile.MinPassphrase {
		return nil, &client.Error{Code: client.CodeUsage, Text: "The passphrase is too short: at least 8 bytes."}
	}
	master, file, err := keyfile.New(passphrase, cost)
	if err != nil {
		return nil, &client.Error{Code: client.CodeUsage, Err: err, Text: "The profile cannot be sealed: " + err.Error() + "."}
	}
	lock, err := place(ref, keys, first, master, file, fill)
	if err != nil {
		master.Clear()
		return nil, err
	}
	defer lock.Release()
	return lock.open(master)
}

// place builds the folder, renames it and returns it locked. The name beside
// the place is always the same, and locked while it is in use: whatever a
// process that was killed has left there is found by the next.
func place(ref Ref, keys client.Keys, first crypto.PrekeyPrivate, master *keyfile.Master, file []byte, fill func(*Store) error) (*Lock, error) {
	temp := ref
	temp.Dir = filepath.Join(filepath.Dir(ref.Dir), ".new-"+filepath.Base(ref.Dir))
	if err := os.MkdirAll(temp.Dir, dirMode); err != nil {
		return nil, storage(temp.Dir, err)
	}
	lock, err := acquire(temp)
	if err != nil {
		return nil, err
	}
	if err := build(temp, keys, first, master, file, fill); err != nil {
		remove(lock)
		return nil, storage(temp.Dir, err)
	}
	if runtime.GOOS == "windows" {
		lock.Release() // no folder with an open file in it can be renamed there
	}
	if err := rename(temp, ref); err != nil {
		lock.Release()
		return nil, errors.Join(err, removeRef(temp))
	}
	if runtime.GOOS == "windows" {
		return Acquire(ref)
	}
	lock.ref = ref
	return lock, nil
}

// build fills an empty, locked folder. The key file comes last.
func build(ref Ref, keys client.Keys, first crypto.PrekeyPrivate, master *keyfile.Master, file []byte, fill func(*Store) error) error {
	if err := empty(ref.Dir); err != nil {
		return err
	}
	key := master.Derive(crypto.LabelProfileDB)
	defer clear(key)
	db, err := createDatabase(ref.path(dbFile), sealing, key)
	if err != nil {
		return err
	}
	err = db.migrate()
	if err == nil {
		err = insertKeys(db, master, keys)
	}
	if err == nil {
		err = insertPrekey(db, master, first)
	}
	if err := errors.Join(err, db.close()); err != nil {
		return err
	}
	if fill != nil {
		if err := filled(ref, master, fill); err != nil {
			return err
		}
	}
	if err := writeFile(ref.path(serverFile), []byte(keys.Server.String()+"\n")); err != nil {
		return err
	}
	if err := writeFile(ref.path(keyFile), file); err != nil {
		return err
	}
	return syncDir(ref.Dir)
}

// filled lets fill commit to the store that is being built.
func filled(ref Ref, master *keyfile.Master, fill func(*Store) error) error {
	s, err := openStore(ref, sealing, master)
	if err != nil {
		return err
	}
	return errors.Join(fill(s), s.db.close()) // not Close, which clears the master key
}

// rename puts a finished folder into its place, after clearing the remains of
// a profile that was not removed in full.
func rename(temp, ref Ref) error {
	if ref.exists() {
		return ref.taken() // by another process, since Create looked
	}
	if _, err := os.Stat(ref.Dir); err == nil {
		if err := removeRef(ref); err != nil {
			return err
		}
	}
	if err := os.Rename(temp.Dir, ref.Dir); err != nil {
		return storage(ref.Dir, err)
	}
	if err := syncDir(filepath.Dir(ref.Dir)); err != nil {
		return storage(ref.Dir, err)
	}
	return nil
}
