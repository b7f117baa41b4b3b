package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

// maxFetchTries is how often a file is asked for while nothing of it comes.
const maxFetchTries = 5

// fetcher reads the sealed bytes of a file from the relay. When the line breaks
// it goes on from where it was.
type fetcher struct {
	ctx   context.Context
	keys  Keys
	lines *transfers
	blob  crypto.FileID
	size  int64

	done  int64
	tries int // since something came
	resp  *http.Response
}

// Read implements io.Reader.
func (f *fetcher) Read(p []byte) (int, error) {
	for f.done < f.size {
		if f.resp == nil {
			if err := f.open(); err != nil {
				return 0, err
			}
		}
		n, err := f.resp.Body.Read(p[:min(int64(len(p)), f.size-f.done)])
		f.done += int64(n)
		if n > 0 {
			f.tries = 0
		}
		if err != nil && f.done < f.size {
			f.Close()
			f.tries++
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// open asks for what is left, again and again while that may help.
func (f *fetcher) open() error {
	var err error
	for ; f.tries < maxFetchTries; f.tries++ {
		if waitErr := f.wait(err); waitErr != nil {
			return waitErr
		}
		f.resp, err = f.lines.do(f.ctx, f.keys, fileCall{method: http.MethodGet, blob: f.blob, from: f.done})
		var refusal *fileRefusal
		switch {
		case f.ctx.Err() != nil:
			f.Close()
			return f.ctx.Err()
		case err == nil && f.fits():
			return nil
		case err == nil:
			f.Close()
			return file.ErrOpen
		case errors.As(err, &refusal), f.done == 0 && errors.Is(err, ErrUnreachable):
			return err // where nothing has come yet, the user hears at once that there is no relay
		}
	}
	if err == nil {
		err = &Error{Code: CodeUnreachable, Text: fmt.Sprintf("The relay at %s breaks off before the file has come. Try again later.", f.keys.Server.Address())}
	}
	return err
}

// wait makes the pause before the next try.
func (f *fetcher) wait(last error) error {
	pause := time.Duration(0)
	if f.tries > 0 {
		pause = jitter(min(firstPause<<(f.tries-1), longPause))
	}
	if slow, ok := slowed(last); ok {
		pause = slow.pause()
	}
	select {
	case <-time.After(pause):
		return nil
	case <-f.ctx.Done():
		return f.ctx.Err()
	}
}

// fits reports whether the answer is about as many bytes as are left, as far as it
// says: something between may not know.
func (f *fetcher) fits() bool {
	want := http.StatusOK
	if f.done > 0 {
		want = http.StatusPartialContent
	}
	return f.resp.StatusCode == want && (f.resp.ContentLength == f.size-f.done || f.resp.ContentLength < 0)
}

// Close ends the present answer.
func (f *fetcher) Close() error {
	if f.resp != nil {
		f.resp.Body.Close()
		f.resp = nil
	}
	return nil
}
