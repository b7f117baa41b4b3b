package crypto_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

// bobsPrekey is the one-time prekey of bob's vectors.
func bobsPrekey() crypto.PrekeyPrivate { return vectors.Bob().OneTime }

// prekeyFields are those of a prekey as on the wire, without the signature.
func prekeyFields(p crypto.Prekey) [][]byte {
	return [][]byte{
		{byte(p.Kind)}, binary.BigEndian.AppendUint32(nil, uint32(p.ID)), binary.BigEndian.AppendUint64(nil, uint64(p.Created.Unix())),
		p.Box.Bytes(), p.KEM.Bytes(),
	}
}

// signPrekey signs any fields as the device of a certificate would.
func signPrekey(owner crypto.Certificate, device crypto.DevicePrivate, label crypto.Label, fields [][]byte) []byte {
	hash := owner.Hash()
	sig := device.Sign(label, append([][]byte{hash[:]}, fields...)...)
	return crypto.Encode(crypto.LabelPrekey, append(fields, sig[:])...)
}

func TestPrekeyRoundTrip(t *testing.T) {
	bob := vectors.Bob()
	for _, kind := range []crypto.PrekeyKind{crypto.PrekeySigned, crypto.PrekeyOneTime} {
		secret := crypto.NewPrekey(kind, math.MaxUint32, time.Unix(0, 1))
		p := secret.Sign(bob.Certificate, bob.Device)
		got, err := crypto.ParsePrekey(p.Raw(), bob.Certificate)
		if err != nil || got.Kind != kind || got.ID != math.MaxUint32 || !got.Created.Equal(secret.Created) ||
			got.Box != secret.Box.Public() || got.KEM != secret.KEM.Public() {
			t.Fatalf("kind %d: %v", kind, err)
		}
		if len(p.Raw()) > crypto.MaxPrekey || got.Hash() != p.Hash() || p.Hash() != secret.Hash(bob.Certificate) || got.IsZero() {
			t.Errorf("kind %d: %d bytes, hashes or IsZero differ", kind, len(p.Raw()))
		}
		text, err := secret.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again crypto.PrekeyPrivate
		if err := again.UnmarshalText(text); err != nil || again.Hash(bob.Certificate) != p.Hash() {
			t.Errorf("kind %d: the secret does not read back: %v", kind, err)
		}
		if err := again.UnmarshalText(text[:len(text)-4]); err == nil || strings.Contains(err.Error(), string(text[15:30])) {
			t.Errorf("a secret that was cut: %v", err)
		}
	}
}

func TestPrekeyAltered(t *testing.T) {
	bob := vectors.Bob()
	good := bobsPrekey().Sign(bob.Certificate, bob.Device).Raw()
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1 << (i % 8)
		if p, err := crypto.ParsePrekey(b, bob.Certificate); err != crypto.ErrPrekey || !p.IsZero() {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := crypto.ParsePrekey(good[:i], bob.Certificate); err != crypto.ErrPrekey {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := crypto.ParsePrekey(append(bytes.Clone(good), 0), bob.Certificate); err != crypto.ErrPrekey {
		t.Errorf("a byte longer: %v", err)
	}
}

// Unknown key-share begins here: mallory takes bob's prekey for hers, or gives
// her own for bob's. The relay may help.
func TestAttackPrekeyOfAnotherDevice(t *testing.T) {
	bob, mallory := vectors.Bob(), vectors.Mallory()
	p := bobsPrekey().Sign(bob.Certificate, bob.Device)
	second := bob.Certificate // bob's other device
	second.Device, second.Login, second.Box = crypto.DeviceID{9}, mallory.Device.Public(), vectors.Box(0x77).Public()
	second = crypto.NewCertificate(bob.Account, second)
	renewed := bob.Certificate // the same keys, certified again
	renewed.Created = renewed.Created.Add(time.Second)
	renewed = crypto.NewCertificate(bob.Account, renewed)
	for name, owner := range map[string]crypto.Certificate{
		"mallory": mallory.Certificate, "bob's other device": second, "another certificate": renewed, "nobody": {},
	} {
		if got, err := crypto.ParsePrekey(p.Raw(), owner); err != crypto.ErrPrekey || !got.IsZero() {
			t.Errorf("bob's prekey is taken for one of %s: %v", name, err)
		}
	}
	forged := bobsPrekey().Sign(bob.Certificate, mallory.Device)
	if _, err := crypto.ParsePrekey(forged.Raw(), bob.Certificate); err != crypto.ErrPrekey {
		t.Errorf("signed by mallory for bob: %v", err)
	}
	// What mallory signs as hers is hers, and another prekey by its hash.
	hers := bobsPrekey().Sign(mallory.Certificate, mallory.Device)
	if _, err := crypto.ParsePrekey(hers.Raw(), mallory.Certificate); err != nil || hers.Hash() == p.Hash() {
		t.Errorf("bob's keys certified by mallory: %v", err)
	}
}

// A device can sign anything. What is no prekey is refused although its
// signature holds.
func TestAttackPrekeySignedButWrong(t *testing.T) {
	bob := vectors.Bob()
	p := bobsPrekey().Sign(bob.Certificate, bob.Device)
	if _, err := crypto.ParsePrekey(signPrekey(bob.Certificate, bob.Device, crypto.LabelPrekey, prekeyFields(p)), bob.Certificate); err != nil {
		t.Fatal(err)
	}
	unreduced := bytes.Repeat([]byte{0xff}, crypto.KEMPublicSize) // coefficients of 4095: section 7.2 refuses them
	type change struct {
		field int
		value []byte
	}
	changes := map[string]change{
		"kind 0":              {0, []byte{0}},
		"kind 3":              {0, []byte{3}},
		"no kind":             {0, nil},
		"id 0":                {1, make([]byte, 4)},
		"short id":            {1, []byte{1}},
		"created too late":    {2, binary.BigEndian.AppendUint64(nil, 1<<53)},
		"created before":      {2, binary.BigEndian.AppendUint64(nil, 1<<63)},
		"short X25519 key":    {3, make([]byte, 31)},
		"short KEM key":       {4, p.KEM.Bytes()[1:]},
		"long KEM key":        {4, append(bytes.Clone(p.KEM.Bytes()), 0)},
		"unreduced KEM key":   {4, unreduced},
		"no KEM key":          {4, nil},
		"KEM key at X25519's": {3, p.KEM.Bytes()},
	}
	for i, point := range vectors.LowOrder() {
		changes[fmt.Sprint("X25519 key of low order ", i)] = change{3, point}
	}
	for name, c := range changes {
		f := prekeyFields(p)
		f[c.field] = c.value
		if _, err := crypto.ParsePrekey(signPrekey(bob.Certificate, bob.Device, crypto.LabelPrekey, f), bob.Certificate); err != crypto.ErrPrekey {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := crypto.ParsePrekey(signPrekey(bob.Certificate, bob.Device, crypto.LabelPrekeyHash, prekeyFields(p)), bob.Certificate); err != crypto.ErrPrekey {
		t.Errorf("signed for another purpose: %v", err)
	}
}

func FuzzParsePrekey(f *testing.F) {
	vectors.Seeds(f, 5)
	bob := vectors.Bob()
	good := bobsPrekey().Sign(bob.Certificate, bob.Device)
	f.Add(good.Raw())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := crypto.ParsePrekey(b, bob.Certificate)
		switch {
		case err != nil:
			if err != crypto.ErrPrekey || !p.IsZero() {
				t.Errorf("refused with %v", err)
			}
		case !bytes.Equal(b, good.Raw()):
			t.Error("bob has signed only one prekey, and this is another")
		case p.Hash() != good.Hash() || !bytes.Equal(signPrekey(bob.Certificate, bob.Device, crypto.LabelPrekey, prekeyFields(p)), b):
			t.Error("the bytes change")
		}
	})
}

// FuzzPrekeySecret reads what a profile keeps.
func FuzzPrekeySecret(f *testing.F) {
	vectors.Seeds(f, 4)
	text, err := bobsPrekey().MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, b []byte) {
		var k crypto.PrekeyPrivate
		if err := k.UnmarshalText(b); err != nil {
			return
		}
		if again, err := k.MarshalText(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("the bytes change: %v", err)
		}
	})
}
