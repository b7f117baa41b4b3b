package relayhost

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"secure-messaging/internal/relayadmin"
	"secure-messaging/pkg/relay"
)

// TestProfilesAreTheOperators: they are on the admin socket, and nowhere else.
func TestProfilesAreTheOperators(t *testing.T) {
	dir := t.TempDir()
	h, stop := start(t, Config{DataDir: dir, TLS: TLS{Mode: Off}, Metrics: "127.0.0.1:0"})
	defer stop()
	const path = "/debug/pprof/goroutine?debug=1"
	if status, body := get(t, Admin(dir), "http://relay"+path); status != http.StatusOK || !strings.Contains(body, "relayhost.(*Host).Run") {
		t.Errorf("on the admin socket: %d %s", status, body)
	}
	for _, addr := range []string{h.Addr().String(), h.MetricsAddr().String()} {
		if status, body := get(t, once(), "http://"+addr+path); status != http.StatusNotFound {
			t.Errorf("on %s: %d %s", addr, status, body)
		}
	}
}

// TestAdminIsPrivate: nobody else gets to the socket, whatever was there before
// and whatever the umask.
func TestAdminIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing on Windows")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, adminDir), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, adminDir), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(adminPath(dir), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, stop := start(t, Config{DataDir: dir, TLS: TLS{Mode: Off}})
	defer stop()
	for path, mode := range map[string]os.FileMode{adminPath(dir): os.ModeSocket | 0o600, filepath.Dir(adminPath(dir)): os.ModeDir | 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestFolderOfOthers: a relay runs there, and says what is wrong with it.
func TestFolderOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders have no such rights there")
	}
	dir := t.TempDir()
	for mode, said := range map[os.FileMode]bool{0o777: true, 0o755: false} {
		chmod(t, dir, mode)
		var log strings.Builder
		_, stop := start(t, Config{DataDir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		stop()
		if got := strings.Contains(log.String(), "others on this machine can write"); got != said {
			t.Errorf("mode %o: %s", mode, log.String())
		}
	}
}

// TestLongPath: what the relay and its operator's commands say where no socket
// can be.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	var log strings.Builder
	_, stop := start(t, Config{DataDir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	_, err := relayadmin.NewClient(dir, Admin(dir)).Relay(t.Context())
	stop()
	if err == nil {
		t.Fatal("a socket has such a path")
	}
	wants(t, err.Error(), dir, "a shorter path")
	wants(t, log.String(), "no command reaches this relay", "a shorter --data")
}

// TestOperatorCalls: what an operator sees of a relay that nobody has come to,
// and what they hear about what there is not.
func TestOperatorCalls(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	h, stop := start(t, Config{DataDir: dir, Registration: relay.ByInvite})
	c := relayadmin.NewClient(dir, Admin(dir))
	h.Announce("wss://chat.example.org:443")
	about, err := c.Relay(ctx)
	if err != nil || about.URL != "wss://chat.example.org:443" || about.Registration != "invite" || about.Fingerprint != h.Fingerprint() {
		t.Errorf("%+v, %v", about, err)
	}
	made, err := c.Invite(ctx, relayadmin.Order{Uses: 2, Seconds: 3600, Note: "for a friend"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Invites(ctx)
	if err != nil || len(list) != 1 || list[0] != made.Invite || made.Code.Hash().ID() != made.ID || made.Left != 2 {
		t.Errorf("%+v, %v, made was %+v", list, err, made.Invite)
	}
	if err := c.Revoke(ctx, made.ID); err != nil {
		t.Error(err)
	}
	if users, err := c.Users(ctx, "", 10); err != nil || len(users) != 0 {
		t.Errorf("%+v, %v", users, err)
	}
	for name, want := range map[string]string{"nobody": `no user "nobody"`, "../../etc": "no user", "a b/c": "no user"} {
		for _, do := range []func() error{
			func() error { _, err := c.User(ctx, name); return err },
			func() error { return c.Suspend(ctx, name) }, func() error { return c.Resume(ctx, name) }, func() error { return c.Remove(ctx, name) },
		} {
			if err := do(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	for _, o := range []relayadmin.Order{{Uses: 0, Seconds: 60}, {Uses: 1 << 20, Seconds: 60}, {Uses: 1, Seconds: 1}, {Uses: 1, Seconds: 1 << 40}, {Uses: 1, Seconds: 60, Note: "two\nlines"}} {
		if _, err := c.Invite(ctx, o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := c.Users(ctx, "", 0); err == nil {
		t.Error("a page of none was given")
	}
	stop()
	if _, err := c.Stats(ctx); err == nil || !strings.Contains(err.Error(), "no relay runs on") {
		t.Errorf("without a relay: %v", err)
	}
}
