package profile

import (
	"errors"
	"os"
	"testing"

	"secure-messaging/pkg/client"
)

func TestChangePassphrase(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	ref := s.Ref()
	other := []byte("another horse battery")
	if err := ChangePassphrase(ref, []byte("not the passphrase"), other, cheap); !errors.Is(err, client.ErrLocked) {
		t.Errorf("with a wrong passphrase: %v", err)
	}
	if err := ChangePassphrase(ref, passphrase, []byte("short"), cheap); !errors.Is(err, client.ErrUsage) {
		t.Errorf("to a short one: %v", err)
	}
	if err := ChangePassphrase(ref, passphrase, other, cheap); err != nil { // while it is open
		t.Fatal(err)
	}
	if err := s.MarkRegistered(); err != nil {
		t.Errorf("the open profile: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Prove(ref, passphrase); !errors.Is(err, client.ErrLocked) {
		t.Errorf("the old passphrase: %v", err)
	}
	s, err := unlock(ref, other)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if keys, err := s.Keys(); err != nil || !keys.Registered {
		t.Errorf("what was written before: %v", err)
	}
	if info, err := os.Stat(ref.path(keyFile)); err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("the key file: %v, %v", info.Mode(), err)
	}
	files, _ := os.ReadDir(ref.Dir)
	for _, f := range files {
		if f.Name()[0] == '.' {
			t.Errorf("%s is left", f.Name())
		}
	}
}
