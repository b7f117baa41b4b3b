//go:build unix

package e2e

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"secure-messaging/internal/faultproxy"
	"secure-messaging/internal/procusage"
)

// friends makes alice and bob at a relay, and a way to run commands as one of
// them, which returns what they print and how much memory they took at most.
func friends(t *testing.T, url string, env []string) (as func(name string, args ...string) (out string, peak int64)) {
	t.Helper()
	pass := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte(passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	as = func(name string, args ...string) (string, int64) {
		t.Helper()
		cmd := exec.Command("chat", append(args, "--as", name, "--passphrase-file", pass)...)
		var out, complaint strings.Builder
		cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &complaint
		if err := cmd.Run(); err != nil {
			t.Fatalf("chat %s: %v\n%s", strings.Join(args, " "), err, complaint.String())
		}
		peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
		if runtime.GOOS == "linux" {
			peak <<= 10 // it is in KiB there
		}
		return strings.TrimSpace(out.String()), int64(peak)
	}
	for _, name := range []string{"alice", "bob"} {
		cmd := exec.Command("chat", "login", name, "--server", url, "--passphrase-file", pass)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("login: %v\n%s", err, out)
		}
	}
	as("alice", "connect", "bob")
	as("bob", "accept", "alice")
	return as
}

func hashOf(t *testing.T, path string) (sum [32]byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

// writeNoise writes a file of so many bytes that are no pattern.
func writeNoise(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{1}), size); err != nil {
		t.Fatal(err)
	}
}

// A file of 200 MiB goes from disk to disk, and no process holds it in memory.
func TestLargeFile(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes a gigabyte: run it without -short")
	}
	const size, most = 200 << 20, 96 << 20
	env := environment(t.TempDir())
	limits := filepath.Join(t.TempDir(), "limits")
	if err := os.WriteFile(limits, []byte(`{"fileBytes": "256 MiB"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	relay := startRelay(t, env, "--limits", limits)
	as := friends(t, relay.url, env)
	path, dir := filepath.Join(t.TempDir(), "large"), t.TempDir()
	writeNoise(t, path, size)
	began := time.Now()
	_, sending := as("alice", "send", "bob", "--attach", path, "--timeout", "1m")
	sent := time.Now()
	as("bob", "listen", "--since", "0", "--max", "1")
	fetching := time.Now()
	saved, saving := as("bob", "save", "1", "--to", dir)
	t.Logf("sent in %v, saved in %v", sent.Sub(began).Round(time.Millisecond), time.Since(fetching).Round(time.Millisecond))
	if hashOf(t, saved) != hashOf(t, path) {
		t.Error("another file was saved")
	}
	used, err := procusage.Of(relay.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for who, peak := range map[string]int64{"who sends": sending, "who saves": saving, "the relay": used.Peak} {
		t.Logf("%s: %d MiB", who, peak>>20)
		if peak > most {
			t.Errorf("%s took %d MiB", who, peak>>20)
		}
	}
}

// Client and relay are killed in the middle of an upload. It goes on, and the
// file comes once.
func TestKillDuringUpload(t *testing.T) {
	env := environment(t.TempDir())
	relay := startRelay(t, env)
	line, err := faultproxy.Listen(faultproxy.Config{Upstream: relay.addr, Fate: func(*rand.Rand) faultproxy.Fate { return faultproxy.Fate{Rate: 1 << 20} }})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	_, pin, _ := strings.Cut(relay.url, "#")
	as := friends(t, "wss://"+line.Addr()+"#"+pin, env)
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	writeNoise(t, path, 8<<20)
	as("alice", "send", "bob", "--attach", path, "--wait", "queued")
	if err := os.Rename(path, path+"-away"); err != nil {
		t.Fatal(err)
	}
	pass := filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, victim := range []string{"client", "relay", "client"} {
		cmd := exec.Command("chat", "listen", "--as", "alice", "--passphrase-file", pass)
		cmd.Env = env
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		untilPart(t, relay.dir)
		if victim == "relay" {
			if err := relay.end(os.Kill); err != nil {
				t.Fatal(err)
			}
			if err := relay.start(); err != nil {
				t.Fatal(err)
			}
			untilPart(t, relay.dir) // it goes on by itself
		}
		cmd.Process.Kill()
		cmd.Wait()
		noParts(t, relay)
	}
	line.Calm(true)
	writeNoise(t, path, 10)
	as("alice", "send", "bob", "--attach", path, "--timeout", "1m")
	heard, _ := as("bob", "listen", "--since", "0", "--max", "2", "--timeout", "20s")
	if n := strings.Count(heard, "[file file, "); n != 2 {
		t.Errorf("bob hears %s", heard)
	}
	saved, _ := as("bob", "save", "1", "--to", t.TempDir())
	if hashOf(t, saved) != hashOf(t, path+"-away") {
		t.Error("another file was saved")
	}
	if all, _ := as("bob", "history"); strings.Count(all, "[file") != 2 {
		t.Errorf("bob has %s", all)
	}
}

// parts are the files that a relay is storing, with bytes in them.
func parts(t *testing.T, data string) (n int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(data, "store", "files", "*.part"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Size() > 0 {
			n++
		}
	}
	return n
}

// untilPart waits until a relay is in the middle of a file.
func untilPart(t *testing.T, data string) {
	t.Helper()
	for late := time.Now().Add(endTime); parts(t, data) == 0; runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatal("no file comes")
		}
	}
}

// noParts waits until a relay has dropped what it was in the middle of.
func noParts(t *testing.T, relay *relay) {
	t.Helper()
	for late := time.Now().Add(endTime); parts(t, relay.dir) > 0; runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatal("the relay keeps a part")
		}
	}
}
