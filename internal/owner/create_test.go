package owner_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"testing"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/relayhost"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
	"secure-messaging/pkg/protocol"
)

// relayBehind runs a relay behind a proxy that can lose answers, and returns
// its address.
func relayBehind(t *testing.T, lost func(*http.Request) bool) client.Server {
	t.Helper()
	host, err := relayhost.Open(relayhost.Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), TLS: relayhost.TLS{Mode: relayhost.Off}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- host.Run(ctx) }()
	pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host.Addr().String()})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !lost(r) {
			pass.ServeHTTP(w, r)
			return
		}
		pass.ServeHTTP(httptest.NewRecorder(), r)
		http.Error(w, "Bad Gateway", http.StatusBadGateway)
	}))
	t.Cleanup(func() {
		proxy.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	server, err := client.ParseServer("ws://" + proxy.Listener.Addr().String() + "#" + string(host.Fingerprint()))
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func creation(name string, server client.Server, dir string) owner.Creation {
	return owner.Creation{
		Name: name, Server: server,
		Cost:       keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1},
		Passphrase: func(context.Context) ([]byte, error) { return []byte("correct horse battery"), nil },
		Place: func(name string, s client.Server) (profile.Ref, error) {
			return profile.Ref{Name: name, Server: s.Address(), Dir: filepath.Join(dir, name)}, nil
		},
	}
}

// A proxy that loses the relay's answer to a registration does not cost the
// name: its keys stay, and the next login goes on with them.
func TestRegistrationWhoseAnswerIsLost(t *testing.T) {
	var losing bool
	server := relayBehind(t, func(r *http.Request) bool { return losing && r.URL.Path == protocol.PathRegister })
	c := creation("alice", server, t.TempDir())
	losing = true
	if a, err := owner.Create(t.Context(), c); err == nil {
		a.Close(0)
		t.Fatal("registered without an answer")
	}
	losing = false
	ref, _ := c.Place(c.Name, c.Server)
	a, err := owner.Open(t.Context(), ref, func(ctx context.Context, _ int) ([]byte, error) { return c.Passphrase(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close(0)
	if a.Registered() == nil {
		t.Error("registered without an answer")
	}
	if err := a.Register(t.Context()); err != nil {
		t.Error(err)
	}
	if err := a.Registered(); err != nil {
		t.Error(err)
	}
}

// A name that is taken leaves nothing behind.
func TestTakenName(t *testing.T) {
	server := relayBehind(t, func(*http.Request) bool { return false })
	a, err := owner.Create(t.Context(), creation("alice", server, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close(0)
	c := creation("alice", server, t.TempDir())
	if _, err := owner.Create(t.Context(), c); !errors.Is(err, client.ErrTaken) {
		t.Errorf("got %v", err)
	}
	ref, _ := c.Place(c.Name, c.Server)
	if _, err := profile.Acquire(ref); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("the profile: %v", err)
	}
}
