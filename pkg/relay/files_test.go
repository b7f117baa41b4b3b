package relay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// withFiles makes a relay that takes files.
func withFiles(change ...func(*relay.Config)) func(*relay.Config) {
	return func(c *relay.Config) {
		c.Files = c.Mailboxes.(relay.Files)
		for _, f := range change {
			f(c)
		}
	}
}

// fileRequest is a request for a file as an honest device makes it.
func (w *world) fileRequest(p *person, method string, id crypto.FileID, body []byte, change ...func(*crypto.FileRequest)) *http.Request {
	w.t.Helper()
	r := crypto.FileRequest{Relay: w.key.Public(), Address: p.addr(), Method: method, File: id, Time: time.UnixMilli(time.Now().UnixMilli())}
	if method == http.MethodPut {
		r.Length, r.Digest = int64(len(body)), sha256.Sum256(body)
	}
	for _, f := range change {
		f(&r)
	}
	req, err := http.NewRequest(method, w.url(protocol.PathFiles)+id.String(), bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", protocol.FileProof{Address: r.Address, Time: protocol.Milli(r.Time), Signature: r.Sign(p.device), Digest: r.Digest}.String())
	return req
}

func sealedBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

func (w *world) wantStatus(req *http.Request, want int) (http.Header, []byte) {
	w.t.Helper()
	status, header, body := w.do(req)
	if status != want {
		w.t.Fatalf("%s: got %d %.200s, want %d", req.Method, status, body, want)
	}
	return header, body
}

func TestFiles(t *testing.T) {
	w := newWorld(t, withFiles())
	alice, bob := w.register("alice"), w.register("bob")
	id, b := crypto.NewFileID(), sealedBytes(300_000)
	w.wantStatus(w.fileRequest(alice, "PUT", id, b), http.StatusCreated)
	w.wantStatus(w.fileRequest(alice, "PUT", id, b), http.StatusOK) // the answer was lost
	if _, got := w.wantStatus(w.fileRequest(bob, "GET", id, nil), http.StatusOK); !bytes.Equal(got, b) {
		t.Errorf("bob fetches %d other bytes", len(got))
	}
	rest := w.fileRequest(bob, "GET", id, nil)
	rest.Header.Set("Range", "bytes=200000-")
	header, got := w.wantStatus(rest, http.StatusPartialContent)
	if !bytes.Equal(got, b[200_000:]) || header.Get("Content-Range") != "bytes 200000-299999/300000" {
		t.Errorf("of the rest bob fetches %d bytes: %s", len(got), header.Get("Content-Range"))
	}
	w.expectHTTP(w.fileRequest(bob, "DELETE", id, nil), http.StatusNotFound, protocol.CodeNoFile)
	w.wantStatus(w.fileRequest(bob, "GET", id, nil), http.StatusOK)
	w.wantStatus(w.fileRequest(alice, "DELETE", id, nil), http.StatusNoContent)
	w.expectHTTP(w.fileRequest(alice, "DELETE", id, nil), http.StatusNotFound, protocol.CodeNoFile)
	w.expectHTTP(w.fileRequest(bob, "GET", id, nil), http.StatusNotFound, protocol.CodeNoFile)
}

// The bytes that the owner has stored are not read a second time, so a client
// that asks first whether to send them need not send them at all.
func TestFileAgainIsNotRead(t *testing.T) {
	w := newWorld(t, withFiles())
	alice := w.register("alice")
	id, b := crypto.NewFileID(), sealedBytes(100_000)
	w.wantStatus(w.fileRequest(alice, "PUT", id, b), http.StatusCreated)
	req := w.fileRequest(alice, "PUT", id, b)
	req.Header.Set("Expect", "100-continue")
	req.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
		t.Error("the body is sent")
		return 0, io.EOF
	}))
	transport := &http.Transport{ExpectContinueTimeout: patience, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("got %d", resp.StatusCode)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestFileOfAnother(t *testing.T) {
	w := newWorld(t, withFiles())
	alice, bob := w.register("alice"), w.register("bob")
	id, b := crypto.NewFileID(), sealedBytes(5000)
	w.wantStatus(w.fileRequest(alice, "PUT", id, b), http.StatusCreated)
	w.expectHTTP(w.fileRequest(bob, "PUT", id, b), http.StatusConflict, protocol.CodeTaken)
	w.expectHTTP(w.fileRequest(alice, "PUT", id, sealedBytes(5001)), http.StatusConflict, protocol.CodeTaken)
	if _, got := w.wantStatus(w.fileRequest(bob, "GET", id, nil), http.StatusOK); !bytes.Equal(got, b) {
		t.Error("alice's file is another now")
	}
}

func TestAttackFileProof(t *testing.T) {
	w := newWorld(t, withFiles())
	alice, bob := w.register("alice"), w.register("bob")
	stranger := newPerson(w.key.Public(), "stranger")
	id, b := crypto.NewFileID(), sealedBytes(5000)
	for name, req := range map[string]*http.Request{
		"for another relay":      w.fileRequest(alice, "PUT", id, b, func(r *crypto.FileRequest) { r.Relay = crypto.NewRelayPrivate().Public() }),
		"for another method":     w.fileRequest(alice, "PUT", id, b, func(r *crypto.FileRequest) { r.Method = "GET" }),
		"for another file":       w.fileRequest(alice, "PUT", id, b, func(r *crypto.FileRequest) { r.File = crypto.NewFileID() }),
		"for another length":     w.fileRequest(alice, "PUT", id, b, func(r *crypto.FileRequest) { r.Length++ }),
		"in the name of another": w.fileRequest(alice, "PUT", id, b, func(r *crypto.FileRequest) { r.Address = bob.addr() }),
		"of another device":      w.fileRequest(alice, "PUT", id, b, func(r *crypto.FileRequest) { r.Address.Device = crypto.NewDeviceID() }),
		"of a stranger":          w.fileRequest(stranger, "PUT", id, b),
	} {
		t.Run(name, func(t *testing.T) { w.expectHTTP(req, http.StatusForbidden, protocol.CodeBadProof) })
	}
	for _, off := range []time.Duration{crypto.FileClock + time.Minute, -crypto.FileClock - time.Minute} {
		w.expectHTTP(w.fileRequest(alice, "PUT", id, b, func(r *crypto.FileRequest) { r.Time = r.Time.Add(off) }), http.StatusForbidden, protocol.CodeStale)
	}
	altered := w.fileRequest(alice, "PUT", id, b)
	altered.Body = io.NopCloser(bytes.NewReader(sealedBytes(5001)[1:]))
	w.expectHTTP(altered, http.StatusBadRequest, protocol.CodeBadFrame)
	none := w.fileRequest(alice, "PUT", id, b)
	none.Header.Del("Authorization")
	w.expectHTTP(none, http.StatusBadRequest, protocol.CodeBadFrame)
	w.expectHTTP(w.fileRequest(alice, "GET", id, nil), http.StatusNotFound, protocol.CodeNoFile)
	off := func(r *crypto.FileRequest) { r.Time = r.Time.Add(crypto.FileClock - time.Minute) }
	w.wantStatus(w.fileRequest(alice, "PUT", id, b, off), http.StatusCreated)
}

func TestAttackFilePath(t *testing.T) {
	w := newWorld(t, withFiles())
	alice := w.register("alice")
	id, b := crypto.NewFileID(), sealedBytes(5000)
	for _, path := range []string{
		"", id.String()[:31], id.String() + "0", strings.ToUpper("abcdef" + id.String()[6:]), id.String() + ".part", id.String() + "?x=1",
		"%2e%2e%2f%2e%2e%2frelay.key", "..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpa", "%00" + id.String()[1:],
	} {
		for _, method := range []string{"PUT", "GET", "DELETE"} {
			req := w.fileRequest(alice, method, id, b)
			req.URL.RawPath = ""
			u, err := req.URL.Parse(w.url(protocol.PathFiles) + path)
			if err != nil {
				t.Fatal(err)
			}
			req.URL = u
			if status, _, body := w.do(req); status/100 == 2 {
				t.Errorf("%s %q: %d %s", method, path, status, body)
			}
		}
	}
}

func TestFileLimits(t *testing.T) {
	w := newWorld(t, withFiles(func(c *relay.Config) {
		c.Limits.FileBytes, c.Limits.FileTransfersPerUser = 10_000, 1
	}))
	alice, bob := w.register("alice"), w.register("bob")
	w.expectHTTP(w.fileRequest(alice, "PUT", crypto.NewFileID(), sealedBytes(10_001)), http.StatusRequestEntityTooLarge, protocol.CodeTooLarge)
	w.expectHTTP(w.fileRequest(alice, "PUT", crypto.NewFileID(), nil), http.StatusBadRequest, protocol.CodeBadFrame)
	w.wantStatus(w.fileRequest(alice, "PUT", crypto.NewFileID(), sealedBytes(10_000)), http.StatusCreated)

	begun := w.begin(alice, crypto.NewFileID(), sealedBytes(10_000), 1)
	defer begun.Close()
	if h := w.expectHTTP(w.fileRequest(alice, "PUT", crypto.NewFileID(), sealedBytes(100)), http.StatusTooManyRequests, protocol.CodeRateLimited); h.Get("Retry-After") == "" {
		t.Error("alice is not told when to come again")
	}
	w.wantStatus(w.fileRequest(bob, "PUT", crypto.NewFileID(), sealedBytes(100)), http.StatusCreated)
}

// begin sends a part of a file and returns the connection, when the relay is at it.
func (w *world) begin(p *person, id crypto.FileID, b []byte, n int) net.Conn {
	w.t.Helper()
	req := w.fileRequest(p, "PUT", id, b)
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\nAuthorization: %s\r\n\r\n", req.URL.Path, len(b), req.Header.Get("Authorization"))
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	answer := make([]byte, len(goOn))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != goOn {
		w.t.Fatalf("the relay says %q, %v", answer, err)
	}
	conn.Write(b[:n])
	return conn
}

// status reads the first line of an answer.
func statusOf(conn net.Conn) string {
	line := make([]byte, len("HTTP/1.1 400"))
	if _, err := io.ReadFull(conn, line); err != nil {
		return err.Error()
	}
	return string(line[len("HTTP/1.1 "):])
}

// A file that was begun and not ended leaves nothing, and its id is free again.
func TestFileCutOff(t *testing.T) {
	w := newWorld(t, withFiles())
	alice := w.register("alice")
	id, b := crypto.NewFileID(), sealedBytes(200_000)
	conn := w.begin(alice, id, b, 150_000)
	w.expectHTTP(w.fileRequest(alice, "GET", id, nil), http.StatusNotFound, protocol.CodeNoFile)
	w.expectHTTP(w.fileRequest(alice, "PUT", id, b), http.StatusServiceUnavailable, protocol.CodeUnavailable)
	conn.(*net.TCPConn).CloseWrite()
	if got := statusOf(conn); got != strconv.Itoa(http.StatusBadRequest) {
		t.Errorf("the end of the line is answered by %s", got)
	}
	conn.Close()
	w.wantStatus(w.fileRequest(alice, "PUT", id, b), http.StatusCreated)
}

// A relay that ends does not wait for files.
func TestFilesEndWithRelay(t *testing.T) {
	w := newWorld(t, withFiles())
	alice := w.register("alice")
	id, b := crypto.NewFileID(), sealedBytes(200_000)
	conn := w.begin(alice, id, b, 100_000)
	defer conn.Close()
	began := time.Now()
	w.stop()
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %v to end", took)
	}
	w.start(withFiles())
	w.expectHTTP(w.fileRequest(alice, "GET", id, nil), http.StatusNotFound, protocol.CodeNoFile)
	w.wantStatus(w.fileRequest(alice, "PUT", id, b), http.StatusCreated)
}

func TestNoFilesHere(t *testing.T) {
	w := newWorld(t)
	alice := w.register("alice")
	for _, method := range []string{"PUT", "GET", "DELETE"} {
		w.expectHTTP(w.fileRequest(alice, method, crypto.NewFileID(), []byte("x")), http.StatusNotFound, protocol.CodeNotFound)
	}
	w = newWorld(t, withFiles())
	h := w.expectHTTP(w.fileRequest(alice, "POST", crypto.NewFileID(), nil), http.StatusMethodNotAllowed, protocol.CodeMethod)
	if h.Get("Allow") != "PUT, GET, DELETE" {
		t.Errorf("allowed is %q", h.Get("Allow"))
	}
}

// fullFiles is a store whose disk is full, or fails.
type fullFiles struct {
	relay.Files
	err error
}

func (f fullFiles) CreateFile(context.Context, relay.File) (relay.FileWriter, error) {
	return nil, f.err
}

func TestFilesFull(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   protocol.Code
	}{
		{relay.ErrOwnerFull, http.StatusInsufficientStorage, protocol.CodeFilesFull},
		{relay.ErrFilesFull, http.StatusInsufficientStorage, protocol.CodeRelayFull},
		{errors.New("the disk"), http.StatusServiceUnavailable, protocol.CodeUnavailable},
	} {
		w := newWorld(t, withFiles(func(cfg *relay.Config) { cfg.Files = fullFiles{cfg.Files, c.err} }))
		w.expectHTTP(w.fileRequest(w.register("alice"), "PUT", crypto.NewFileID(), sealedBytes(10)), c.status, c.code)
		select {
		case <-w.relay.Fatal():
			t.Errorf("%v has ended the relay", c.err)
		default:
		}
	}
}

// What was kept for long enough is gone, also before anybody has looked.
func TestFilesExpire(t *testing.T) {
	w := newWorld(t, withFiles())
	alice := w.register("alice")
	b := sealedBytes(10)
	old := relay.File{ID: crypto.NewFileID(), Owner: "alice", Size: 10, Digest: sha256.Sum256(b), Expires: protocol.Milli(time.Now().Add(-time.Second))}
	file, err := w.store.CreateFile(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	file.Write(bytes.Clone(b))
	if err := errors.Join(file.Commit(t.Context()), file.Close()); err != nil {
		t.Fatal(err)
	}
	id := crypto.NewFileID()
	w.wantStatus(w.fileRequest(alice, "PUT", id, b), http.StatusCreated)
	w.expectHTTP(w.fileRequest(alice, "GET", old.ID, nil), http.StatusNotFound, protocol.CodeNoFile)
	if n, err := w.relay.ExpireFiles(t.Context()); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	w.wantStatus(w.fileRequest(alice, "GET", id, nil), http.StatusOK)
}
