package profile

import (
	"errors"
	"testing"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// A profile that begins with something in it is found whole, or not at all.
func TestCreateFilled(t *testing.T) {
	isolate(t)
	ref, keys := newRef(t, "alice"), newKeys(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	put := func(s *Store) error {
		if ref.Exists() {
			t.Error("it is found before it is whole")
		}
		return s.Commit(&client.Changes{Contacts: []client.ContactRecord{bob}})
	}
	cut := errors.New("the backup cannot be read any further")
	_, err := CreateFilled(ref, keys, first, passphrase, cheap, func(s *Store) error { return errors.Join(put(s), cut) })
	if !errors.Is(err, cut) || ref.Exists() {
		t.Fatalf("%v, and it is there: %v", err, ref.Exists())
	}
	s, err := CreateFilled(ref, keys, first, passphrase, cheap, put)
	if err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	if got := load(t, s).Contacts; len(got) != 1 || got[0].Certificate.Hash() != bob.Certificate.Hash() {
		t.Errorf("%+v", got)
	}
	if _, err := s.Prekey(crypto.PrekeySigned, first.ID); err != nil {
		t.Error(err)
	}
}
