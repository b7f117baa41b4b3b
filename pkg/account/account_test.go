package account_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/relayhost"
	"secure-messaging/pkg/account"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

const secret = "correct horse battery"

// makeAccount has a relay run and makes an account there, under a home of its own.
func makeAccount(t *testing.T, name string) (passphrase account.Passphrase) {
	t.Helper()
	host, err := relayhost.Open(relayhost.Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), TLS: relayhost.TLS{Mode: relayhost.Off}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- host.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	server, err := client.ParseServer("ws://" + host.Addr().String() + "#" + string(host.Fingerprint()))
	if err != nil {
		t.Fatal(err)
	}
	a, err := owner.Create(t.Context(), owner.Creation{
		Name: name, Server: server, Cost: keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1},
		Passphrase: func(context.Context) ([]byte, error) { return []byte(secret), nil },
		Place:      func(name string, s client.Server) (profile.Ref, error) { return profile.RefFor(name, s.Address()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(0); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return account.PassphraseFile(file)
}

func TestOpen(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	if _, err := account.Open(t.Context(), "", nil); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("on an empty machine: %v", err)
	}
	passphrase := makeAccount(t, "alice")
	if _, err := account.Open(t.Context(), "bob", passphrase); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("somebody else: %v", err)
	}
	if _, err := account.Open(t.Context(), "alice", nil); !errors.Is(err, client.ErrLocked) {
		t.Errorf("without a passphrase: %v", err)
	}
	wrong := func(context.Context) ([]byte, error) { return []byte("something else"), nil }
	if _, err := account.Open(t.Context(), "alice", wrong); !errors.Is(err, client.ErrLocked) {
		t.Errorf("with a wrong passphrase: %v", err)
	}
	if _, err := account.Open(t.Context(), "alice", account.PassphraseFile(t.TempDir())); !errors.Is(err, client.ErrLocked) {
		t.Errorf("with a folder for a file: %v", err)
	}

	a, err := account.Open(t.Context(), "", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := account.Open(t.Context(), "alice", nil) // the first one holds it
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, acc := range []client.Account{a, b} {
		if id, err := acc.Identity(t.Context()); err != nil || id.Username != "alice" {
			t.Errorf("it is %+v, %v", id, err)
		}
	}
	makeAccount(t, "bob")
	if _, err := account.Open(t.Context(), "", nil); !errors.Is(err, client.ErrUsage) {
		t.Errorf("which of two: %v", err)
	}
}
