package relay_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// watchedFiles tells when an upload has begun, and holds one that is committed
// until somebody has tried to delete it, if it is asked to.
type watchedFiles struct {
	relay.Files
	begun chan struct{}
	tried chan struct{} // nil for no hold
	once  sync.Once
}

func (f *watchedFiles) CreateFile(ctx context.Context, file relay.File) (relay.FileWriter, error) {
	w, err := f.Files.CreateFile(ctx, file)
	if err == nil {
		w = &watchedWriter{w, f}
	}
	f.begun <- struct{}{}
	return w, err
}

func (f *watchedFiles) DeleteFile(ctx context.Context, id crypto.FileID) error {
	err := f.Files.DeleteFile(ctx, id)
	if f.tried != nil {
		f.once.Do(func() { close(f.tried) })
	}
	return err
}

type watchedWriter struct {
	relay.FileWriter
	f *watchedFiles
}

func (w *watchedWriter) Commit(ctx context.Context) error {
	err := w.FileWriter.Commit(ctx)
	if w.f.tried != nil {
		w.f.begun <- struct{}{}
		<-w.f.tried
	}
	return err
}

// upload sends a file whose last bytes wait for finish, which returns the status.
func (w *world) upload(p *person) (finish func() int) {
	b := sealedBytes(200_000)
	from, to := io.Pipe()
	req := w.fileRequest(p, http.MethodPut, crypto.NewFileID(), b)
	req.Body, req.Close = from, true
	status := make(chan int, 1)
	go func() {
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			w.t.Error(err)
			status <- 0
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	return func() int {
		to.Write(b)
		to.Close()
		return <-status
	}
}

func (w *world) filesOf(p *person) int {
	w.t.Helper()
	files, err := w.store.FilesOf(context.Background(), p.cert.User)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(files)
}

// TestFileOfWhoGoes: an upload that is under way when its owner is suspended or
// removed leaves no file.
func TestFileOfWhoGoes(t *testing.T) {
	for name, end := range map[string]func(*relay.Relay, context.Context, crypto.Username) error{
		"suspended": (*relay.Relay).Suspend, "removed": (*relay.Relay).Remove,
	} {
		t.Run(name, func(t *testing.T) {
			f := &watchedFiles{begun: make(chan struct{}, 1)}
			w := newWorld(t, operated, func(c *relay.Config) { f.Files, c.Files = c.Files, f })
			alice := w.register("alice")
			finish := w.upload(alice)
			<-f.begun
			if err := end(w.relay, context.Background(), "alice"); err != nil {
				t.Fatal(err)
			}
			if got := finish(); got != http.StatusForbidden {
				t.Errorf("it is answered with %d", got)
			}
			if n := w.filesOf(alice); n != 0 {
				t.Errorf("%d files are left", n)
			}
			if n := w.relay.Snapshot()[relay.CountFilesStored]; n != 0 {
				t.Errorf("%d are counted as stored", n)
			}
		})
	}
}

// TestRemoveWaitsForFile: a file that is there, and that its upload has not let go
// of yet, is no reason to leave it behind.
func TestRemoveWaitsForFile(t *testing.T) {
	f := &watchedFiles{begun: make(chan struct{}, 1), tried: make(chan struct{})}
	w := newWorld(t, operated, func(c *relay.Config) { f.Files, c.Files = c.Files, f })
	alice := w.register("alice")
	finish := w.upload(alice)
	<-f.begun
	status := make(chan int, 1)
	go func() { status <- finish() }()
	<-f.begun // committed
	if err := w.relay.Remove(context.Background(), "alice"); err != nil {
		t.Fatal(err)
	}
	if n := w.filesOf(alice); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if got := <-status; got != http.StatusForbidden {
		t.Errorf("it is answered with %d", got)
	}
}
