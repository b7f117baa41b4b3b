package crypto_test

import (
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

func TestSafetyVectors(t *testing.T) {
	alice, bob := vectors.Alice().Certificate, vectors.Bob().Certificate
	vectors.Check(t, "safety.json", safetyFile{
		One: crypto.Base64(alice.Raw()), Other: crypto.Base64(bob.Raw()),
		Number: crypto.SafetyNumber(alice, bob), QR: crypto.SafetyQR(alice, bob),
	})
}
