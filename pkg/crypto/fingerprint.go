package crypto

import (
	"encoding/base32"
	"errors"
	"strings"
)

// Fingerprint is what people compare and paste for a key: 160 bits of a
// SHA-256 hash, as eight groups of four base32 characters. Finding a second
// key under a given fingerprint takes 2^160 tries.
type Fingerprint string

const (
	fingerprintBytes = 20
	fingerprintGroup = 4
)

var fingerprintAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func fingerprint(kind string, key []byte) Fingerprint {
	h := Hash(LabelFingerprint, []byte(kind), key)
	s := fingerprintAlphabet.EncodeToString(h[:fingerprintBytes])
	return inGroups(s)
}

func inGroups(s string) Fingerprint {
	var groups []string
	for ; len(s) > 0; s = s[fingerprintGroup:] {
		groups = append(groups, s[:fingerprintGroup])
	}
	return Fingerprint(strings.Join(groups, "-"))
}

// ParseFingerprint reads a fingerprint as a person may have typed it: case
// and dashes do not matter.
func ParseFingerprint(s string) (Fingerprint, error) {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return -1
		case r >= 'A' && r <= 'Z': // strings.ToLower knows letters beyond these that become them
			return r - 'A' + 'a'
		}
		return r
	}, s)
	b, err := fingerprintAlphabet.DecodeString(s)
	if err != nil || len(b) != fingerprintBytes || fingerprintAlphabet.EncodeToString(b) != s {
		return "", errors.New("a fingerprint is eight groups of four letters and digits, like abcd-efgh-…")
	}
	return inGroups(s), nil
}
