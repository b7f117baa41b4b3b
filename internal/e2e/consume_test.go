//go:build unix

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"secure-messaging/pkg/client"
)

// consumer is a chat listen that acks by hand.
type consumer struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	said *bufio.Scanner
}

// consume starts a consumer, and with it the whole profile where nobody holds it.
func consume(t *testing.T, env []string, name, pass string, args ...string) *consumer {
	t.Helper()
	cmd := exec.Command("chat", append([]string{"listen", "--json", "--as", "bob", "--passphrase-file", pass, "--consumer", name, "--ack", "manual"}, args...)...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return &consumer{t, cmd, in, bufio.NewScanner(out)}
}

// hears reads the next message, which has to be this one.
func (c *consumer) hears(want string) (cursor int64) {
	c.t.Helper()
	var m client.Message
	if !c.said.Scan() || json.Unmarshal(c.said.Bytes(), &m) != nil || m.Text != want {
		c.t.Fatalf("wanted %q, the consumer hears %q, %v", want, c.said.Text(), c.said.Err())
	}
	return m.Cursor
}

// leaves ends it in good order.
func (c *consumer) leaves() {
	c.t.Helper()
	c.in.Close()
	if c.said.Scan() {
		c.t.Errorf("it hears %q, too", c.said.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Error(err)
	}
}

// TestScriptsAtTerminal: what is for scripts works for a person at a terminal, too.
func TestScriptsAtTerminal(t *testing.T) {
	env, pass, chat := talking(t)
	at := func(args ...string) *screen {
		t.Helper()
		return startScreen(t, env, 100, 24, "chat", append(args, "--passphrase-file", pass)...)
	}
	ends := func(s *screen, want int) {
		t.Helper()
		if code := s.exit(); code != want {
			t.Errorf("it ends with %d, not %d:\n%s", code, want, s.text())
		}
	}
	s := at("send", "bob", "--as", "alice") // no message, and nobody who pipes one
	s.until("There is no message.")
	ends(s, 2)
	s = at("send", "bob", "--file", "-", "--as", "alice")
	s.keys("typed\r\x04") // and ctrl-d
	ends(s, 0)

	s = at("listen", "--consumer", "tty", "--ack", "manual", "--since", "0", "--max", "1", "--as", "bob")
	s.until("alice: typed")
	s.keys("1\r")
	ends(s, 0)
	chat("send", "bob", "for a command", "--as", "alice")
	s = at("listen", "--consumer", "tty", "--exec", "grep -o 'for a command'; sleep 600", "--as", "bob")
	s.until("for a command")
	s.keys("\x03")
	ends(s, 130)
	s = at("listen", "--consumer", "tty", "--max", "1", "--as", "bob") // it was not acked
	s.until("alice: for a command")
	ends(s, 0)
}

// TestConsumersDie: a consumer that is killed gets again what it has not acked, with
// whatever process holds the profile by then; another has its own place.
func TestConsumersDie(t *testing.T) {
	env, pass, chat := talking(t)
	for _, text := range []string{"one", "two", "three"} {
		chat("send", "bob", text, "--as", "alice")
	}

	first := consume(t, env, "bot", pass, "--since", "0") // holds the profile
	first.hears("one")
	second := first.hears("two")
	third := first.hears("three")
	other := consume(t, env, "other", pass, "--since", "0") // through the first
	other.hears("one")
	fmt.Fprintln(first.in, second) // and for the one before
	first.leaves()

	// The other goes on alone, with what comes, and has no part in the first one's place.
	chat("send", "bob", "four", "--as", "alice")
	other.hears("two")
	other.hears("three")
	fmt.Fprintln(other.in, other.hears("four"))
	again := consume(t, env, "bot", pass)
	again.hears("three")
	again.hears("four")
	again.cmd.Process.Kill()
	again.cmd.Wait()
	again = consume(t, env, "bot", pass)
	again.hears("three")
	fmt.Fprintln(again.in, third)
	fmt.Fprintln(again.in, again.hears("four"))
	again.leaves()
	other.leaves()

	chat("send", "bob", "the last", "--as", "alice")
	for _, name := range []string{"bot", "other"} { // neither hears anything else
		c := consume(t, env, name, pass)
		c.hears("the last")
		c.leaves()
	}
}
