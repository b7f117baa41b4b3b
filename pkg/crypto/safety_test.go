package crypto_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

func TestSafetyNumber(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	number := crypto.SafetyNumber(alice.Certificate, bob.Certificate)
	if number != crypto.SafetyNumber(bob.Certificate, alice.Certificate) {
		t.Error("the two sides see different numbers")
	}
	if len(number) != crypto.SafetyDigits || strings.Trim(number, "0123456789") != "" {
		t.Errorf("%q", number)
	}
	lines := crypto.SafetyLines(number)
	if len(lines) != 3 || strings.ReplaceAll(strings.Join(lines, ""), " ", "") != number {
		t.Errorf("%q", lines)
	}
	certify := func(account crypto.AccountPrivate, change func(*crypto.Certificate)) crypto.Certificate {
		c := bob.Certificate
		change(&c)
		return crypto.NewCertificate(account, c)
	}
	other := crypto.NewRelayPrivate().Public()
	for name, c := range map[string]crypto.Certificate{
		"another account key": certify(crypto.NewAccountPrivate(), func(*crypto.Certificate) {}),
		"another name":        certify(bob.Account, func(c *crypto.Certificate) { c.User = "bobby" }),
		"another relay":       certify(bob.Account, func(c *crypto.Certificate) { c.Relay = other }),
	} {
		if got := crypto.SafetyNumber(alice.Certificate, c); got == number || !strings.Contains(got, crypto.SafetyNumber(alice.Certificate, alice.Certificate)[:30]) {
			t.Errorf("%s: %s", name, got)
		}
		if crypto.CheckSafetyQR(crypto.SafetyQR(c, alice.Certificate), alice.Certificate, bob.Certificate) {
			t.Errorf("%s: the QR code fits", name)
		}
	}
	second := certify(bob.Account, func(c *crypto.Certificate) {
		c.Device, c.Login, c.Box = crypto.DeviceID{9}, crypto.NewDevicePrivate().Public(), crypto.NewBoxPrivate().Public()
	})
	if crypto.SafetyNumber(alice.Certificate, second) != number {
		t.Error("a second device changes the number")
	}
}

func TestSafetyQR(t *testing.T) {
	alice, bob, mallory := vectors.Alice().Certificate, vectors.Bob().Certificate, vectors.Mallory().Certificate
	shown := crypto.SafetyQR(bob, alice) // by bob
	if !crypto.CheckSafetyQR(shown, alice, bob) || !crypto.IsSafetyQR(shown) {
		t.Error("what bob shows does not fit at alice")
	}
	for name, text := range map[string]string{
		"her own": crypto.SafetyQR(alice, bob), "of another": crypto.SafetyQR(mallory, alice), "for another": crypto.SafetyQR(bob, mallory),
		"cut": shown[:len(shown)-1], "longer": shown + "A", "nothing": "", "digits": crypto.SafetyNumber(alice, bob),
	} {
		if crypto.CheckSafetyQR(text, alice, bob) {
			t.Errorf("%s: fits", name)
		}
	}
}

type safetyFile struct {
	One    string `json:"oneCertificate"`
	Other  string `json:"otherCertificate"`
	Number string `json:"number"`
	QR     string `json:"qrShownByOne"`
}

// What the production code gives is made here once more by hand.
func TestSafetyVectors(t *testing.T) {
	alice, bob := vectors.Alice().Certificate, vectors.Bob().Certificate
	v := safetyFile{
		One: crypto.Base64(alice.Raw()), Other: crypto.Base64(bob.Raw()),
		Number: crypto.SafetyNumber(alice, bob), QR: crypto.SafetyQR(alice, bob),
	}
	a, b := safetyByHand(alice), safetyByHand(bob)
	halves := []string{thirtyDigits(a), thirtyDigits(b)}
	slices.Sort(halves)
	if want := halves[0] + halves[1]; v.Number != want {
		t.Errorf("by hand the number is %s, and not %s", want, v.Number)
	}
	if want := "chat-safety:1:" + crypto.Base64(a) + ":" + crypto.Base64(b); v.QR != want {
		t.Errorf("by hand the code is %s, and not %s", want, v.QR)
	}
	vectors.Check(t, "safety.json", v)
}

func safetyByHand(c crypto.Certificate) []byte {
	f := vectors.Split(c.Raw()) // label, relay, name, device, account key
	return vectors.H("safety number", f[1], f[2], f[4])
}

func thirtyDigits(hash []byte) (s string) {
	for ; len(s) < 30; hash = hash[5:] {
		s += fmt.Sprintf("%05d", (uint64(hash[0])<<32|uint64(binary.BigEndian.Uint32(hash[1:])))%100000)
	}
	return s
}

// FuzzCheckSafetyQR reads what somebody has pasted: one text fits, and no
// other.
func FuzzCheckSafetyQR(f *testing.F) {
	vectors.Seeds(f, 4)
	alice, bob := vectors.Alice().Certificate, vectors.Bob().Certificate
	shown := crypto.SafetyQR(bob, alice)
	f.Add(shown)
	f.Add(crypto.SafetyQR(alice, bob))
	f.Fuzz(func(t *testing.T, s string) {
		fits := crypto.CheckSafetyQR(s, alice, bob)
		if fits != (s == shown) {
			t.Errorf("%q: fits is %v", s, fits)
		}
		if fits && !crypto.IsSafetyQR(s) {
			t.Errorf("%q fits and is no code", s)
		}
	})
}
