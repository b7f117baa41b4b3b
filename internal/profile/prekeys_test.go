package profile

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

func TestPrekeys(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	cert := load(t, s).Keys.Certificate
	made := time.Unix(1800000000, 0).UTC()
	signed, once := crypto.NewPrekey(crypto.PrekeySigned, 2, made), crypto.NewPrekey(crypto.PrekeyOneTime, 3, made)
	replaced := client.PrekeyInfo{Kind: crypto.PrekeySigned, ID: 1, Created: first.Created, Replaced: made}
	commit(t, s, &client.Changes{AddPrekeys: []crypto.PrekeyPrivate{signed, once}, ReplacePrekeys: []client.PrekeyInfo{replaced}})
	s = reopen(t, s)
	info := func(k crypto.PrekeyPrivate) client.PrekeyInfo {
		return client.PrekeyInfo{Kind: k.Kind, ID: k.ID, Created: k.Created}
	}
	l := load(t, s)
	equateTimes := cmp.Comparer(time.Time.Equal)
	if diff := cmp.Diff([]client.PrekeyInfo{replaced, info(signed), info(once)}, l.Prekeys, equateTimes); diff != "" || l.Prekey != 3 {
		t.Fatalf("%s, highest %d", diff, l.Prekey)
	}
	for _, want := range []crypto.PrekeyPrivate{first, signed, once} {
		got, err := s.Prekey(want.Kind, want.ID)
		if err != nil || got.Hash(cert) != want.Hash(cert) || !bytes.Equal(got.Box.Bytes(), want.Box.Bytes()) || !bytes.Equal(got.KEM.Seed(), want.KEM.Seed()) {
			t.Errorf("prekey %d: %v", want.ID, err)
		}
	}
	for name, err := range map[string]error{
		"another kind": second(s.Prekey(crypto.PrekeyOneTime, 1)), "none": second(s.Prekey(crypto.PrekeySigned, 9)),
	} {
		if !errors.Is(err, client.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	commit(t, s, &client.Changes{DropPrekeys: []crypto.PrekeyID{3, 2, 1}})
	s = reopen(t, s)
	if l := load(t, s); len(l.Prekeys) != 0 || l.Prekey != 3 {
		t.Errorf("%v are left; the highest id is %d, and 3 was given", l.Prekeys, l.Prekey)
	}
	if _, err := s.Prekey(once.Kind, once.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a dropped secret: %v", err)
	}
}

func second[A any](_ A, err error) error { return err }

func TestHandshakes(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	key := func() crypto.BoxPublic { return crypto.NewBoxPrivate().Public() }
	a, b := key(), key()
	is := func(signed crypto.PrekeyID, e crypto.BoxPublic, seen bool, count int) {
		t.Helper()
		gotSeen, gotCount, err := s.Handshakes(signed, e)
		if err != nil || gotSeen != seen || gotCount != count {
			t.Errorf("seen %v, %d under prekey %d, %v", gotSeen, gotCount, signed, err)
		}
	}
	is(1, a, false, 0)
	commit(t, s, &client.Changes{AddHandshakes: []client.Handshake{{Signed: 1, Ephemeral: a}, {Signed: 1, Ephemeral: b}, {Signed: 2, Ephemeral: b}}})
	s = reopen(t, s)
	is(1, a, true, 2)
	is(1, key(), false, 2)
	is(2, a, false, 1)
	if err := s.Commit(&client.Changes{AddHandshakes: []client.Handshake{{Signed: 1, Ephemeral: a}}, DropPrekeys: []crypto.PrekeyID{1}}); err == nil {
		t.Error("a request is opened twice")
	}
	is(1, b, true, 2)
	commit(t, s, &client.Changes{DropPrekeys: []crypto.PrekeyID{1}})
	is(1, a, false, 0)
	is(2, b, true, 1)
}
