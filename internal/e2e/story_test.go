//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// environment is that of a machine on which nothing was done yet.
func environment(dir string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	for key, value := range homes(dir) {
		env = append(env, key+"="+value)
	}
	return env
}

// run executes a program without a terminal and returns what it prints.
func run(t testing.TB, env []string, stdin string, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Stdin = env, strings.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal to ask at
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// TestStory is what the README tells, by hand: two people at their screens,
// and commands beside them.
func TestStory(t *testing.T) {
	dir := t.TempDir()
	env := environment(dir)
	relay := startRelay(t, env)
	url, pin, _ := strings.Cut(relay.url, "#")

	alice := startScreen(t, env, 100, 30, "chat", "login", "alice", "--server", url)
	alice.until(pin, "Is it the same?")
	alice.keys("yes\r")
	alice.until("New passphrase")
	alice.keys(passphrase + enter)
	alice.until("The same again:")
	alice.keys(passphrase + enter)
	alice.until("/connect")

	bob := startScreen(t, env, 100, 30, "chat", "login", "bob")
	bob.until("New passphrase")
	bob.keys(passphrase + enter)
	bob.until("The same again:")
	bob.keys(passphrase + enter)
	bob.until("/connect")

	// A request from a shell, while both are open; nobody asks for a passphrase.
	asked := run(t, env, "", "chat", "connect", "bob", "--as", "alice", "--note", "Alice from work")
	if !strings.Contains(asked, "bob has been asked") {
		t.Fatalf("connect printed %q", asked)
	}
	fingerprint := strings.Fields(run(t, env, "", "chat", "whoami", "--as", "alice"))[5]
	bob.until("alice", "Alice from work", fingerprint[:19])
	bob.keys("/accept alice" + enter)
	alice.until("bob")
	bob.gone("Requests")

	// They talk both ways, and see how far each message has come.
	bob.keys("hello alice, this is bob" + enter)
	alice.until("hello alice, this is bob")
	bob.until("✓✓")
	alice.keys("hello bob" + enter)
	bob.until("hello bob")
	alice.until("✓✓")

	// A script sends, another listens, while both screens are open.
	id := run(t, env, "the build is green\n", "chat", "send", "bob", "--wait", "delivered", "--as", "alice")
	if len(strings.TrimSpace(id)) != 32 {
		t.Errorf("send printed %q", id)
	}
	bob.until("the build is green")
	alice.until("the build is green")
	heard := run(t, env, "", "chat", "listen", "--json", "--since", "0", "--max", "2", "--as", "bob")
	if !strings.Contains(heard, `"text":"hello bob"`) || !strings.Contains(heard, `"text":"the build is green"`) {
		t.Errorf("listen printed %q", heard)
	}

	// The relay goes and comes back; what was written meanwhile arrives.
	if err := relay.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	bob.until("reconnect")
	bob.keys("written while the relay was away" + enter)
	bob.until("◌")
	if err := relay.start(); err != nil {
		t.Fatal(err)
	}
	alice.until("written while the relay was away")
	bob.gone("◌")

	// Any size, and a clean end.
	alice.resize(60, 20)
	alice.until("written while")
	alice.resize(40, 12)
	alice.until("written while")
	alice.keys(ctrlC)
	alice.keys(ctrlC)
	bob.keys("/quit" + enter)
	for _, s := range []*screen{alice, bob} {
		if code := s.exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if out := s.output(); strings.Contains(out, passphrase) {
			t.Error("the passphrase was echoed")
		}
		if s.emu.IsAltScreen() {
			t.Error("the terminal is left in its other screen")
		}
	}
	searchFor(t, filepath.Join(dir, "data"), plaintexts)
	searchFor(t, relay.dir, plaintexts)
}

// A terminal that cannot move its cursor gets a sentence in place of a screen.
func TestDumbTerminal(t *testing.T) {
	s := startScreen(t, append(environment(t.TempDir()), "TERM=dumb"), 80, 24, "chat")
	if code := s.exit(); code != 2 || !strings.Contains(s.output(), "no terminal for the interface") {
		t.Errorf("exit code %d: %s", code, s.output())
	}
}

// plaintexts are words of the story that nobody but the two may ever read.
var plaintexts = []string{"Alice from work", "hello alice, this is bob", "hello bob", "the build is green", "written while the relay was away"}

// talking are alice and bob, contacts at a relay, and a file with their passphrase.
func talking(t *testing.T) (env []string, pass string, chat func(args ...string) string) {
	t.Helper()
	dir := t.TempDir()
	env, pass = environment(dir), filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	relay := startRelay(t, env)
	chat = func(args ...string) string {
		t.Helper()
		return run(t, env, "", "chat", append(args, "--passphrase-file", pass)...)
	}
	chat("login", "alice", "--server", relay.url)
	chat("login", "bob")
	chat("connect", "bob", "--as", "alice")
	chat("accept", "alice", "--as", "bob")
	return env, pass, chat
}
