package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"secure-messaging/pkg/crypto/file"
)

const (
	// maxSaves is how many files are saved at a time; others wait. A relay serves
	// as many to one account, and uploads besides.
	maxSaves = 4
	// maxNumbered is how many files of one name a folder may have.
	maxNumbered = 1000
)

// SaveFile implements Account.
func (c *Client) SaveFile(ctx context.Context, cursor int64, path string) (string, error) {
	m, err := c.fileAt(cursor)
	if err != nil {
		return "", err
	}
	target, err := newTarget(path, m.File.Name)
	if err != nil {
		return "", err
	}
	select {
	case c.saves <- struct{}{}:
		defer func() { <-c.saves }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	saved, err := c.saveTo(ctx, m, target)
	if err != nil {
		c.tellProgress(m.Message, 0) // it is not under way any more
		return "", err
	}
	id, err := m.id()
	if err == nil {
		_, err = c.do(func(*session, time.Time) (*step, error) {
			st := &step{}
			st.Saves = []Save{{m.Author, id, saved}}
			return st, nil
		})
	}
	return saved, err
}

// fileAt returns a message whose file can be fetched.
func (c *Client) fileAt(cursor int64) (NewMessage, error) {
	m, err := c.store.Place(cursor)
	switch {
	case errors.Is(err, ErrNotFound):
		return m, &Error{Code: CodeNotFound, Text: "That message is not here, or not any more."}
	case err != nil:
		return m, err
	case m.Deleted:
		return m, errDeleted
	case m.Type != TypeFile || m.File == nil || m.Sealed == nil:
		return m, &Error{Code: CodeUsage, Text: "That message has no file. See which have one: chat history"}
	}
	id, err := m.id()
	if err != nil {
		return m, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, waits := c.session.uploadOf(id); waits && m.Outgoing() {
		return m, &Error{Code: CodeConflict, Text: "That file is still on its way to the relay. You have it on this machine."}
	}
	return m, nil
}

// saveTo fetches a file into one beside the target, which becomes the target when
// all of it has opened.
func (c *Client) saveTo(ctx context.Context, m NewMessage, target target) (saved string, err error) {
	part, err := os.CreateTemp(target.dir, ".chat-*.part") // for its user alone
	if err != nil {
		return "", notWritten(err)
	}
	defer os.Remove(part.Name()) // if it is still there
	defer part.Close()
	hash, sealed := sha256.New(), file.SealedSize(m.File.Size)
	fetched := &fetcher{ctx: ctx, keys: c.session.keys, lines: c.newTransfers(), blob: m.Sealed.Blob, size: sealed}
	defer fetched.Close()
	err = file.Open(&storingWriter{part}, io.TeeReader(c.progress(fetched, m.Message, sealed), hash), m.File.Size, m.Sealed.Key)
	var disk *storingError
	var refusal *fileRefusal
	again := " Ask " + m.From + " to send it again."
	if m.Outgoing() {
		again = " You have sent it yourself: send it again."
	}
	switch {
	case errors.As(err, &disk):
		return "", notWritten(disk.error)
	case errors.As(err, &refusal):
		return "", &Error{Code: CodeNotFound, Err: err, Text: "The file cannot be fetched: " + refusal.why + "." + again}
	case err == file.ErrOpen, err == nil && [32]byte(hash.Sum(nil)) != m.Sealed.Digest:
		return "", &Error{Code: CodeRefused, Text: "What the relay gave is not the file that " + m.From + " sent, and was thrown away." + again}
	case err != nil:
		return "", err
	}
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return "", notWritten(err)
	}
	return target.take(part.Name())
}

// target is where a file is to be written.
type target struct {
	dir   string
	name  string
	fixed bool // the user has given the name
}

// newTarget looks at a path that the user has given.
func newTarget(path, sentAs string) (target, error) {
	if !filepath.IsAbs(path) {
		return target{}, &Error{Code: CodeUsage, Text: "The path to save a file to begins at the root."}
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return target{dir: path, name: FileName(sentAs)}, nil
	}
	if _, err := os.Lstat(path); err == nil {
		return target{}, errThere
	}
	if strings.HasSuffix(path, string(filepath.Separator)) {
		return target{}, errNoFolder
	}
	dir, name := filepath.Split(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return target{}, errNoFolder
	}
	return target{dir: dir, name: name, fixed: true}, nil
}

var (
	errThere    = &Error{Code: CodeUsage, Text: "There is something at that path already, and nothing is written over. Name another."}
	errNoFolder = &Error{Code: CodeUsage, Text: "There is no such folder to save to. Make it first, or name another."}
)

// take gives a finished part its name, or in a folder the first that is free.
func (t target) take(part string) (string, error) {
	for n := range maxNumbered {
		path := filepath.Join(t.dir, numberedName(t.name, n))
		err := moveTo(part, path)
		switch {
		case err == nil:
			syncFolder(t.dir)
			return path, nil
		case !errors.Is(err, fs.ErrExist):
			return "", notWritten(err)
		case t.fixed:
			return "", errThere
		}
	}
	return "", &Error{Code: CodeUsage, Text: "The folder is full of files of that name. Name a file to write to."}
}

// moveTo gives a file a name that nothing has. Where the disk knows no second
// names, the name is taken first, and then what was taken is replaced.
func moveTo(part, path string) error {
	err := os.Link(part, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	place, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	place.Close()
	if err := os.Rename(part, path); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// syncFolder puts a new name on the disk, where the system lets us. If it does
// not, the file is there all the same.
func syncFolder(dir string) {
	if f, err := os.Open(dir); err == nil {
		f.Sync()
		f.Close()
	}
}

func isDiskFull(err error) bool {
	const windowsDiskFull = syscall.Errno(112)
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || runtime.GOOS == "windows" && errors.Is(err, windowsDiskFull)
}

// notWritten says why a file is not saved. The disk is the user's, not the
// profile's.
func notWritten(err error) error {
	text := "The file cannot be written there. Name another folder, or look at the disk."
	switch {
	case errors.Is(err, fs.ErrPermission):
		text = "That folder is not yours to write to. Name another."
	case isDiskFull(err):
		text = "The disk is full. Free some space, then save the file again."
	}
	return &Error{Code: CodeUsage, Err: err, Text: text}
}
