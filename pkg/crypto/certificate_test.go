package crypto_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

func raw(t testing.TB, c crypto.Certificate) []byte {
	t.Helper()
	text, err := c.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	b, err := crypto.FromBase64(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCertificateRoundTrip(t *testing.T) {
	alice := vectors.Alice()
	c := alice.Certificate
	got, err := crypto.ParseCertificate(raw(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if got.Relay != c.Relay || got.User != c.User || got.Device != c.Device || got.Account != alice.Account.Public() ||
		got.Login != c.Login || got.Box != c.Box || got.Version != c.Version || !got.Created.Equal(c.Created) {
		t.Errorf("got %+v, want %+v", got, c)
	}
	if !bytes.Equal(raw(t, got), raw(t, c)) || got.Hash() != c.Hash() {
		t.Error("the bytes change")
	}
}

// Clocks that are wrong by ages still give certificates that parse.
func TestCertificateTimes(t *testing.T) {
	alice := vectors.Alice()
	for _, created := range []time.Time{{}, time.Unix(math.MinInt64, 0), time.Unix(math.MaxInt64, 999), time.Unix(0, 1)} {
		c := alice.Certificate
		c.Created = created
		c = crypto.NewCertificate(alice.Account, c)
		got, err := crypto.ParseCertificate(raw(t, c))
		if err != nil || !got.Created.Equal(c.Created) {
			t.Errorf("%v: %v, %v", created, got.Created, err)
		}
	}
}

// A time that an int64 cannot hold was taken for one long ago.
func TestCertificateOfNoTime(t *testing.T) {
	alice := vectors.Alice()
	c := alice.Certificate
	for created, good := range map[uint64]bool{0: true, 1<<53 - 1: true, 1 << 53: false, 1 << 63: false, math.MaxUint64: false} {
		fields := [][]byte{
			c.Relay.Bytes(), []byte(c.User), c.Device[:], alice.Account.Public().Bytes(), c.Login.Bytes(), c.Box.Bytes(),
			{c.Version}, binary.BigEndian.AppendUint64(nil, created),
		}
		sig := alice.Account.Sign(crypto.LabelCertificate, fields...)
		_, err := crypto.ParseCertificate(crypto.Encode(crypto.LabelCertificate, append(fields, sig[:])...))
		if (err == nil) != good {
			t.Errorf("created %d: %v", created, err)
		}
	}
}

func TestCertificateAltered(t *testing.T) {
	good := raw(t, vectors.Alice().Certificate)
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			if _, err := crypto.ParseCertificate(b); err != crypto.ErrCertificate {
				t.Errorf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
		if _, err := crypto.ParseCertificate(good[:i]); err != crypto.ErrCertificate {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := crypto.ParseCertificate(append(bytes.Clone(good), 0)); err != crypto.ErrCertificate {
		t.Errorf("a byte longer: %v", err)
	}
}

// A person can sign anything with an account key of their own. What is no
// certificate must be refused although its signature holds.
func TestCertificateSignedButWrong(t *testing.T) {
	mallory := vectors.Mallory()
	c := mallory.Certificate
	created := make([]byte, 8)
	fields := func() [][]byte {
		return [][]byte{
			c.Relay.Bytes(), []byte(c.User), c.Device[:], c.Account.Bytes(), c.Login.Bytes(), c.Box.Bytes(), {0}, created,
		}
	}
	sign := func(f [][]byte) []byte {
		sig := mallory.Account.Sign(crypto.LabelCertificate, f...)
		return crypto.Encode(crypto.LabelCertificate, append(f, sig[:])...)
	}
	if _, err := crypto.ParseCertificate(sign(fields())); err != nil {
		t.Fatal(err)
	}
	identity := make([]byte, 32)
	identity[0] = 1
	for name, tt := range map[string]struct {
		field int
		value []byte
	}{
		"relay of small order":      {0, identity},
		"short relay":               {0, make([]byte, 31)},
		"upper-case name":           {1, []byte("Mallory")},
		"short name":                {1, []byte("ma")},
		"long name":                 {1, bytes.Repeat([]byte("m"), 33)},
		"name with a zero byte":     {1, []byte("mal\x00lory")},
		"short device id":           {2, make([]byte, 7)},
		"another account":           {3, vectors.Alice().Account.Public().Bytes()},
		"account of small order":    {3, identity},
		"device key of small order": {4, identity},
		"box key of low order":      {5, identity},
		"long box key":              {5, make([]byte, 33)},
		"no version":                {6, nil},
		"two bytes of version":      {6, []byte{0, 0}},
		"short time":                {7, make([]byte, 7)},
		"long time":                 {7, make([]byte, 9)},
	} {
		f := fields()
		f[tt.field] = tt.value
		if _, err := crypto.ParseCertificate(sign(f)); err != crypto.ErrCertificate {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Ed25519 under the identity point takes this signature for everything.
	f := fields()
	f[3] = identity
	forged := append(bytes.Clone(identity), make([]byte, 32)...)
	if _, err := crypto.ParseCertificate(crypto.Encode(crypto.LabelCertificate, append(f, forged)...)); err != crypto.ErrCertificate {
		t.Errorf("a forgery under the identity point: %v", err)
	}
	// The same fields signed for another purpose.
	sig := mallory.Account.Sign(crypto.LabelRegister, fields()...)
	if _, err := crypto.ParseCertificate(crypto.Encode(crypto.LabelCertificate, append(fields(), sig[:])...)); err != crypto.ErrCertificate {
		t.Errorf("signed for another purpose: %v", err)
	}
}

// What stands in a zero Certificate is nobody's.
func TestZeroCertificate(t *testing.T) {
	var c crypto.Certificate
	if !c.IsZero() || vectors.Alice().Certificate.IsZero() {
		t.Error("IsZero is wrong")
	}
	if _, err := c.MarshalText(); !errors.Is(err, crypto.ErrCertificate) {
		t.Errorf("it is written: %v", err)
	}
	if err := c.UnmarshalText(nil); !errors.Is(err, crypto.ErrCertificate) || !c.IsZero() {
		t.Errorf("nothing is read as a certificate: %v", err)
	}
}

func FuzzParseCertificate(f *testing.F) {
	vectors.Seeds(f, 5)
	f.Add(raw(f, vectors.Alice().Certificate))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := crypto.ParseCertificate(b)
		if err != nil {
			if err != crypto.ErrCertificate || !c.IsZero() {
				t.Errorf("refused with %v and %+v", err, c)
			}
			return
		}
		if !bytes.Equal(raw(t, c), b) {
			t.Error("the bytes change")
		}
		var again crypto.Certificate
		text, _ := c.MarshalText()
		if err := again.UnmarshalText(text); err != nil || again.Hash() != c.Hash() {
			t.Errorf("the text does not read back: %v", err)
		}
	})
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"bob": true, "a_1": true, "___": true, strings.Repeat("x", 32): true,
		"": false, "bo": false, strings.Repeat("x", 33): false, "Bob": false, "b b": false, "bob\n": false, "böb": false, "b/b": false, "bob\x00": false,
	} {
		if _, err := crypto.ParseUsername(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	const id = "0123456789abcdef"
	for text, ok := range map[string]bool{
		"bob/" + id: true,
		"bob":       false, "bob/": false, "/" + id: false, "Bob/" + id: false, "bob/" + strings.ToUpper(id): false,
		"bob/" + id + "0": false, "bob/" + id[1:]: false, "bob/" + id + "/": false, "bob//" + id: false, "bob/ " + id[1:]: false,
	} {
		var a crypto.Address
		err := a.UnmarshalText([]byte(text))
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && a.String() != text {
			t.Errorf("%q is written %q", text, a)
		}
	}
}
