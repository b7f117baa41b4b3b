package relay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// fileMethods admits what can be done with a file.
func (r *Relay) fileMethods(serve http.HandlerFunc) http.Handler {
	const methods = "PUT, GET, DELETE"
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case r.files == nil:
			r.httpRefuse(w, protocol.CodeNotFound, "")
		case req.Method == http.MethodPut, req.Method == http.MethodGet, req.Method == http.MethodDelete:
			serve(w, req)
		case isPreflight(req):
			preflight(w, methods, "Authorization, Range")
		default:
			w.Header().Set("Allow", methods)
			r.httpRefuse(w, protocol.CodeMethod, "")
		}
	})
}

// serveFile finds out who asks, and for what.
func (r *Relay) serveFile(w http.ResponseWriter, req *http.Request) {
	var id crypto.FileID
	if id.UnmarshalText([]byte(strings.TrimPrefix(req.URL.Path, protocol.PathFiles))) != nil || req.URL.RawQuery != "" {
		r.httpRefuse(w, protocol.CodeBadFrame, "the path is /api/files/ and 32 hex digits")
		return
	}
	f, ok := r.proved(w, req, id)
	if !ok {
		return
	}
	if after, ok := r.limiters.FileRequestsOf.Allow(time.Now(), f.Owner); !ok {
		r.tooMany(w, after)
		return
	}
	if req.Method == http.MethodDelete {
		r.deleteFile(w, req, f)
		return
	}
	if !r.limiters.FileTransfersOf.Enter(f.Owner) {
		r.tooMany(w, fullRetry)
		return
	}
	defer r.limiters.FileTransfersOf.Leave(f.Owner)
	line, ok := r.transfers.enter(w)
	if !ok {
		r.tooMany(w, fullRetry)
		return
	}
	defer line.leave()
	if req.Method == http.MethodPut {
		r.storeFile(w, req, f, line)
	} else {
		r.fetchFile(w, req, f, line)
	}
}

// proved checks who makes a request for a file, and returns the file as the
// request describes it.
func (r *Relay) proved(w http.ResponseWriter, req *http.Request, id crypto.FileID) (File, bool) {
	now := time.Now()
	p, ok := protocol.ParseFileProof(req.Header.Get("Authorization"))
	if !ok {
		r.httpRefuse(w, protocol.CodeBadFrame, "the header Authorization is no proof of a device")
		return File{}, false
	}
	cert, err := r.user(req.Context(), p.Address.User)
	if err != nil && !errors.Is(err, ErrNotFound) {
		r.httpStoreError(w, "look-up for a file", err)
		return File{}, false
	}
	asked := crypto.FileRequest{Relay: r.public, Address: p.Address, Method: req.Method, File: id, Time: p.Time.Time(), Digest: p.Digest}
	if req.Method == http.MethodPut {
		asked.Length = req.ContentLength
	}
	if err != nil || cert.Address() != p.Address || !asked.Verify(cert.Login, p.Signature) {
		r.httpRefuse(w, protocol.CodeBadProof, "")
		return File{}, false
	}
	if ok, err := r.mayEnter(req.Context(), cert.User); err != nil {
		r.httpStoreError(w, "look-up for a file", err)
		return File{}, false
	} else if !ok {
		r.httpRefuse(w, protocol.CodeSuspended, "")
		return File{}, false
	}
	if off := now.Sub(p.Time.Time()); off > crypto.FileClock || -off > crypto.FileClock {
		r.httpRefuse(w, protocol.CodeStale, "the clock of this device is off by more than 10 minutes")
		return File{}, false
	}
	return File{ID: id, Owner: cert.User, Size: asked.Length, Digest: p.Digest, Expires: protocol.Milli(now.Add(r.limits.FileAge()))}, true
}

// storeFile takes the bytes of a file. A file that is there already is answered
// without reading them: their hash is what the request is signed for.
func (r *Relay) storeFile(w http.ResponseWriter, req *http.Request, f File, line *transfer) {
	switch {
	case f.Size <= 0:
		r.httpRefuse(w, protocol.CodeBadFrame, "a file has a Content-Length, and is not empty")
		return
	case f.Size > r.limits.FileBytes:
		r.httpRefuse(w, protocol.CodeTooLarge, fmt.Sprintf("a file has at most %d bytes here, sealed", r.limits.FileBytes))
		return
	}
	if !r.takeFile(w, req, f, line) {
		return
	}
	// Whoever suspends or removes an owner has stored that before the files are
	// listed: where the list lacks this one, it is seen here.
	ctx := context.WithoutCancel(req.Context())
	ok, err := r.mayEnter(ctx, f.Owner)
	if !ok {
		err = errors.Join(err, r.dropFile(ctx, f.ID))
	}
	switch {
	case err != nil:
		r.httpStoreError(w, "storing a file", err)
	case !ok:
		r.httpRefuse(w, protocol.CodeSuspended, "")
	default:
		r.counters.add(CountFilesStored)
		w.WriteHeader(http.StatusCreated)
	}
}

// takeFile reads the bytes of a file and stores them. If it is false, the client
// has been told why.
func (r *Relay) takeFile(w http.ResponseWriter, req *http.Request, f File, line *transfer) bool {
	file, err := r.files.CreateFile(req.Context(), f)
	if err != nil {
		r.refuseFile(w, req, f, err)
		return false
	}
	defer file.Close()
	sum, err := copyFile(file, req.Body, line)
	var broken *lineError
	switch {
	case errors.As(err, &broken):
		r.counters.add(CountFilesBroken)
		r.httpRefuse(w, protocol.CodeBadFrame, "the file ended early, or came too slowly")
		return false
	case err == nil && sum != f.Digest:
		r.httpRefuse(w, protocol.CodeBadFrame, "the bytes are not those that the request is signed for")
		return false
	case err == nil:
		err = file.Commit(context.WithoutCancel(req.Context()))
	}
	if err != nil {
		r.refuseFile(w, req, f, err)
		return false
	}
	return true
}

// How long a file that is to go is waited for while somebody is at work on it:
// on one that is there, that is a moment.
const (
	dropTries = 100
	dropPause = 10 * time.Millisecond
)

// dropFile deletes a file, unless it has gone already.
func (r *Relay) dropFile(ctx context.Context, id crypto.FileID) error {
	for range dropTries {
		err := r.files.DeleteFile(ctx, id)
		switch {
		case err == nil, errors.Is(err, ErrNoFile):
			return nil
		case !errors.Is(err, ErrConflict):
			return err
		}
		select {
		case <-time.After(dropPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ErrConflict
}

// lineError is a body that cannot be read to its end.
type lineError struct{ error }

var fileBuffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, fileChunk)) }}

// copyFile reads a body piece by piece, each within its time, and returns the
// hash of what it has written.
func copyFile(dst io.Writer, body io.Reader, line *transfer) (sum [32]byte, err error) {
	buffer := fileBuffers.Get().(*bytes.Buffer)
	defer fileBuffers.Put(buffer)
	piece, hash := buffer.AvailableBuffer()[:fileChunk], sha256.New()
	for {
		line.goOn()
		n, err := io.ReadFull(body, piece)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return sum, &lineError{err}
		}
		hash.Write(piece[:n])
		if _, err := dst.Write(piece[:n]); err != nil {
			return sum, err
		}
		if err != nil {
			return [32]byte(hash.Sum(nil)), nil
		}
	}
}

// refuseFile says why a file was not stored, if it is not there by now.
func (r *Relay) refuseFile(w http.ResponseWriter, req *http.Request, f File, err error) {
	switch {
	case errors.Is(err, ErrFileExists):
		old, err := r.files.File(req.Context(), f.ID)
		switch {
		case err == nil && old.Owner == f.Owner && old.Size == f.Size && old.Digest == f.Digest:
			w.WriteHeader(http.StatusOK)
		case err == nil:
			r.httpRefuse(w, protocol.CodeTaken, "there is another file of that id")
		case errors.Is(err, ErrNoFile): // it has just gone
			r.httpRefuse(w, protocol.CodeUnavailable, "")
		default:
			r.httpStoreError(w, "look-up of a file", err)
		}
	case errors.Is(err, ErrConflict):
		r.httpRefuse(w, protocol.CodeUnavailable, "the same file is being stored or deleted; try again later")
	case errors.Is(err, ErrOwnerFull):
		r.httpRefuse(w, protocol.CodeFilesFull, "")
	case errors.Is(err, ErrFilesFull):
		r.httpRefuse(w, protocol.CodeRelayFull, "")
	default:
		r.httpStoreError(w, "storing a file", err)
	}
}

// fetchFile gives a file, or the part of it that the header Range names, to
// whoever has an account and knows its id.
func (r *Relay) fetchFile(w http.ResponseWriter, req *http.Request, f File, line *transfer) {
	known, file, err := r.files.OpenFile(req.Context(), f.ID)
	if errors.Is(err, ErrNoFile) || err == nil && known.Expires <= protocol.Milli(time.Now()) {
		if err == nil {
			file.Close()
		}
		r.httpRefuse(w, protocol.CodeNoFile, "")
		return
	}
	if err != nil {
		r.httpStoreError(w, "opening a file", err)
		return
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "no-store")
	r.counters.add(CountFilesFetched)
	http.ServeContent(&pacedWriter{w, line}, req, "", time.Time{}, io.NewSectionReader(file, 0, known.Size))
}

// pacedWriter gives each piece its time. It hides what else the writer can do, or
// a whole file would be one piece.
type pacedWriter struct {
	http.ResponseWriter
	line *transfer
}

// Write implements io.Writer.
func (p *pacedWriter) Write(b []byte) (int, error) {
	p.line.goOn()
	return p.ResponseWriter.Write(b)
}

// deleteFile deletes a file of the user. Of others' it says what it says of none.
func (r *Relay) deleteFile(w http.ResponseWriter, req *http.Request, f File) {
	known, err := r.files.File(req.Context(), f.ID)
	if err == nil && known.Owner != f.Owner {
		err = ErrNoFile
	}
	if err == nil {
		err = r.files.DeleteFile(req.Context(), f.ID)
	}
	switch {
	case errors.Is(err, ErrNoFile):
		r.httpRefuse(w, protocol.CodeNoFile, "")
	case errors.Is(err, ErrConflict):
		r.httpRefuse(w, protocol.CodeUnavailable, "")
	case err != nil:
		r.httpStoreError(w, "deleting a file", err)
	default:
		r.counters.add(CountFilesDeleted)
		w.WriteHeader(http.StatusNoContent)
	}
}

// ExpireFiles deletes the files that were kept for as long as they are. The owner
// of the relay calls it now and then.
func (r *Relay) ExpireFiles(ctx context.Context) (dropped int, err error) {
	if r.files == nil {
		return 0, nil
	}
	dropped, err = r.files.ExpireFiles(ctx, protocol.Milli(time.Now()))
	r.counters.addN(CountFilesExpired, dropped)
	return dropped, err
}
