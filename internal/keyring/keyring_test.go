package keyring

import (
	"context"
	"errors"
	"testing"

	"github.com/zalando/go-keyring"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

func TestKeepAndForget(t *testing.T) {
	keyring.MockInit()
	ref := profile.Ref{Name: "alice", Server: "relay.example:8443", Dir: t.TempDir()}
	other := profile.Ref{Name: "alice", Server: "other.example:8443", Dir: t.TempDir()}
	if Kept(ref) {
		t.Error("kept before it was")
	}
	if err := Keep(t.Context(), ref, []byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	if got, err := Passphrase(t.Context(), ref); err != nil || string(got) != "correct horse" || !Kept(ref) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Passphrase(t.Context(), other); !errors.Is(err, client.ErrLocked) || Kept(other) {
		t.Errorf("the same name at another relay: %v", err)
	}
	for range 2 { // the second time there is nothing
		if err := Forget(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
	if _, err := Passphrase(t.Context(), ref); !errors.Is(err, client.ErrLocked) || Kept(ref) {
		t.Errorf("after it was forgotten: %v", err)
	}
}

// A desktop without a keyring, and one that does not answer, hold nobody up.
func TestNoKeyring(t *testing.T) {
	keyring.MockInitWithError(errors.New("no such service"))
	ref := profile.Ref{Name: "alice", Server: "relay.example:8443", Dir: t.TempDir()}
	if err := Keep(t.Context(), ref, []byte("correct horse")); !errors.Is(err, client.ErrLocked) || Kept(ref) {
		t.Errorf("kept: %v", err)
	}
	if _, err := Passphrase(t.Context(), ref); !errors.Is(err, client.ErrLocked) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	hang := make(chan struct{})
	defer close(hang)
	if err := patiently(ended, func() error { <-hang; return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
