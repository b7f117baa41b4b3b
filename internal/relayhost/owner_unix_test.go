//go:build unix

package relayhost

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestCheckAsRoot: an administrator may look at a relay that has a user of its own,
// as it does under systemd, and sees what of it is somebody else's; started on it,
// a relay makes nothing in it.
func TestCheckAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to another user: sudo go test ./internal/relayhost -run CheckAsRoot")
	}
	const relays, others = 61234, 61235
	cfg := Config{DataDir: filepath.Join(t.TempDir(), "data"), Addr: "127.0.0.1:0"}
	_, stop := start(t, cfg)
	stop()
	if err := filepath.WalkDir(cfg.DataDir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, relays, relays)
	}); err != nil {
		t.Fatal(err)
	}
	if got := problems(Check(cfg)); got != "" {
		t.Errorf("found: %s", got)
	}
	wants(t, refused(t, cfg), "belongs to another user")
	if err := filepath.WalkDir(cfg.DataDir, func(path string, d fs.DirEntry, err error) error {
		if info, err := d.Info(); err != nil || ours(info) {
			t.Errorf("%s is root's now, which keeps the relay from it: %v", path, err)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if err := os.Chown(filepath.Join(cfg.DataDir, keyFile), others, others); err != nil {
		t.Fatal(err)
	}
	found(t, Check(cfg), "key", Problem, "belongs to another user")
}
