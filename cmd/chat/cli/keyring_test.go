package cli

import (
	"errors"
	"testing"

	desktop "github.com/zalando/go-keyring"

	"secure-messaging/internal/keyring"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

// The passphrase comes from the keyring where it was put there, and where that
// was the wrong one, somebody is asked.
func TestPassphraseFromKeyring(t *testing.T) {
	desktop.MockInit()
	ref := profile.Ref{Name: "alice", Server: "relay.example:8443", Dir: t.TempDir()}
	a := &app{noInput: true}
	if _, err := a.passphrase(ref)(t.Context(), 0); !errors.Is(err, client.ErrLocked) {
		t.Errorf("before it is kept: %v", err)
	}
	if err := keyring.Keep(t.Context(), ref, []byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	if got, err := a.passphrase(ref)(t.Context(), 0); err != nil || string(got) != "correct horse" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := a.passphrase(ref)(t.Context(), 1); !errors.Is(err, client.ErrLocked) {
		t.Errorf("the second try: %v", err)
	}
	desktop.MockInitWithError(errors.New("no session"))
	if _, err := a.passphrase(ref)(t.Context(), 0); !errors.Is(err, client.ErrLocked) {
		t.Errorf("without a keyring: %v", err)
	}
}
