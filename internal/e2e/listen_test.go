//go:build unix

package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestListenOutlivesOwner: a listener goes on when the chat that held the
// profile is killed, and misses nothing.
func TestListenOutlivesOwner(t *testing.T) {
	env, pass, chat := talking(t)

	owner := startScreen(t, env, 80, 24, "chat", "--as", "bob", "--passphrase-file", pass)
	owner.until("alice")
	listener := exec.Command("chat", "listen", "--as", "bob", "--since", "0", "--max", "3", "--passphrase-file", pass)
	listener.Env, listener.Stderr = env, os.Stderr
	out, err := listener.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Process.Kill() })
	lines := bufio.NewScanner(out)
	heard := func(want string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), "alice: "+want) {
			t.Fatalf("wanted %q, the listener says %q, %v", want, lines.Text(), lines.Err())
		}
	}
	chat("send", "bob", "through the owner", "--as", "alice")
	heard("through the owner")
	owner.cmd.Process.Kill()
	owner.exit()
	chat("send", "bob", "alone", "--as", "alice")
	heard("alone")
	// Now the listener is the owner itself.
	run(t, env, "", "chat", "send", "alice", "still here", "--as", "bob", "--no-input")
	chat("send", "bob", "the last", "--as", "alice")
	heard("the last")
	if err := listener.Wait(); err != nil {
		t.Error(err)
	}
}
