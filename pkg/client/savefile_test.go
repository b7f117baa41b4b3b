package client_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
	"secure-messaging/pkg/protocol"
)

// cutter breaks answers off after some bytes of a file, so often.
type cutter struct {
	http.Handler
	cuts  atomic.Int64
	after int
	asked chan string // headers Range
}

type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *cutWriter) Write(b []byte) (int, error) {
	if c.left -= len(b); c.left < 0 {
		http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(b)
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodGet && strings.HasPrefix(req.URL.Path, "/api/files/") {
		c.asked <- req.Header.Get("Range")
		if c.cuts.Add(-1) >= 0 {
			w = &cutWriter{w, c.after}
		}
	}
	c.Handler.ServeHTTP(w, req)
}

// A download that breaks goes on from where it was.
func TestSaveGoesOn(t *testing.T) {
	r, alice, bob := pair(t, nil)
	path, content := testFile(t, "a", 1_000_000)
	must(alice.SendFile(t.Context(), "bob", path, ""))
	here := bob.file()
	c := &cutter{Handler: r.web.Config.Handler, after: 400_000, asked: make(chan string, 10)}
	c.cuts.Store(2)
	r.web.Config.Handler = c
	wantFile(t, must(bob.SaveFile(t.Context(), here.Cursor, t.TempDir())), content)
	for i, far := range []bool{false, true, true} {
		if got := <-c.asked; (got != "") != far || got == "bytes=0-" {
			t.Errorf("request %d asks for %q", i, got)
		}
	}
	if len(c.asked) > 0 {
		t.Errorf("%d requests more", len(c.asked))
	}
}

// Who does not want to wait any longer is left with nothing.
func TestSaveEnds(t *testing.T) {
	r, alice, bob := pair(t, nil)
	path, _ := testFile(t, "a", 1_000_000)
	must(alice.SendFile(t.Context(), "bob", path, ""))
	here := bob.file()
	c := &cutter{Handler: r.web.Config.Handler, after: 0, asked: make(chan string, 10)}
	c.cuts.Store(10)
	r.web.Config.Handler = c
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-c.asked
		cancel()
	}()
	dir := t.TempDir()
	if saved, err := bob.SaveFile(ctx, here.Cursor, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("saved to %q, %v", saved, err)
	}
	wantEmpty(t, dir)
}

// A machine whose clock is off goes by the relay's.
func TestFileOfAnotherTime(t *testing.T) {
	const off = 3 * time.Hour
	r, alice, bob := pair(t, nil)
	path, _ := testFile(t, "a", 1000)
	next := r.web.Config.Handler
	proofs := make(chan protocol.FileProof, 10)
	r.web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p, ok := protocol.ParseFileProof(req.Header.Get("Authorization"))
		switch {
		case !ok:
			next.ServeHTTP(w, req)
		case time.Until(p.Time.Time()) < off-time.Minute: // a relay that lives in the future
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusForbidden)
			w.Write(protocol.EncodeBody(protocol.HTTPError{Code: protocol.CodeStale, Message: "the clock is off"}))
		default:
			proofs <- p
			w.WriteHeader(http.StatusCreated)
		}
	})
	must(alice.SendFile(t.Context(), "bob", path, ""))
	bob.file()
	if p := <-proofs; time.Until(p.Time.Time()) > off+time.Minute {
		t.Errorf("the proof is of %v", p.Time.Time())
	}
}

// A person whose sender lies, or whose relay does, is left with nothing but a
// sentence.
func TestHostileFiles(t *testing.T) {
	r, alice, _ := pair(t, nil)
	ctx := t.Context()
	path, content := testFile(t, "a", 100_000)
	sent := must(alice.SendFile(ctx, "bob", path, ""))
	alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == sent.ID && e.Message.State == client.Delivered })

	server, key, err := client.Meet(ctx, r.server)
	if err != nil {
		t.Fatal(err)
	}
	keys, first, err := client.NewKeys(server, key, "carol", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Register(ctx, keys, first); err != nil {
		t.Fatal(err)
	}
	store := client.NewMemStore(keys, first)
	carol := must(client.New(store))
	truth := client.SealedOf(alice.Client, sent.Cursor)
	for name, c := range map[string]struct {
		lie  func(*client.SealedFile, *client.File)
		want error // nil: it is saved
		as   string
	}{
		"the truth":      {func(*client.SealedFile, *client.File) {}, nil, "a"},
		"wrong hash":     {func(s *client.SealedFile, _ *client.File) { s.Digest[0]++ }, client.ErrRefused, ""},
		"wrong key":      {func(s *client.SealedFile, _ *client.File) { s.Key = file.NewKey() }, client.ErrRefused, ""},
		"too small":      {func(_ *client.SealedFile, f *client.File) { f.Size-- }, client.ErrRefused, ""},
		"much too small": {func(_ *client.SealedFile, f *client.File) { f.Size = 1 }, client.ErrRefused, ""},
		"too large":      {func(_ *client.SealedFile, f *client.File) { f.Size *= 2 }, client.ErrRefused, ""},
		"a terabyte":     {func(_ *client.SealedFile, f *client.File) { f.Size = 1 << 40 }, client.ErrRefused, ""},
		"no such blob":   {func(s *client.SealedFile, _ *client.File) { s.Blob = crypto.NewFileID() }, client.ErrNotFound, ""},
		"a path":         {func(_ *client.SealedFile, f *client.File) { f.Name = "../../etc/passwd" }, nil, "passwd"},
		"hidden":         {func(_ *client.SealedFile, f *client.File) { f.Name = ".bashrc" }, nil, "bashrc"},
	} {
		t.Run(name, func(t *testing.T) {
			f, sealed := client.File{Name: "a", Size: int64(len(content))}, truth
			c.lie(&sealed, &f)
			ch := &client.Changes{Messages: []client.NewMessage{{
				Author: crypto.Address{User: "alice", Device: crypto.NewDeviceID()}, Sealed: &sealed,
				Message: client.Message{ID: crypto.NewMessageID().String(), Contact: "alice", From: "alice", Type: client.TypeFile, File: &f, State: client.Received},
			}}}
			if err := store.Commit(ch); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			saved, err := carol.SaveFile(ctx, ch.Messages[0].Cursor, dir)
			if !errors.Is(err, c.want) || c.want != nil && err == nil {
				t.Errorf("%q, %v", saved, err)
			}
			if c.want != nil {
				wantEmpty(t, dir)
				return
			}
			wantFile(t, filepath.Join(dir, c.as), content)
		})
	}
}

// Nothing that exists is written over, and no folder is made.
func TestSaveTargets(t *testing.T) {
	_, alice, bob := pair(t, nil)
	path, content := testFile(t, "a", 1000)
	must(alice.SendFile(t.Context(), "bob", path, ""))
	here := bob.file()
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := errors.Join(os.WriteFile(there, []byte("mine"), 0o644), os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{there, filepath.Join(dir, "link"), filepath.Join(dir, "no", "folder"), filepath.Join(dir, "new") + "/", there + "/a", "relative"} {
		if saved, err := bob.SaveFile(t.Context(), here.Cursor, to); !errors.Is(err, client.ErrUsage) {
			t.Errorf("%s: saved to %q, %v", to, saved, err)
		}
	}
	wantFile(t, there, []byte("mine"))
	if _, err := os.Lstat(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a link was followed")
	}
	saved := must(bob.SaveFile(t.Context(), here.Cursor, filepath.Join(dir, "mine.bin")))
	wantFile(t, saved, content)
	if info, err := os.Stat(saved); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	text := must(alice.Send(t.Context(), "bob", "no file"))
	if _, err := alice.SaveFile(t.Context(), text.Cursor, dir); !errors.Is(err, client.ErrUsage) {
		t.Errorf("the file of a text: %v", err)
	}
}
