package profile

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
)

// storage says to the user what an error of the disk or the database means
// and what to do. where is the file or folder it is about.
func storage(where string, err error) error {
	var known *client.Error
	if errors.As(err, &known) {
		return err
	}
	e := &client.Error{Code: client.CodeStorage, Err: err}
	switch {
	case isFull(err) && errors.Is(err, sqlite3.IOERR):
		e.Text = "The disk that holds " + where + " is full, and what was written last may be there or not. Free some space and start chat again."
	case isFull(err):
		e.Text = "The disk that holds " + where + " is full. The last change was not written, nothing before it is lost. Free some space and try again."
	case errors.Is(err, errNewer):
		e.Text = "The profile in " + where + " was written by a newer version of chat. Use that version, or a later one."
	case isDamage(err):
		e.Text = "The profile in " + where + " is damaged, and was left as it is. Put the folder back from a copy of it."
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		e.Code = client.CodeBusy
		e.Text = "Another program has opened the database in " + where + ". End it, and try again."
	case errors.Is(err, sqlite3.CONSTRAINT):
		e.Code = client.CodeInternal
		e.Text = "chat tried to write something twice, which is a fault of its own. Nothing of it was written."
	case errors.Is(err, fs.ErrPermission), errors.Is(err, sqlite3.READONLY), errors.Is(err, sqlite3.PERM),
		errors.Is(err, syscall.EROFS):
		e.Text = "This user may not write to " + where + ". Check whom it belongs to, its mode, and whether the disk is mounted read-only."
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, sqlite3.CANTOPEN) && !errors.Is(err, syscall.EIO):
		e.Text = "A file is missing in " + where + " or cannot be opened. Put the folder back from a copy of it."
	default:
		e.Text = "The disk that holds " + where + " has failed, and what was written last may be there or not. Look whether it is sound and has free space; then start chat again."
	}
	return e
}

func isFull(err error) bool {
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// isDamage reports whether the error is about what stands in the files.
func isDamage(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB) ||
		errors.Is(err, sqlite3.IOERR_DATA) || // a checksum does not fit
		errors.Is(err, errEmpty) || errors.Is(err, errCutOff) || errors.Is(err, errLog) || errors.Is(err, errSealed)
}

// errSealed says that something sealed in the database does not open.
var errSealed = errors.New("a sealed part does not open")

// errClosed is for calls after Close, which are a fault of the caller.
var errClosed = &client.Error{Code: client.CodeInternal, Text: "The profile was closed before its last use."}
