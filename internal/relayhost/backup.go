package relayhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"secure-messaging/internal/relayadmin"
	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
)

// restoringDir holds what is being restored, until it is whole.
const restoringDir = "restoring"

var errRestoring = errors.New("a restore into this directory has not come to its end; empty it and restore again")

func halfRestored(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, restoringDir))
	return err == nil
}

// backup writes a backup of a store that is open.
func backup(ctx context.Context, w io.Writer, store *relaystore.Store, dir string) error {
	key, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	text, err := key.MarshalText()
	if err != nil {
		return err
	}
	defer clear(text)
	about := Backup{Version: backupVersion, Made: time.Now().UTC().Truncate(time.Second), Relay: key.Public().Fingerprint(), Format: relaystore.Format}
	return store.Snapshot(ctx, func(snapshot string) error {
		return writeBackup(w, about, append(text, '\n'), snapshot)
	})
}

// serveBackup answers with a backup. One that fails before its first byte is
// refused, and any other is cut off, so that nobody takes it for a whole one.
func (h *Host) serveBackup(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/x-tar")
	out := &counting{w: w}
	err := backup(req.Context(), out, h.store, h.dir)
	if err == nil {
		h.log.Info("a backup was taken")
		return
	}
	h.log.Error("a backup has failed", "error", err)
	if out.n > 0 {
		panic(http.ErrAbortHandler)
	}
	relayadmin.Refuse(w, http.StatusServiceUnavailable, err.Error())
}

// counting counts what is written.
type counting struct {
	w io.Writer
	n int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// TakeBackup writes a backup of the relay in a data directory, whether it runs
// or not, and checks what it has written.
func TakeBackup(ctx context.Context, dir string, w io.Writer) (Backup, error) {
	from, to := io.Pipe()
	taken := make(chan error, 1)
	go func() {
		err := takeBackup(ctx, dir, to)
		to.CloseWithError(err)
		taken <- err
	}()
	out := &failing{w: w}
	about, err := ReadBackup(io.TeeReader(from, out), nil)
	from.CloseWithError(errNobodyReads)
	switch cause := <-taken; {
	case out.err != nil:
		return Backup{}, fmt.Errorf("write the backup: %w", out.err)
	case cause != nil && !errors.Is(cause, errNobodyReads):
		return Backup{}, cause
	}
	return about, err
}

// errNobodyReads ends the source of a backup that has turned out to be none.
var errNobodyReads = errors.New("nobody reads the backup")

// failing keeps the error of a writer apart from those of the source.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	f.err = err
	return n, err
}

func takeBackup(ctx context.Context, dir string, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://relay/backup", nil)
	if err != nil {
		return err
	}
	resp, err := Admin(dir).Do(req)
	if errors.Is(err, ErrNotRunning) {
		return backupAtRest(ctx, dir, w)
	}
	if err != nil {
		return fmt.Errorf("ask the relay for a backup: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the relay gives no backup: %w", relayadmin.Refused(resp))
	}
	_, err = io.Copy(w, resp.Body)
	return err
}

// backupAtRest is for a relay that does not run.
func backupAtRest(ctx context.Context, dir string, w io.Writer) (err error) {
	path := filepath.Join(dir, storeDir)
	if state, err := relaystore.Look(path); err == nil && !state.There {
		return fmt.Errorf("there is no relay in %s; name its folder with --data", dir)
	}
	if err := checkOwner(dir); err != nil {
		return fmt.Errorf("%w, or while it runs", err)
	}
	store, err := relaystore.Open(path, relaystore.Options{})
	if err != nil {
		return adviseDir(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return backup(ctx, w, store, dir)
}

// Restore makes a relay from a backup in a directory that is empty or not there.
// Nothing of it can be started before all of it has been checked.
func Restore(ctx context.Context, r io.Reader, dir string) (Backup, error) {
	if err := makeDir(dir); err != nil {
		return Backup{}, fmt.Errorf("make the data directory: %w", adviseDir(err))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Backup{}, adviseDir(err)
	}
	for _, e := range entries {
		switch e.Name() {
		case "lost+found": // of a disk of its own
		case restoringDir:
			return Backup{}, fmt.Errorf("%s: %w", dir, errRestoring)
		default:
			return Backup{}, fmt.Errorf("%s is not empty: it has %q; restore into another directory, or move away what is there", dir, e.Name())
		}
	}
	making := filepath.Join(dir, restoringDir)
	about, err := restore(ctx, r, making)
	if err != nil {
		return Backup{}, errors.Join(err, os.RemoveAll(making))
	}
	for _, name := range []string{storeDir, keyFile} {
		if err := os.Rename(filepath.Join(making, name), filepath.Join(dir, name)); err != nil {
			return Backup{}, err
		}
	}
	if err := os.Remove(making); err != nil {
		return Backup{}, err
	}
	return about, syncDir(dir)
}

// restore makes a relay that is whole.
func restore(ctx context.Context, r io.Reader, dir string) (Backup, error) {
	if err := os.Mkdir(dir, dirMode); err != nil {
		return Backup{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Backup{}, err
	}
	defer root.Close()
	about, err := ReadBackup(r, func(name string, content io.Reader) error { return writeIn(root, name, content) })
	if err != nil {
		return Backup{}, err
	}
	store, err := relaystore.Open(filepath.Join(dir, storeDir), relaystore.Options{})
	if err != nil {
		return Backup{}, err
	}
	err = belongs(ctx, store, filepath.Join(dir, keyFile))
	if err == nil {
		err = store.Restored(ctx)
	}
	return about, errors.Join(err, store.Close())
}

// belongs checks that a key is that of the relay whose data this is.
func belongs(ctx context.Context, store *relaystore.Store, path string) error {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errDamaged
	}
	if err != nil {
		return err
	}
	owner, err := store.Relay(ctx)
	if err == nil && owner != (crypto.RelayPublic{}) && owner != key.Public() {
		err = errDamaged
	}
	return err
}

// writeIn makes a file durably.
func writeIn(root *os.Root, name string, content io.Reader) (err error) {
	if dir := filepath.Dir(filepath.FromSlash(name)); dir != "." {
		if err := root.MkdirAll(dir, dirMode); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Sync(), f.Close())
}

// openSized opens a file that has its size already.
func openSized(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}
