//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// TestOperatorTerminal: a QR code is drawn where it fits, and a backup, which has the
// relay's key in it, never.
func TestOperatorTerminal(t *testing.T) {
	env := environment(t.TempDir())
	r := startRelay(t, env)
	for columns, says := range map[int]string{100: "▀▀▀▀▀▀▀", 30: "takes a window of"} {
		s := startScreen(t, env, columns, 40, "server", "invite", "create", "--data", r.dir)
		s.until(says)
		if code := s.exit(); code != 0 {
			t.Errorf("in %d columns: exit code %d", columns, code)
		}
	}
	s := startScreen(t, env, 100, 40, "server", "backup", "-", "--data", r.dir)
	s.until("a terminal is no place for that")
	if code := s.exit(); code != 2 {
		t.Errorf("exit code %d", code)
	}
}

// TestStatsInTerminal: the numbers go on by themselves, over a restart of the
// relay and in a small terminal, and the last of them stay behind.
func TestStatsInTerminal(t *testing.T) {
	dir := t.TempDir()
	env, pass := environment(dir), filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startRelay(t, env)
	s := startScreen(t, env, 100, 30, "server", "stats", "--data", r.dir)
	s.until("connected     0, 0 not logged in", "store errors")
	run(t, env, "", "chat", "login", "alice", "--server", r.url, "--passphrase-file", pass)
	alice := startScreen(t, env, 80, 24, "chat", "--as", "alice", "--passphrase-file", pass)
	s.until("connected     1, 0 not logged in", "/s) handed on")

	if err := r.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.until("no relay runs", "It is asked every second")
	s.gone("connected")
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	s.until("connected     1, 0 not logged in", "/s) handed on")
	s.gone("It is asked")

	s.resize(20, 3)
	s.await("a page that fits", func(text string) bool {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		return len(lines) == 3 && strings.HasPrefix(lines[0], "relay") && strings.HasPrefix(lines[1], "connected") && strings.HasPrefix(lines[2], "messages")
	})
	s.keys(ctrlC)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	_, left, ok := strings.Cut(s.output(), ansi.ResetModeAltScreenSaveCursor)
	if !ok || !strings.Contains(left, "store errors") {
		t.Errorf("left behind: %q", left)
	}
	alice.keys(ctrlC)
	alice.until("Quit?")
	alice.keys("y")
	alice.exit()
}
