package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

// SendFile implements Account.
func (c *Client) SendFile(ctx context.Context, to, path, text string) (Message, error) {
	if err := checkWords(text); err != nil {
		return Message{}, err
	}
	c.mu.Lock()
	_, err := c.session.mayUpload(to) // before a large file is read for nothing
	c.mu.Unlock()
	if err != nil {
		return Message{}, err
	}
	told, sealed, err := c.sealCopy(ctx, path)
	if err != nil {
		return Message{}, err
	}
	st, err := c.do(func(s *session, now time.Time) (*step, error) { return s.sendFile(to, text, told, sealed, now) })
	if err != nil {
		c.dropCopy(sealed.Blob)
		return Message{}, err
	}
	return st.Messages[0].Message, nil
}

// sealCopy seals a file into the profile.
func (c *Client) sealCopy(ctx context.Context, path string) (told File, sealed SealedFile, err error) {
	src, size, err := openToSend(path)
	if err != nil {
		return told, sealed, err
	}
	defer src.Close()
	told = File{Name: sentName(path), Size: size}
	sealed = SealedFile{Blob: crypto.NewFileID(), Key: file.NewKey()}
	dst, err := c.store.NewCopy(sealed.Blob)
	if err != nil {
		return told, sealed, err
	}
	defer dst.Drop()
	hash := sha256.New()
	err = file.Seal(io.MultiWriter(&storingWriter{dst}, hash), &endingReader{ctx, src}, size, sealed.Key)
	var disk *storingError
	switch {
	case errors.As(err, &disk):
		return told, sealed, disk.error
	case ctx.Err() != nil:
		return told, sealed, ctx.Err()
	case err == file.ErrShort:
		return told, sealed, &Error{Code: CodeConflict, Text: "The file has become shorter while it was read. Send it when nothing writes to it."}
	case err != nil:
		return told, sealed, unreadableFile(path, err)
	}
	copy(sealed.Digest[:], hash.Sum(nil))
	return told, sealed, dst.Keep()
}

// openToSend opens a file that can be sent, and returns its length.
func openToSend(path string) (*os.File, int64, error) {
	if !filepath.IsAbs(path) {
		return nil, 0, &Error{Code: CodeUsage, Text: "The path of a file to send begins at the root."}
	}
	info, err := os.Stat(path) // before it is opened: a pipe would be waited for
	if err == nil {
		err = sendable(info)
	}
	if err != nil {
		return nil, 0, unreadableFile(path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, unreadableFile(path, err)
	}
	if info, err = f.Stat(); err == nil {
		err = sendable(info)
	}
	if err != nil {
		f.Close()
		return nil, 0, unreadableFile(path, err)
	}
	return f, info.Size(), nil
}

func sendable(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return &Error{Code: CodeUsage, Text: "That is a folder. Pack it first, for example with tar, and send that."}
	case !info.Mode().IsRegular():
		return &Error{Code: CodeUsage, Text: "That is no file, but a device, a pipe or a socket."}
	case info.Size() > MaxFile:
		return &Error{Code: CodeUsage, Text: fmt.Sprintf("The file is too large: at most %d MiB go in one message. Split it.", MaxFile>>20)}
	}
	return nil
}

// unreadableFile says why a file cannot be sent. The user has named it; the text
// does not name it again.
func unreadableFile(path string, err error) error {
	var own *Error
	switch {
	case errors.As(err, &own):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Code: CodeUsage, Err: err, Text: "There is no such file. Check the path."}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Code: CodeUsage, Err: err, Text: "The file is not yours to read. Change its mode, or send a copy."}
	}
	return &Error{Code: CodeUsage, Err: err, Text: "The file cannot be read to its end. Try it with another program."}
}

// sentName is the name of a file as others hear it.
func sentName(path string) string {
	name := strings.ToValidUTF8(filepath.Base(path), "_")
	for len(name) > maxFileName {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return name
}

// storingWriter tells errors of the profile's disk from those of the file.
type storingWriter struct{ w io.Writer }

type storingError struct{ error }

// Write implements io.Writer.
func (s *storingWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		err = &storingError{err}
	}
	return n, err
}

// endingReader ends with its caller.
type endingReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (e *endingReader) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.r.Read(p)
}
