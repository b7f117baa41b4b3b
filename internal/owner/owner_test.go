package owner

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"secure-messaging/internal/profile"
	"secure-messaging/internal/relayhost"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "correct horse battery"

// startRelay runs a relay for the rest of the test, or until the returned
// function is called.
func startRelay(t *testing.T) (server client.Server, stop func()) {
	t.Helper()
	host, err := relayhost.Open(relayhost.Config{Addr: "127.0.0.1:0", DataDir: filepath.Join(t.TempDir(), "relay")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- host.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	server, err = client.ParseServer("wss://" + host.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return server, stop
}

// creation makes alice below a folder of the test.
func creation(t *testing.T, server client.Server) Creation {
	dir := filepath.Join(t.TempDir(), "alice")
	return Creation{
		Name: "alice", Server: server, Cost: keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1},
		Trust:      func(context.Context, client.Server) error { return nil },
		Passphrase: func(context.Context) ([]byte, error) { return []byte(secret), nil },
		Place: func(name string, s client.Server) (profile.Ref, error) {
			return profile.Ref{Name: name, Server: s.Address(), Dir: dir}, nil
		},
	}
}

func create(t *testing.T, c Creation) *Account {
	t.Helper()
	a, err := Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func with(secrets ...string) Passphrase {
	return func(_ context.Context, try int) ([]byte, error) {
		if try >= len(secrets) {
			return nil, errors.New("asked too often")
		}
		return []byte(secrets[try]), nil
	}
}

// TestOwnerAndOthers: the first is the owner, whoever comes meanwhile attaches
// without a passphrase, and the next one after all have left owns it again.
func TestOwnerAndOthers(t *testing.T) {
	server, _ := startRelay(t)
	owner := create(t, creation(t, server))
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	other, err := Open(t.Context(), owner.Ref, with())
	if err != nil {
		t.Fatal(err)
	}
	if other.Owned || !owner.Owned {
		t.Errorf("owned %v and %v", owner.Owned, other.Owned)
	}
	if err := errors.Join(other.Start(), other.Register(t.Context()), other.Registered()); err != nil {
		t.Error(err)
	}
	id, err := other.Identity(t.Context())
	if err != nil || id.Username != "alice" {
		t.Errorf("got %+v, %v", id, err)
	}
	if err := errors.Join(other.Close(0), owner.Close(0)); err != nil {
		t.Error(err)
	}
	for name, tries := range map[string][]string{"right at once": {secret}, "right at last": {"wrong wrong", "wrong again", secret}} {
		again, err := Open(t.Context(), owner.Ref, with(tries...))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := errors.Join(again.Registered(), again.Close(0)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(t.Context(), owner.Ref, with("wrong wrong", "wrong again", "and again")); !errors.Is(err, client.ErrLocked) {
		t.Errorf("three times wrong: %v", err)
	}
	if lock, err := profile.Acquire(owner.Ref); err != nil {
		t.Errorf("the lock is kept: %v", err)
	} else {
		lock.Release()
	}
}

// TestCreateRefused: nothing is left on the disk of a name that was not ours
// to have, or of a relay that was not trusted.
func TestCreateRefused(t *testing.T) {
	server, _ := startRelay(t)
	first := create(t, creation(t, server))
	if err := first.Close(0); err != nil {
		t.Fatal(err)
	}
	distrust := errors.New("not that one")
	for name, tt := range map[string]struct {
		change func(*Creation)
		want   error
	}{
		"taken":       {func(*Creation) {}, client.ErrTaken},
		"no name":     {func(c *Creation) { c.Name = "No Name" }, client.ErrUsage},
		"not trusted": {func(c *Creation) { c.Trust = func(context.Context, client.Server) error { return distrust } }, distrust},
		"another pin": {func(c *Creation) { c.Server.Pin = crypto.NewRelayPrivate().Public().Fingerprint() }, client.ErrKeyChanged},
	} {
		t.Run(name, func(t *testing.T) {
			c := creation(t, server)
			tt.change(&c)
			ref, err := c.Place(c.Name, server)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Create(t.Context(), c); !errors.Is(err, tt.want) {
				t.Errorf("got %v", err)
			}
			if _, err := profile.Acquire(ref); !errors.Is(err, client.ErrNotFound) {
				t.Errorf("a profile is left: %v", err)
			}
		})
	}
}

// TestRegistrationInterrupted: a relay that is gone when the name is to be
// registered. The profile stays, and a later login finishes.
func TestRegistrationInterrupted(t *testing.T) {
	server, stop := startRelay(t)
	c := creation(t, server)
	c.Passphrase = func(context.Context) ([]byte, error) { // asked between meeting the relay and registering
		stop()
		return []byte(secret), nil
	}
	if _, err := Create(t.Context(), c); !errors.Is(err, client.ErrUnreachable) {
		t.Fatalf("got %v", err)
	}
	ref, err := c.Place(c.Name, server)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), ref, with(secret))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Registered(); !errors.Is(err, client.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if err := a.Register(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if err := a.Close(0); err != nil {
		t.Error(err)
	}
}
