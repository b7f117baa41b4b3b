package handshake

import (
	"bytes"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

// Whom a device refuses as a peer, it neither asks nor answers.
func TestCheck(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	second := certify(alice, func(c *crypto.Certificate) {
		c.Device, c.Login, c.Box = crypto.DeviceID{9}, bob.Device.Public(), bob.Box.Public()
	})
	for name, tt := range map[string]struct {
		local Local
		peer  crypto.Certificate
		want  error
	}{
		"bob":                      {local(alice), bob.Certificate, nil},
		"own certificate":          {local(alice), alice.Certificate, ErrSelf},
		"own account, other keys":  {local(alice), second, ErrSelf},
		"own name, other account":  {local(alice), certify(bob, func(c *crypto.Certificate) { c.User = "alice" }), ErrSelf},
		"own box key":              {local(alice), certify(bob, func(c *crypto.Certificate) { c.Box = alice.Box.Public() }), ErrSelf},
		"own device key":           {local(alice), certify(bob, func(c *crypto.Certificate) { c.Login = alice.Device.Public() }), ErrSelf},
		"an old device":            {local(alice), certify(bob, func(c *crypto.Certificate) { c.Version = 0 }), ErrVersion},
		"a later device":           {local(alice), certify(bob, func(c *crypto.Certificate) { c.Version = 255 }), nil},
		"no peer":                  {local(alice), crypto.Certificate{}, ErrBundle},
		"no certificate":           {Local{Box: alice.Box}, bob.Certificate, ErrBundle},
		"box key of somebody else": {Local{alice.Certificate, bob.Box}, bob.Certificate, ErrBundle},
		"registered elsewhere":     {local(alice), vectors.NewPerson("bob", vectors.OtherRelay(), 0xb1).Certificate, ErrBundle},
	} {
		if err := Check(tt.local, tt.peer); err != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// A request whose certificate is good but refused says so, and nothing else is
// told apart.
func TestAttackRequestFromOneself(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	b := bundle(bob, true)
	for name, tt := range map[string]struct {
		shows crypto.Certificate
		want  error
	}{
		"under bob's name":     {certify(alice, func(c *crypto.Certificate) { c.User = "bob" }), ErrSelf},
		"bob's own":            {bob.Certificate, ErrSelf},
		"from another relay":   {vectors.NewPerson("carol", vectors.OtherRelay(), 0xc1).Certificate, ErrOpen},
		"bob's box key is its": {certify(alice, func(c *crypto.Certificate) { c.Box = bob.Box.Public() }), ErrSelf},
	} {
		k := asker(t, local(alice), b)
		data := k.forge(t, b, tt.shows, agree(t, alice.Box, b.Signed.Box))
		if _, err := answers(local(bob), secretsOf(bob), data); err != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func FuzzDecodeHello(f *testing.F) {
	vectors.Seeds(f, 5)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, message, ok := decodeHello(b)
		signed, ephemeral, named := EphemeralOf(b)
		if named != ok || signed != h.signed || ephemeral != h.ephemeral {
			t.Error("EphemeralOf and decodeHello part")
		}
		if ok && !bytes.Equal(append(h.encode(), message...), b) {
			t.Error("the bytes change")
		}
		// Nobody has asked bob, so nothing opens.
		bob := vectors.Bob()
		if _, err := answers(local(bob), secretsOf(bob), b); err != ErrOpen {
			t.Errorf("answered: %v", err)
		}
	})
}
