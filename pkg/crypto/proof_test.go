package crypto_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

func newLogin(alice vectors.Person) crypto.Login {
	return crypto.Login{
		Relay: vectors.Relay().Public(), Host: "chat.example.org", Certificate: alice.Certificate.Hash(),
		Address: alice.Certificate.Address(), RelayNonce: crypto.NewNonce(), ClientNonce: crypto.NewNonce(),
	}
}

// Every field of a login is bound: a proof for one relay, host, name, device,
// certificate or nonce is worth nothing for another.
func TestLoginBinds(t *testing.T) {
	alice := vectors.Alice()
	login := newLogin(alice)
	proof, welcome := login.Sign(alice.Device), login.SignWelcome(vectors.Relay())
	if !login.Verify(alice.Device.Public(), proof) || !login.VerifyWelcome(welcome) {
		t.Fatal("good proofs are refused")
	}
	changes := map[string]func(*crypto.Login){
		"Relay":       func(l *crypto.Login) { l.Relay = vectors.OtherRelay().Public() },
		"Host":        func(l *crypto.Login) { l.Host = "chat.example.com" },
		"Certificate": func(l *crypto.Login) { l.Certificate[0] ^= 1 },
		"Address":     func(l *crypto.Login) { l.Address.User = "alicia" },
		"RelayNonce":  func(l *crypto.Login) { l.RelayNonce[31] ^= 1 },
		"ClientNonce": func(l *crypto.Login) { l.ClientNonce[31] ^= 1 },
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[crypto.Login]()) {
		if changes[field.Name] == nil {
			t.Errorf("no change of %s is tried", field.Name)
		}
	}
	changes["device"] = func(l *crypto.Login) { l.Address.Device[0] ^= 1 }
	changes["nonces swapped"] = func(l *crypto.Login) { l.RelayNonce, l.ClientNonce = l.ClientNonce, l.RelayNonce }
	changes["byte moved from host to name"] = func(l *crypto.Login) { l.Host, l.Address.User = l.Host+"a", l.Address.User[1:] }
	for name, change := range changes {
		l := login
		change(&l)
		if l.Verify(alice.Device.Public(), proof) {
			t.Errorf("%s changed: the proof still holds", name)
		}
		if l.VerifyWelcome(welcome) {
			t.Errorf("%s changed: the welcome still holds", name)
		}
	}
	if login.Verify(vectors.Bob().Device.Public(), proof) {
		t.Error("the proof holds for another device")
	}
	if login.Verify(alice.Device.Public(), welcome) || login.VerifyWelcome(proof) {
		t.Error("proof and welcome can be confused")
	}
}

// An evil relay that signs a welcome with its own key, for a login that names
// the true one, is not believed.
func TestWelcomeOfAnotherRelay(t *testing.T) {
	login := newLogin(vectors.Alice())
	if login.VerifyWelcome(login.SignWelcome(vectors.OtherRelay())) {
		t.Error("the welcome of another relay holds")
	}
}

func TestChallengeBinds(t *testing.T) {
	relay, nonce := vectors.Relay(), crypto.NewNonce()
	sig := crypto.SignChallenge(relay, nonce)
	if !crypto.VerifyChallenge(relay.Public(), nonce, sig) {
		t.Fatal("a good challenge is refused")
	}
	if crypto.VerifyChallenge(vectors.OtherRelay().Public(), nonce, sig) {
		t.Error("it holds for another relay")
	}
	if crypto.VerifyChallenge(relay.Public(), crypto.NewNonce(), sig) {
		t.Error("it holds for another nonce")
	}
	sig[10] ^= 1
	if crypto.VerifyChallenge(relay.Public(), nonce, sig) {
		t.Error("an altered signature holds")
	}
}

func TestRegistrationBinds(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	nonces := crypto.NewRegistrationNonces()
	prekey := func(p vectors.Person) crypto.Prekey {
		return crypto.NewPrekey(crypto.PrekeySigned, 1, vectors.Created).Sign(p.Certificate, p.Device)
	}
	good := crypto.Registration{
		Host: "chat.example.org", Certificate: alice.Certificate, Prekey: prekey(alice), RelayNonce: nonces.Make(time.Now()),
	}
	byAccount, byDevice := good.Sign(alice.Account, alice.Device)
	if !good.Verify(byAccount, byDevice) {
		t.Fatal("a good registration is refused")
	}
	elsewhere := vectors.NewPerson("alice", vectors.OtherRelay(), 0xa1)
	renamed := vectors.NewPerson("alicia", vectors.Relay(), 0xa1)
	changes := map[string]func(*crypto.Registration){
		"Host":        func(r *crypto.Registration) { r.Host = "chat.example.com" },
		"Certificate": func(r *crypto.Registration) { r.Certificate = bob.Certificate },
		"Prekey":      func(r *crypto.Registration) { r.Prekey = prekey(alice) },
		"RelayNonce":  func(r *crypto.Registration) { r.RelayNonce = nonces.Make(time.Now()) },
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[crypto.Registration]()) {
		if changes[field.Name] == nil {
			t.Errorf("no change of %s is tried", field.Name)
		}
	}
	changes["no prekey"] = func(r *crypto.Registration) { r.Prekey = crypto.Prekey{} }
	changes["relay"] = func(r *crypto.Registration) { r.Certificate = elsewhere.Certificate }
	changes["name"] = func(r *crypto.Registration) { r.Certificate = renamed.Certificate }
	for name, change := range changes {
		r := good
		change(&r)
		if r.Verify(byAccount, byDevice) {
			t.Errorf("%s changed: the proof still holds", name)
		}
	}
	// Each of the two keys must have signed.
	fromBob, fromBobsDevice := good.Sign(bob.Account, bob.Device)
	if good.Verify(fromBob, byDevice) || good.Verify(byAccount, fromBobsDevice) || good.Verify(byDevice, byAccount) {
		t.Error("one of the two signatures is enough")
	}
}

func TestRegistrationNonces(t *testing.T) {
	ours, other := crypto.NewRegistrationNonces(), crypto.NewRegistrationNonces()
	now := time.Unix(1_900_000_000, 0)
	nonce := ours.Make(now)
	if bytes.Equal(nonce, ours.Make(now)) {
		t.Error("two nonces are equal")
	}
	for name, tt := range map[string]struct {
		at   time.Time
		want bool
	}{
		"at once":                  {now, true},
		"at the end":               {now.Add(crypto.NonceLifetime), true},
		"after the end":            {now.Add(crypto.NonceLifetime + 1), false},
		"clock set back a little":  {now.Add(-time.Second), true},
		"from the future":          {now.Add(-time.Second - 1), false},
		"years later":              {now.AddDate(5, 0, 0), false},
		"at the beginning of time": {time.Time{}, false},
	} {
		if got := ours.Check(nonce, tt.at); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if other.Check(nonce, now) {
		t.Error("another relay takes it")
	}
	for i := range nonce {
		altered := bytes.Clone(nonce)
		altered[i] ^= 1
		if ours.Check(altered, now) {
			t.Errorf("byte %d altered: it is taken", i)
		}
		if ours.Check(nonce[:i], now) {
			t.Errorf("cut to %d bytes: it is taken", i)
		}
	}
	if ours.Check(append(bytes.Clone(nonce), 0), now) || ours.Check(nil, now) {
		t.Error("a nonce of another length is taken")
	}
}
