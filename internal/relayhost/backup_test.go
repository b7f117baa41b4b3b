package relayhost

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"secure-messaging/internal/relaystore"
	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// taken is a backup of a data directory.
func taken(t *testing.T, dir string) ([]byte, Backup) {
	t.Helper()
	var b bytes.Buffer
	about, err := TakeBackup(context.Background(), dir, &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), about
}

// TestBackup: while entries and files come and go, a backup holds what was there
// before it began, and the relay goes on. Restored, it is the same relay, and
// gives no number twice.
func TestBackup(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	h, stop := start(t, Config{DataDir: dir})
	bob, from := storetest.NewAddress("bob"), storetest.NewAddress("alice")
	now := func(size int) relay.Entry { // an old one goes as soon as a host has started
		e := storetest.NewEntry(relay.KindMessage, from, size)
		e.Time = protocol.Milli(time.Now())
		return e
	}
	numbers := storetest.Put(t, h.store, bob, now(100), now(200))
	f, content := storetest.NewFile("alice", storetest.FileSize)
	f.Expires = protocol.Milli(time.Now().Add(time.Hour))
	if err := storetest.PutFile(h.store, f, content); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	began := make(chan struct{})
	busy.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			storetest.Put(t, h.store, storetest.NewAddress("carol"), now(300))
			g, b := storetest.NewFile("bob", storetest.FileSize)
			if err := storetest.PutFile(h.store, g, b); err != nil && !errors.Is(err, relay.ErrFilesFull) && !errors.Is(err, relay.ErrOwnerFull) {
				t.Error(err)
			}
			if err := h.store.DeleteFile(context.Background(), g.ID); err != nil && !errors.Is(err, relay.ErrNoFile) {
				t.Error(err)
			}
			if i == 5 {
				close(began)
			}
		}
	})
	<-began
	text, about := taken(t, dir)
	cancel()
	busy.Wait()
	if about.Relay != h.Fingerprint() || about.Format != relaystore.Format || about.Files < 3 {
		t.Errorf("the backup says %+v", about)
	}
	info(t, h) // which goes on
	if left, _ := filepath.Glob(filepath.Join(dir, "*snapshot*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	stop()
	if _, at := taken(t, dir); at.Relay != h.Fingerprint() {
		t.Error("a backup of a relay that does not run is another's")
	}

	restored := filepath.Join(t.TempDir(), "restored")
	if _, err := Restore(context.Background(), bytes.NewReader(text), restored); err != nil {
		t.Fatal(err)
	}
	g, stop := start(t, Config{DataDir: restored})
	defer stop()
	if g.PublicKey() != h.PublicKey() {
		t.Error("the restored relay has another key")
	}
	waiting := storetest.All(t, g.store, bob)
	if len(waiting) != 2 || waiting[1].Seq != numbers[1] {
		t.Errorf("for bob wait %d entries", len(waiting))
	}
	storetest.HoldsFile(t, g.store, f, content, true)
	if next := storetest.Put(t, g.store, bob, now(10)); next[0] < numbers[1]+1<<40 {
		t.Errorf("number %d is given after %d, and may have been given since the backup", next[0], numbers[1])
	}
	if runtime.GOOS != "windows" {
		filepath.Walk(restored, func(path string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() && strings.HasSuffix(path, keyFile) && info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return err
		})
	}
}

// TestRestoreRefuses: what is not a whole backup makes no relay, and leaves
// nothing behind.
func TestRestoreRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	_, stop := start(t, Config{DataDir: dir})
	stop()
	good, _ := taken(t, dir)
	key, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[bytes.Index(good, key)+len(key)/2] ^= 1
	for name, c := range map[string]struct {
		text []byte
		says string
	}{
		"nothing":        {nil, "not a relay's backup"},
		"another file":   {[]byte(strings.Repeat("hello ", 1000)), "not a relay's backup"},
		"cut":            {good[:len(good)*2/3], "not whole"},
		"cut at the end": {good[:bytes.LastIndex(good, []byte(sumsFile))-512], "not whole"},
		"altered":        {flipped, "damaged"},
		"leads out":      {rewritten(t, good, func(h *tar.Header) { h.Name = strings.Replace(h.Name, "store/OPTIONS", "store/../../x", 1) }), "store/../../x"},
		"a link": {rewritten(t, good, func(h *tar.Header) {
			if h.Name == keyFile {
				h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "/etc/passwd", 0
			}
		}), keyFile},
		"something else": {rewritten(t, good, func(h *tar.Header) { h.Name = strings.Replace(h.Name, keyFile, "authorized_keys", 1) }), "authorized_keys"},
		"a newer one":    {bytes.Replace(good, []byte(`{"version":1,`), []byte(`{"version":9,`), 1), "newer version"},
		"no key":         {rewritten(t, good, func(h *tar.Header) { h.Name = strings.Replace(h.Name, keyFile, "store/k", 1) }), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(c.text, good) {
				t.Fatal("it is whole")
			}
			to := filepath.Join(t.TempDir(), "a", "b")
			_, err := Restore(context.Background(), bytes.NewReader(c.text), to)
			if err == nil {
				t.Fatal("it was restored")
			}
			wants(t, err.Error(), c.says)
			if left, err := os.ReadDir(to); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	if _, err := Restore(context.Background(), bytes.NewReader(good), dir); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("into a folder with a relay: %v", err)
	}
	half := t.TempDir() // what is left when the machine goes down in the middle
	if err := os.Mkdir(filepath.Join(half, restoringDir), 0o700); err != nil {
		t.Fatal(err)
	}
	wants(t, refused(t, Config{DataDir: half}), "has not come to its end")
	if _, err := Restore(context.Background(), bytes.NewReader(good), half); !errors.Is(err, errRestoring) {
		t.Errorf("into a folder that is half restored: %v", err)
	}
}

// rewritten is a backup with other headers, whose checksums are right.
func rewritten(t *testing.T, backup []byte, change func(*tar.Header)) []byte {
	t.Helper()
	var out bytes.Buffer
	a := &archiver{w: tar.NewWriter(&out)}
	for r := tar.NewReader(bytes.NewReader(backup)); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == sumsFile {
			break
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		change(h)
		if h.Typeflag != tar.TypeReg {
			if err := a.w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := a.addText(h.Name, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// full is a disk without room.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

// TestBackupFails says why, and harms nobody.
func TestBackupFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := TakeBackup(context.Background(), dir, io.Discard); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("of nothing: %v", err)
	}
	_, stop := start(t, Config{DataDir: dir})
	stop()
	if os.Geteuid() == 0 { // nobody else can give files away
		if err := os.Chown(filepath.Join(dir, storeDir), 1, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := TakeBackup(context.Background(), dir, io.Discard); !errors.Is(err, errOtherUser) {
			t.Errorf("of another user's: %v", err)
		}
		if err := os.Chown(filepath.Join(dir, storeDir), 0, -1); err != nil {
			t.Fatal(err)
		}
	}
	h, stop := start(t, Config{DataDir: dir})
	defer stop()
	err := h.store.Snapshot(context.Background(), func(string) error {
		_, err := TakeBackup(context.Background(), dir, io.Discard)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a second one at a time: %v", err)
	}
	for _, room := range []int{0, 5000} {
		if _, err := TakeBackup(context.Background(), dir, &full{room}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("to a full disk: %v", err)
		}
	}
	if err := os.WriteFile(h.DataDir()+"/store.snapshot", nil, 0o600); err != nil { // of a crash, or of whomever
		t.Fatal(err)
	}
	taken(t, dir)
	var key crypto.RelayPrivate
	if text, err := os.ReadFile(filepath.Join(dir, keyFile)); err != nil || key.UnmarshalText(bytes.TrimSpace(text)) != nil {
		t.Errorf("the key: %v", err)
	}
}

// TestBackupOfLongPath: where the path is too long for the admin socket, no relay
// runs, and a backup does without it.
func TestBackupOfLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	_, stop := start(t, Config{DataDir: dir})
	stop()
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if err := os.Rename(dir, long); err != nil {
		t.Fatal(err)
	}
	taken(t, long)
}
