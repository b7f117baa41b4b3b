package relay

import (
	"context"
	"errors"
	"io"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// Errors of a store of files, besides those of store.go. ErrConflict says there
// that somebody else is at work on the file.
var (
	ErrFileExists = errors.New("there is a file of that id")
	ErrNoFile     = errors.New("there is no such file")
	ErrOwnerFull  = errors.New("the owner has no room for the file")
	ErrFilesFull  = errors.New("there is no room for the file")
)

// Files stores sealed files, each until it is deleted or has expired. A file is
// never seen in part. Every method may be called from any goroutine.
type Files interface {
	// CreateFile begins to store a file, and keeps its room for it. It returns
	// ErrFileExists, ErrConflict, ErrOwnerFull or ErrFilesFull where that cannot be.
	CreateFile(ctx context.Context, f File) (FileWriter, error)

	// File returns what is known of a file, or ErrNoFile.
	File(ctx context.Context, id crypto.FileID) (File, error)

	// OpenFile returns the bytes of a file as well. They can be read until they
	// are closed, whatever becomes of the file.
	OpenFile(ctx context.Context, id crypto.FileID) (File, FileReader, error)

	// DeleteFile forgets a file, durably. It returns ErrNoFile or ErrConflict.
	DeleteFile(ctx context.Context, id crypto.FileID) error

	// ExpireFiles deletes the files that expire before a time, and returns how
	// many those were.
	ExpireFiles(ctx context.Context, before protocol.UnixMilli) (int, error)
}

// File is what a store knows of a sealed file.
type File struct {
	ID      crypto.FileID
	Owner   crypto.Username
	Size    int64 // bytes
	Digest  [32]byte
	Expires protocol.UnixMilli
}

// FileWriter takes the bytes of a file, on one goroutine. Its Write may return
// ErrFilesFull, and may change the bytes that it is given.
type FileWriter interface {
	io.Writer

	// Commit makes the file be there, durably. It returns an error if there are
	// fewer bytes than were said.
	Commit(ctx context.Context) error

	// Close ends the work. A file that was not committed leaves nothing behind.
	Close() error
}

// FileReader reads the bytes of a file.
type FileReader interface {
	io.ReaderAt
	io.Closer
}
