//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// A pair of contacts at a relay, for benchmarks of the command line.
func benchmarkPair(b *testing.B) (env []string, pass string) {
	dir := b.TempDir()
	env = environment(dir)
	pass = filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(passphrase), 0o600); err != nil {
		b.Fatal(err)
	}
	relay := startRelay(b, env)
	run(b, env, "", "chat", "login", "alice", "--server", relay.url, "--passphrase-file", pass)
	run(b, env, "", "chat", "login", "bob", "--passphrase-file", pass)
	run(b, env, "", "chat", "connect", "bob", "--as", "alice", "--passphrase-file", pass)
	run(b, env, "", "chat", "accept", "alice", "--as", "bob", "--passphrase-file", pass)
	return env, pass
}

// BenchmarkSendAlone is chat send from exec to exit, until the relay has the
// message on its disk, where no other chat holds the profile. The passphrase
// costs next to nothing here: see BenchmarkOpen of package keyfile for what it
// costs by default.
func BenchmarkSendAlone(b *testing.B) {
	env, pass := benchmarkPair(b)
	for b.Loop() {
		run(b, env, "", "chat", "send", "bob", "hello", "--as", "alice", "--passphrase-file", pass)
	}
}

// BenchmarkSendAttached is the same while another chat holds the profile.
func BenchmarkSendAttached(b *testing.B) {
	env, pass := benchmarkPair(b)
	owner := startScreen(b, env, 80, 24, "chat", "--as", "alice", "--passphrase-file", pass)
	owner.until("bob")
	for b.Loop() {
		run(b, env, "", "chat", "send", "bob", "hello", "--as", "alice")
	}
}

// BenchmarkVersion is what starting the program costs at all.
func BenchmarkVersion(b *testing.B) {
	env := environment(b.TempDir())
	for b.Loop() {
		run(b, env, "", "chat", "version")
	}
}
