package relay_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// dripping gives so many bytes of a body at a time, with pauses before each.
type dripping struct {
	b     []byte
	each  int
	pause time.Duration
}

func (d *dripping) Read(p []byte) (int, error) {
	if len(d.b) == 0 {
		return 0, io.EOF
	}
	time.Sleep(d.pause)
	n := copy(p, d.b[:min(d.each, len(d.b))])
	d.b = d.b[n:]
	return n, nil
}

// A file may take minutes on a slow line. One that comes byte by byte is cut off,
// and its place is free.
func TestFileSlowBody(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice := w.insert("alice")
		id, b := crypto.NewFileID(), sealedBytes(400_000)
		send := func(body io.Reader) (status int, took time.Duration) {
			req := w.fileRequest(alice, "PUT", id, b)
			req.Body = io.NopCloser(body)
			req.Close = true
			took = within(func() {
				resp, err := (&http.Transport{DialContext: w.pipes.dial}).RoundTrip(req)
				if err != nil {
					return // the relay has hung up
				}
				resp.Body.Close()
				status = resp.StatusCode
			})
			return status, took
		}
		if status, took := send(&dripping{b, 1, 10 * time.Second}); status/100 == 2 || took > time.Minute {
			t.Errorf("byte by byte: %d after %v", status, took)
		}
		if status, took := send(&dripping{b, 32 << 10, 12 * time.Second}); status != http.StatusCreated || took < 2*time.Minute {
			t.Errorf("slowly: %d after %v", status, took)
		}
	}, withFiles(func(c *relay.Config) { c.Limits.FileTransfersPerUser = 1 }))
}

// A reader that takes its time is served to the end, one that takes nothing is not
// waited for.
func TestFileSlowReader(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice := w.insert("alice")
		id, b := crypto.NewFileID(), sealedBytes(400_000)
		w.wantStatus(w.fileRequest(alice, "PUT", id, b), http.StatusCreated)
		read := func(pause time.Duration) ([]byte, error) {
			req := w.fileRequest(alice, "GET", id, nil)
			req.Close = true
			resp, err := (&http.Transport{DialContext: w.pipes.dial}).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var got bytes.Buffer
			for {
				time.Sleep(pause)
				if _, err := io.CopyN(&got, resp.Body, 32<<10); err == io.EOF {
					return got.Bytes(), nil
				} else if err != nil {
					return got.Bytes(), err
				}
			}
		}
		if got, err := read(12 * time.Second); err != nil || !bytes.Equal(got, b) {
			t.Errorf("slowly: %d bytes, %v", len(got), err)
		}
		if got, err := read(2 * time.Minute); err == nil {
			t.Errorf("who takes nothing for two minutes gets %d bytes", len(got))
		}
	}, withFiles())
}
