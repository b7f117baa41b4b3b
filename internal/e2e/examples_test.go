//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples runs the bots of the examples: one that answers, also to what
// came while it was dead, and one that tells of a CI job.
func TestExamples(t *testing.T) {
	dir := t.TempDir()
	env := environment(dir)
	pass := filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", dir+"/", "secure-messaging/examples/...")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	relay := startRelay(t, env)
	chat := func(args ...string) string {
		return run(t, env, "", "chat", append(args, "--passphrase-file", pass)...)
	}
	for _, name := range []string{"alice", "echo", "robot"} {
		chat("login", name, "--server", relay.url)
	}
	bot := func() *exec.Cmd {
		cmd := exec.Command(filepath.Join(dir, "echobot"), "-as", "echo", "-passphrase-file", pass)
		cmd.Env, cmd.Stderr = env, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	answered := func(text string) {
		t.Helper()
		said := chat("listen", "--as", "alice", "--from", "echo", "--since", "0", "--max", "1", "--timeout", "20s", "--json")
		for !strings.Contains(said, `"text":"`+text+`"`) {
			said = chat("listen", "--as", "alice", "--from", "echo", "--since", cursorOf(t, said), "--max", "1", "--timeout", "20s", "--json")
		}
	}

	first := bot()
	chat("connect", "echo", "--as", "alice")
	for !strings.Contains(chat("contacts", "--as", "alice"), "contact") { // it accepts by itself
	}
	chat("send", "echo", "hello", "--as", "alice")
	answered("hello")
	first.Process.Kill()
	first.Wait()
	chat("send", "echo", "are you there?", "--as", "alice")
	bot()
	answered("are you there?")

	chat("connect", "alice", "--as", "robot")
	chat("accept", "robot", "--as", "alice")
	chat("contacts", "--as", "robot") // hears it
	notify := exec.Command(filepath.Join(dir, "notify"), "-as", "robot", "-passphrase-file", pass, "-to", "alice", "-ok=false", "build", "17")
	notify.Env, notify.Stdin = env, strings.NewReader("compiling\nundefined: x\n")
	if out, err := notify.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if said := chat("history", "robot", "--as", "alice"); !strings.Contains(said, "❌ build 17") || !strings.Contains(said, "undefined: x") {
		t.Errorf("alice has heard %s", said)
	}
}

// cursorOf is the cursor of the last line that listen --json has printed.
func cursorOf(t *testing.T, said string) string {
	t.Helper()
	_, rest, ok := strings.Cut(said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:], `"cursor":`)
	cursor, _, ok2 := strings.Cut(rest, ",")
	if !ok || !ok2 {
		t.Fatalf("no cursor in %s", said)
	}
	return cursor
}
