//go:build unix

package e2e

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// needHangup skips where SIGHUP is ignored, as under nohup: programs inherit
// that, and heed it.
func needHangup(t *testing.T) {
	t.Helper()
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here, as under nohup")
	}
}

// Whoever closes the window of the demo has left it: nothing stays behind.
func TestDemoWhoseTerminalCloses(t *testing.T) {
	needHangup(t)
	dir := t.TempDir()
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	s := startScreen(t, append(environment(dir), "TMPDIR="+tmp), 100, 30, "chat", "demo")
	s.until("ada")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil { // as the kernel does
		t.Fatal(err)
	}
	s.exit()
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A relay in a terminal that closes ends in order.
func TestRelayWhoseTerminalCloses(t *testing.T) {
	needHangup(t)
	dir := t.TempDir()
	r := startRelay(t, environment(dir))
	if err := r.end(syscall.SIGHUP); err != nil {
		t.Errorf("the relay ended with %v", err)
	}
}
