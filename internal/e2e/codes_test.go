//go:build unix

package e2e

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// exitOf runs chat and returns its exit code and what it said.
func exitOf(t *testing.T, env []string, args ...string) (code int, said string) {
	t.Helper()
	cmd := exec.Command("chat", args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestExitCodesOfSurprises are those that no script can bring about: another key
// in a contact's name, and an interruption.
func TestExitCodesOfSurprises(t *testing.T) {
	env, pass, chat := talking(t)
	chat("send", "bob", "before", "--as", "alice")

	listener := exec.Command("chat", "listen", "--as", "alice", "--passphrase-file", pass)
	listener.Env = env
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if code, _ := exitOf(t, env, "whoami", "--no-input", "--as", "alice"); code == 0 {
			break
		}
	}
	listener.Process.Signal(syscall.SIGINT)
	listener.Wait()
	if code := listener.ProcessState.ExitCode(); code != 130 {
		t.Errorf("interrupted, it ends with %d", code)
	}

	offerAnother(t, filepath.Dir(pass), "bob")
	code, said := exitOf(t, env, "send", "bob", "after", "--as", "alice", "--passphrase-file", pass)
	if code != 15 || !strings.Contains(said, "chat verify bob") {
		t.Errorf("to another key: %d, %s", code, said)
	}
	if past := chat("history", "bob", "--as", "alice"); strings.Contains(past, "after") {
		t.Errorf("sent to another key: %s", past)
	}
}

// offerAnother writes into alice's profile that somebody has shown another key in
// a contact's name, as a relay that lies brings about.
func offerAnother(t *testing.T, home, name string) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(home, "data", "secure-messaging", "alice@*"))
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	lock, err := profile.Acquire(profile.Ref{Name: "alice", Dir: dirs[0]})
	if err != nil {
		t.Fatal(err)
	}
	store, err := lock.Open([]byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l, err := store.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range l.Contacts {
		if c.Name != name {
			continue
		}
		c.Offered = crypto.NewCertificate(crypto.NewAccountPrivate(), crypto.Certificate{
			Relay: l.Keys.Relay, User: crypto.Username(name), Device: crypto.NewDeviceID(),
			Login: crypto.NewDevicePrivate().Public(), Box: crypto.NewBoxPrivate().Public(), Created: time.Now(),
		})
		if err := store.Commit(&client.Changes{Contacts: []client.ContactRecord{c}}); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s is no contact", name)
}
