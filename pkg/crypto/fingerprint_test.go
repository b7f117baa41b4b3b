package crypto_test

import (
	"regexp"
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

var fingerprintForm = regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){7}$`)

func TestFingerprint(t *testing.T) {
	f := vectors.Alice().Account.Public().Fingerprint()
	if !fingerprintForm.MatchString(string(f)) {
		t.Fatalf("it is written %q", f)
	}
	s := string(f)
	for _, typed := range []string{s, strings.ToUpper(s), strings.ReplaceAll(s, "-", ""), s[:1] + "-" + s[1:]} {
		if got, err := crypto.ParseFingerprint(typed); err != nil || got != f {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", "-", s[:len(s)-1], s + "a", s + "-aaaa", s + "\n", " " + s, s[:38] + "1", s[:38] + "\u212a"} {
		if got, err := crypto.ParseFingerprint(typed); err == nil {
			t.Errorf("%q is taken for %q", typed, got)
		}
	}
}

// The fingerprint of a relay must not be that of an account, even if one key
// served as both.
func TestFingerprintNamesTheKind(t *testing.T) {
	bytes := vectors.Alice().Account.Public().Bytes()
	var relay crypto.RelayPublic
	if err := relay.UnmarshalText([]byte("relay-public:" + crypto.Base64(bytes))); err != nil {
		t.Fatal(err)
	}
	if relay.Fingerprint() == vectors.Alice().Account.Public().Fingerprint() {
		t.Error("both kinds have one fingerprint")
	}
}

func FuzzParseFingerprint(f *testing.F) {
	f.Add(string(vectors.Alice().Account.Public().Fingerprint()))
	f.Add("ABCD-efgh-2345-6723-abcd-efgh-2345-6723")
	f.Add("abcdefgh\r\n2345")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := crypto.ParseFingerprint(s)
		if err != nil {
			return
		}
		if !fingerprintForm.MatchString(string(got)) {
			t.Errorf("%q is read as %q", s, got)
		}
		if again, err := crypto.ParseFingerprint(string(got)); err != nil || again != got {
			t.Errorf("%q is read as %q, %v", got, again, err)
		}
	})
}
