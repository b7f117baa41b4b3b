package handshake

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
)

func TestHandshake(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	for _, oneTime := range []bool{true, false} {
		data := request(t, local(alice), bundle(bob, oneTime))
		asked := opens(t, local(bob), secretsOf(bob), data)
		if asked.Certificate.Hash() != alice.Certificate.Hash() || asked.Signed != bob.Signed.ID || (asked.OneTime == bob.OneTime.ID) != oneTime {
			t.Errorf("one-time %v: asked %+v", oneTime, asked)
		}
		signed, ephemeral, ok := EphemeralOf(data)
		if !ok || signed != asked.Signed || ephemeral != asked.Ephemeral {
			t.Error("EphemeralOf says something else")
		}
		if bytes.Contains(data, alice.Certificate.Raw()[80:120]) || bytes.Contains(data, []byte("alice")) {
			t.Error("the relay sees who asks in the request")
		}
	}
}

// The one-time prekey is gone with the first opening. A request without one
// opens as often as it comes: its ephemeral key tells the copy.
func TestAttackReplayedRequest(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	data := request(t, local(alice), bundle(bob, true))
	asked := opens(t, local(bob), secretsOf(bob), data)
	left := slices.DeleteFunc(secretsOf(bob), func(k crypto.PrekeyPrivate) bool {
		return k.Kind == crypto.PrekeyOneTime && k.ID == asked.OneTime
	})
	if _, err := answers(local(bob), left, data); err != ErrOpen {
		t.Errorf("with a one-time prekey: %v", err)
	}

	data = request(t, local(alice), bundle(bob, false))
	asked = opens(t, local(bob), left, data)
	again := opens(t, local(bob), left, data)
	if again.Ephemeral != asked.Ephemeral || again.Signed != asked.Signed {
		t.Error("nothing tells the copy from a request")
	}
	// A copy cannot be given another ephemeral key: each bit of it is bound.
	for i := range crypto.KeySize {
		for bit := range 8 {
			b := bytes.Clone(data)
			b[offEphemeral+i] ^= 1 << bit
			refuses(t, fmt.Sprintf("bit %d of ephemeral byte %d", bit, i), bob, b)
		}
	}
	// And no request has the key of another.
	if _, other, _ := EphemeralOf(request(t, local(alice), bundle(bob, false))); other == asked.Ephemeral {
		t.Error("two requests have one ephemeral key")
	}
}

// The relay hands a request to somebody else, or back.
func TestAttackMisdeliveredRequest(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	data := request(t, local(alice), bundle(bob, true))
	refuses(t, "to another", mallory, data)
	refuses(t, "back to its author", alice, data)
}

// Somebody has bob's box key, and the secrets of his one-time prekeys. Nobody
// can be impersonated to him with them.
func TestAttackKeyCompromiseImpersonation(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	for _, oneTime := range []bool{true, false} {
		b := bundle(bob, oneTime)
		k := asker(t, local(mallory), b)
		guesses := map[string][]byte{"nothing": nil, "zeros": make([]byte, 32)}
		for name, secret := range map[string]crypto.BoxPrivate{
			"mallory's key": mallory.Box, "the ephemeral key": k.ephemeral, "bob's box key": bob.Box, "bob's one-time prekey": bob.OneTime.Box,
		} {
			guesses[name+" with the signed prekey"] = agree(t, secret, b.Signed.Box)
			guesses[name+" with alice's box key"] = agree(t, secret, alice.Certificate.Box)
			guesses[name+" with bob's box key"] = agree(t, secret, b.Certificate.Box)
		}
		for name, dh1 := range guesses {
			refuses(t, "DH1 by "+name, bob, k.forge(t, b, alice.Certificate, dh1))
		}
		// The attack is sound: alice's own key would make it a request of hers.
		asked := opens(t, local(bob), secretsOf(bob), k.forge(t, b, alice.Certificate, agree(t, alice.Box, b.Signed.Box)))
		if asked.Certificate.Account != alice.Certificate.Account {
			t.Error("the control shows somebody else")
		}
	}
}

// What a leaked signed prekey allows: until bob deletes it, anybody can be
// impersonated to him in a new request. It opens no request of the past or
// future, which need his box key as well.
func TestLeakedSignedPrekey(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	b := bundle(bob, true)
	k := asker(t, local(mallory), b)
	forged := k.forge(t, b, alice.Certificate, agree(t, bob.Signed.Box, alice.Certificate.Box))
	opens(t, local(bob), secretsOf(bob), forged)

	renewed := bob.Signed
	renewed.ID, renewed.Box, renewed.KEM = 9, crypto.NewBoxPrivate(), crypto.NewKEMPrivate()
	for name, prekeys := range map[string]secrets{
		"after it was deleted": {renewed, bob.OneTime},
		"under its id":         {crypto.PrekeyPrivate{Kind: crypto.PrekeySigned, ID: 1, Created: bob.Signed.Created, Box: renewed.Box, KEM: renewed.KEM}, bob.OneTime},
	} {
		if _, err := answers(local(bob), prekeys, forged); err != ErrOpen {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, oneTime := range []bool{true, false} {
		data := request(t, local(alice), bundle(bob, oneTime))
		thief := Local{bob.Certificate, mallory.Box}
		thief.Certificate.Box = mallory.Box.Public() // its raw bytes are bob's
		if _, err := answers(thief, secretsOf(bob), data); err != ErrOpen {
			t.Errorf("one-time %v: a thief of all prekeys: %v", oneTime, err)
		}
	}
}

// Whoever has all secrets but one, and knows which one is missing, cannot even
// see who asks. Without ML-KEM that is a quantum computer; without DH4 and
// ML-KEM a thief of all that bob keeps, after he has answered.
func TestAttackAllSecretsButOne(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	for _, oneTime := range []bool{true, false} {
		k := asker(t, local(alice), bundle(bob, oneTime))
		hash := k.transcript.hash()
		tries := func(agreements [][]byte, kem []byte) bool {
			raw, err := certificateKey(k.first(agreements, kem), hash).Open(k.hello.certificate)
			return err == nil && bytes.Equal(raw, alice.Certificate.Raw())
		}
		if !tries(k.agreements, k.kem) {
			t.Fatal("it does not open with all of them")
		}
		zeros := make([]byte, 32)
		for i := range k.agreements {
			without := slices.Delete(slices.Clone(k.agreements), i, i+1)
			with := slices.Clone(k.agreements)
			with[i] = zeros
			if tries(without, k.kem) || tries(with, k.kem) {
				t.Errorf("one-time %v: it opens without DH%d", oneTime, i+2)
			}
		}
		for name, kem := range map[string][]byte{"nothing": nil, "zeros": zeros, "its ciphertext": k.hello.ciphertext} {
			if tries(k.agreements, kem) {
				t.Errorf("one-time %v: it opens with %s for the KEM secret", oneTime, name)
			}
		}
	}
}

// Mallory certifies herself as alice, with keys of her own. The request is
// hers and good: the account key in it tells her from alice.
func TestAttackSelfMadeCertificate(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	posing := local(mallory)
	posing.Certificate = certify(mallory, func(c *crypto.Certificate) { c.User, c.Device = "alice", alice.Certificate.Device })
	asked := opens(t, local(bob), secretsOf(bob), request(t, posing, bundle(bob, true)))
	if asked.Certificate.Address() != alice.Certificate.Address() || asked.Certificate.Account != mallory.Certificate.Account {
		t.Error("the certificate does not show whose it is")
	}
	// Nor does she get by with the bytes of alice's certificate, or of one
	// whose signature is hers under alice's account key.
	posing.Certificate = alice.Certificate
	posing.Certificate.Box = mallory.Box.Public() // its raw bytes are alice's
	refuses(t, "alice's certificate over mallory's key", bob, request(t, posing, bundle(bob, true)))
	forged := bytes.Clone(alice.Certificate.Raw())
	copy(forged[len(forged)-64:], mallory.Certificate.Raw()[len(mallory.Certificate.Raw())-64:])
	k := asker(t, local(mallory), bundle(bob, true))
	for name, tt := range map[string]struct {
		raw  []byte
		want error
	}{"signed by mallory": {forged, ErrOpen}, "as it is": {alice.Certificate.Raw(), nil}} {
		k.hello.certificate = certificateKey(k.first(k.agreements, k.kem), k.transcript.hash()).Seal(tt.raw)
		if _, err := Answer(local(bob), secretsOf(bob), k.hello.encode(), begun, source.System); err != tt.want {
			t.Errorf("alice's certificate %s: %v", name, err)
		}
	}
}

// Unknown key share, first way: mallory certifies bob's box key and signs his
// prekeys as hers, so that what alice asks of her could be handed to bob.
func TestAttackUnknownKeyShareOfTheAsked(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	holder := bob
	holder.Device = mallory.Device
	holder.Certificate = certify(mallory, func(c *crypto.Certificate) { c.Box = bob.Box.Public() })
	for _, oneTime := range []bool{true, false} {
		data := request(t, local(alice), bundle(holder, oneTime))
		refuses(t, "a request to mallory, under bob's keys", bob, data)
		opens(t, local(holder), secretsOf(bob), data) // the keys alone would do
	}
}

// Second way: she certifies alice's box key, so that what alice asks of bob
// could be shown as hers.
func TestAttackUnknownKeyShareOfTheAsker(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	holder := certify(mallory, func(c *crypto.Certificate) { c.Box = alice.Box.Public() })
	b := bundle(bob, true)
	k := asker(t, local(mallory), b)
	for name, secret := range map[string]crypto.BoxPrivate{"mallory's key": mallory.Box, "the ephemeral key": k.ephemeral} {
		refuses(t, name, bob, k.forge(t, b, holder, agree(t, secret, b.Signed.Box)))
	}
	of := asker(t, local(alice), b)
	sealed := certificateKey(k.first(k.agreements, k.kem), k.transcript.hash()).Seal(holder.Raw())
	data := of.forge(t, b, alice.Certificate, agree(t, alice.Box, b.Signed.Box))
	h, message, _ := decodeHello(data)
	h.certificate = sealed
	refuses(t, "mallory's sealed certificate in alice's request", bob, append(h.encode(), message...))
	// Even if mallory could seal hers into it, the session would be another.
	theirs := certificateKey(of.first(of.agreements, of.kem), of.transcript.hash()).Seal(holder.Raw())
	h.certificate = theirs
	refuses(t, "hers sealed under alice's secret", bob, append(h.encode(), message...))
	h.certificate = of.hello.certificate
	opens(t, local(bob), secretsOf(bob), append(h.encode(), message...))
}

// The relay, or a device that certifies for others, gives prekeys that do not
// belong together. Parsing refuses another device's (package crypto); whoever
// got past that would still reach nobody.
func TestAttackMixedBundle(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	good := bundle(bob, true)
	for name, change := range map[string]func(*Bundle){
		"mallory's signed prekey":   func(b *Bundle) { b.Signed = mallory.Sign(mallory.Signed) },
		"mallory's one-time prekey": func(b *Bundle) { b.OneTime = mallory.Sign(mallory.OneTime) },
		"mallory's certificate":     func(b *Bundle) { b.Certificate = mallory.Certificate },
		"bob's key signed by her":   func(b *Bundle) { b.Signed = mallory.Sign(bob.Signed) },
	} {
		b := good
		change(&b)
		data := request(t, local(alice), b)
		refuses(t, name+": bob", bob, data)
		refuses(t, name+": mallory", mallory, data)
	}
	for name, change := range map[string]func(*Bundle){
		"no certificate":          func(b *Bundle) { b.Certificate = crypto.Certificate{} },
		"no signed prekey":        func(b *Bundle) { b.Signed = crypto.Prekey{} },
		"a one-time for a signed": func(b *Bundle) { b.Signed = b.OneTime },
		"a signed for a one-time": func(b *Bundle) { b.OneTime = b.Signed },
		"our own key as prekey":   func(b *Bundle) { b.Signed.Box = alice.Box.Public() },
		"low-order signed":        func(b *Bundle) { b.Signed.Box = crypto.BoxPublic{} },
		"low-order one-time":      func(b *Bundle) { b.OneTime.Box = crypto.BoxPublic{} },
		"low-order box key":       func(b *Bundle) { b.Certificate.Box = crypto.BoxPublic{} },
	} {
		b := good
		change(&b)
		if hello, _, err := Ask(local(alice), b, begun, source.System); err != ErrBundle || hello != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A request names prekeys by kind and id. None serves for another.
func TestAttackPrekeyNamedWrongly(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	second := crypto.NewPrekey(crypto.PrekeyOneTime, 3, begun)
	prekeys := append(secretsOf(bob), second)
	for _, oneTime := range []bool{true, false} {
		data := request(t, local(alice), bundle(bob, oneTime))
		good, message, _ := decodeHello(data)
		for _, signed := range []crypto.PrekeyID{0, 1, 2, 3, math.MaxUint32} {
			for _, once := range []crypto.PrekeyID{0, 1, 2, 3, math.MaxUint32} {
				h := good
				h.signed, h.oneTime = signed, once
				if h.signed == good.signed && h.oneTime == good.oneTime {
					continue
				}
				if _, err := answers(local(bob), prekeys, append(h.encode(), message...)); err != ErrOpen {
					t.Errorf("one-time %v, named %d and %d: %v", oneTime, signed, once, err)
				}
			}
		}
	}
}

// The relay strips, swaps or makes anew the KEM part.
func TestAttackKEM(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	for _, oneTime := range []bool{true, false} {
		b := bundle(bob, oneTime)
		data := request(t, local(alice), b)
		_, toSigned := b.Signed.KEM.Encapsulate()
		_, toOneTime := bob.OneTime.KEM.Public().Encapsulate()
		other, _, _ := decodeHello(request(t, local(alice), b))
		for name, ciphertext := range map[string][]byte{
			"stripped": make([]byte, crypto.KEMCiphertextSize), "to the signed prekey": toSigned, "to the one-time prekey": toOneTime,
			"of another request": other.ciphertext,
		} {
			h, message, _ := decodeHello(data)
			h.ciphertext = ciphertext
			refuses(t, name, bob, append(h.encode(), message...))
		}
	}
	// An asker who encapsulates to the signed key in place of the one-time key.
	b := bundle(bob, true)
	b.OneTime.KEM = b.Signed.KEM // its hash is that of the real one
	refuses(t, "to the lesser key", bob, request(t, local(alice), b))
}

func TestAttackLowOrderEphemeral(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	data := request(t, local(alice), bundle(bob, true))
	for _, point := range vectors.LowOrder() {
		b := bytes.Clone(data)
		copy(b[offEphemeral:], point)
		refuses(t, fmt.Sprintf("ephemeral %x", point), bob, b)
		if _, _, ok := EphemeralOf(b); ok {
			t.Errorf("ephemeral %x is read", point)
		}
	}
}

// A request says another version, or a device does.
func TestAttackVersionDowngrade(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	data := request(t, local(alice), bundle(bob, true))
	for version := range 256 {
		if version != Version {
			b := bytes.Clone(data)
			b[offVersion] = byte(version)
			refuses(t, fmt.Sprint("version ", version), bob, b)
		}
	}
	old, later := func(c *crypto.Certificate) { c.Version = 0 }, func(c *crypto.Certificate) { c.Version = 9 }
	oldBob, oldAlice := bob, alice
	oldBob.Certificate, oldAlice.Certificate = certify(bob, old), certify(alice, old)
	if _, _, err := Ask(local(alice), bundle(oldBob, true), begun, source.System); err != ErrVersion {
		t.Errorf("asking an old device: %v", err)
	}
	if _, _, err := Ask(local(oldAlice), bundle(bob, true), begun, source.System); err != ErrVersion {
		t.Errorf("an old device asks: %v", err)
	}
	b := bundle(bob, true)
	forged := asker(t, local(alice), b).forge(t, b, oldAlice.Certificate, agree(t, alice.Box, b.Signed.Box))
	if _, err := answers(local(bob), secretsOf(bob), forged); err != ErrVersion {
		t.Errorf("an old certificate in a request: %v", err)
	}
	// Devices of later versions speak this one with us.
	laterBob := bob
	laterBob.Certificate = certify(bob, later)
	opens(t, local(laterBob), secretsOf(bob), request(t, local(alice), bundle(laterBob, true)))
	// The relay shows an older certificate of bob's than the one that he has.
	refuses(t, "another certificate than bob's", laterBob, data)
}

// The transcript binds everything: each field that is changed gives another.
func TestTranscriptBinds(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	good := asker(t, local(alice), bundle(bob, true)).transcript
	changes := map[string]func(*transcript){
		"version":    func(t *transcript) { t.version++ },
		"asked":      func(t *transcript) { t.asked = certify(bob, func(c *crypto.Certificate) { c.Version++ }) },
		"signed":     func(t *transcript) { t.signed[31] ^= 1 },
		"oneTime":    func(t *transcript) { t.oneTime = nil },
		"ephemeral":  func(t *transcript) { t.ephemeral = bob.Box.Public() },
		"ciphertext": func(t *transcript) { t.ciphertext = append([]byte{t.ciphertext[0] ^ 1}, t.ciphertext[1:]...) },
	}
	for i := range reflect.TypeFor[transcript]().NumField() {
		name := reflect.TypeFor[transcript]().Field(i).Name
		if changes[name] == nil {
			t.Errorf("no change of %s is tried", name)
			continue
		}
		changed := good
		changes[name](&changed)
		if changed.hash() == good.hash() {
			t.Errorf("%s is not bound", name)
		}
	}
	if hash := good.hash(); sessionID(hash, alice.Certificate) == sessionID(hash, certify(alice, func(c *crypto.Certificate) { c.Version++ })) {
		t.Error("the asker's certificate is not bound")
	}
}
