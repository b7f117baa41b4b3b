package crypto_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding"
	"encoding/hex"
	"strings"
	"testing"

	"filippo.io/edwards25519"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

type text interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}

// kinds gives for each kind of key an example and an empty value to read into.
func kinds() map[string]struct{ example, empty text } {
	account, device, relay := crypto.NewAccountPrivate(), crypto.NewDevicePrivate(), crypto.NewRelayPrivate()
	box := crypto.NewBoxPrivate()
	accountPublic, devicePublic, relayPublic, boxPublic := account.Public(), device.Public(), relay.Public(), box.Public()
	return map[string]struct{ example, empty text }{
		"account-public:": {&accountPublic, new(crypto.AccountPublic)},
		"account-secret:": {&account, new(crypto.AccountPrivate)},
		"device-public:":  {&devicePublic, new(crypto.DevicePublic)},
		"device-secret:":  {&device, new(crypto.DevicePrivate)},
		"relay-public:":   {&relayPublic, new(crypto.RelayPublic)},
		"relay-secret:":   {&relay, new(crypto.RelayPrivate)},
		"box-public:":     {&boxPublic, new(crypto.BoxPublic)},
		"box-secret:":     {&box, new(crypto.BoxPrivate)},
	}
}

func marshal(t *testing.T, v encoding.TextMarshaler) string {
	t.Helper()
	b, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each kind reads its own text back and refuses every other kind's.
func TestKeyKinds(t *testing.T) {
	for prefix, k := range kinds() {
		own := marshal(t, k.example)
		if !strings.HasPrefix(own, prefix) {
			t.Errorf("%s is written %s…", prefix, own[:len(prefix)])
		}
		for other, o := range kinds() {
			err := o.empty.UnmarshalText([]byte(own))
			if (err == nil) != (other == prefix) {
				t.Errorf("%s read as %s: %v", prefix, other, err)
			}
			if err == nil && marshal(t, o.empty) != own {
				t.Errorf("%s changes when it is read and written", prefix)
			}
		}
	}
}

func TestKeyTextIsStrict(t *testing.T) {
	for prefix, k := range kinds() {
		own := marshal(t, k.example)
		body := own[len(prefix):]
		for what, s := range map[string]string{
			"empty":           "",
			"prefix only":     prefix,
			"no prefix":       body,
			"upper case":      strings.ToUpper(prefix) + body,
			"space before":    " " + own,
			"newline behind":  own + "\n",
			"padded":          own + "=",
			"a byte short":    prefix + crypto.Base64(make([]byte, 31)),
			"a byte long":     prefix + crypto.Base64(make([]byte, 33)),
			"standard base64": prefix + strings.Repeat("+", 43),
			"stray bits":      prefix + strings.Repeat("A", 42) + "B",
			"prefix twice":    prefix + own,
		} {
			if err := k.empty.UnmarshalText([]byte(s)); err == nil {
				t.Errorf("%s %s is taken", prefix, what)
			}
		}
	}
}

// Nothing that reads text may repeat it in an error: it may be a secret that
// was pasted into the wrong place.
func TestErrorsAreSilent(t *testing.T) {
	const pasted = "account-secret:c2VjcmV0LXRoYXQtbXVzdC1ub3QtYmUtZWNob2Vk"
	readers := map[string]encoding.TextUnmarshaler{
		"signature": new(crypto.Signature), "nonce": new(crypto.Nonce), "certificate": new(crypto.Certificate),
		"username": new(crypto.Username), "device id": new(crypto.DeviceID), "message id": new(crypto.MessageID),
		"address": new(crypto.Address),
	}
	for prefix, k := range kinds() {
		readers[prefix] = k.empty
	}
	check := func(name, input string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s takes %q", name, input)
			return
		}
		for i := 0; i+8 <= len(input); i++ {
			if strings.Contains(err.Error(), input[i:i+8]) {
				t.Errorf("%s repeats its input: %v", name, err)
				return
			}
		}
	}
	for _, input := range []string{pasted, pasted[15:], "alice/" + pasted, strings.Repeat("zZ9", 16)} {
		for name, r := range readers {
			check(name, input, r.UnmarshalText([]byte(input)))
		}
		_, err := crypto.ParseFingerprint(input)
		check("fingerprint", input, err)
		_, err = crypto.FromBase64(input + "=")
		check("base64", input, err)
		_, err = crypto.ParseCertificate([]byte(input))
		check("certificate bytes", input, err)
		_, err = crypto.ParseBoxPublic([]byte(input))
		check("box key bytes", input, err)
	}
}

// smallOrder are the eight points of order 1, 2, 4 and 8, and their
// encodings that are not canonical.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readAccount(b []byte) (k crypto.AccountPublic, err error) {
	return k, k.UnmarshalText([]byte("account-public:" + crypto.Base64(b)))
}

func TestSmallOrderSigningKeys(t *testing.T) {
	for _, s := range smallOrder {
		b := unhex(t, s)
		if _, err := readAccount(b); err == nil {
			t.Errorf("the key %s is taken", s)
		}
	}
	// Why it matters: under the identity point, one signature fits everything.
	identity := unhex(t, smallOrder[0])
	forged := append(bytes.Clone(identity), make([]byte, 32)...)
	if !ed25519.Verify(identity, []byte("anything"), forged) {
		t.Error("crypto/ed25519 now refuses the identity point by itself; the check can go")
	}
}

// Encodings of y + p for small y name points of large order a second time.
func TestNonCanonicalSigningKeys(t *testing.T) {
	onCurve := 0
	for y := byte(2); y < 19; y++ {
		b := bytes.Repeat([]byte{0xff}, 32)
		b[0], b[31] = 0xed+y, 0x7f
		if _, err := new(edwards25519.Point).SetBytes(b); err == nil {
			onCurve++
		}
		if _, err := readAccount(b); err == nil {
			t.Errorf("the key %x is taken", b)
		}
	}
	if onCurve < 5 {
		t.Errorf("only %d of the encodings are points; the test shows nothing", onCurve)
	}
}

// A zero key is what stands in a structure that nobody has filled. It is a
// point of order 4, under which this signature fits every fourth text.
func TestZeroKeyVerifiesNothing(t *testing.T) {
	var zero crypto.AccountPublic
	forged := crypto.Signature{1}
	fits := 0
	for i := range byte(64) {
		if ed25519.Verify(zero.Bytes(), crypto.Encode(crypto.LabelLogin, []byte{i}), forged[:]) {
			fits++
		}
		if zero.Verify(forged, crypto.LabelLogin, []byte{i}) {
			t.Error("the zero key verifies a forgery")
		}
	}
	if fits == 0 {
		t.Error("the forgery fits nothing; the test shows nothing")
	}
}

func TestLowOrderBoxKeys(t *testing.T) {
	own := crypto.NewBoxPrivate()
	for _, b := range vectors.LowOrder() {
		if _, err := crypto.ParseBoxPublic(b); err == nil {
			t.Errorf("the key %x is taken", b)
		}
		var k crypto.BoxPublic
		if err := k.UnmarshalText([]byte("box-public:" + crypto.Base64(b))); err == nil {
			t.Errorf("the text of the key %x is taken", b)
		}
	}
	if _, err := own.Agree(crypto.BoxPublic{}); err == nil {
		t.Error("an agreement with the zero key succeeds")
	}
}

func TestAgree(t *testing.T) {
	a, b := crypto.NewBoxPrivate(), crypto.NewBoxPrivate()
	ab, err := a.Agree(b.Public())
	if err != nil {
		t.Fatal(err)
	}
	ba, err := b.Agree(a.Public())
	if err != nil || !bytes.Equal(ab, ba) {
		t.Errorf("the two sides do not agree: %v", err)
	}
}

// Base64 has one text for each value: whatever is read is written the same.
func FuzzFromBase64(f *testing.F) {
	for _, s := range []string{"", "AA", "AB", "AAA", "AA==", "A\nA", "A\r\nA", "-_-_", "+/+/", "A", "AAAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := crypto.FromBase64(s); err == nil && crypto.Base64(b) != s {
			t.Errorf("%q is taken, but written %q", s, crypto.Base64(b))
		}
	})
}

func TestBase64(t *testing.T) {
	for n := range 70 {
		b := make([]byte, n)
		rand.Read(b)
		if got, err := crypto.FromBase64(crypto.Base64(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for _, s := range []string{"AA=", "AA==", "AB", "A", "A A", "AA\n", "\nAA", "A\r\nA", "+/AA", "AA\x00"} {
		if _, err := crypto.FromBase64(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
