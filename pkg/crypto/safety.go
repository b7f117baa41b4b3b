package crypto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A safety number is what two people compare by another way than through the
// relay, to know that each has the other's account key. It is made of keys
// and names alone, so a second device does not change it.
//
// Each of the two gives 30 digits, about 99 bits of a hash over relay, name and
// account key. To stand between two people unseen, a relay needs for each of
// them a key of its own that gives the same 30 digits under the same name:
// 2^99 tries, which serve for that one name. The two halves are sorted, not
// mixed, so pairs of keys that agree with each other do not help. That is
// out of reach with one hash for each try; iterating it would add nothing
// that can be felt.
const (
	// SafetyDigits is the length of a safety number.
	SafetyDigits = 2 * safetyGroups * safetyGroup

	safetyGroups = 6 // for each person
	safetyGroup  = 5 // digits
	safetyBytes  = 5 // of the hash for each group: 2^40 is far above 10^5, so all digits are as likely
)

// SafetyNumber gives the number of two people, the same whoever comes first.
func SafetyNumber(a, b Certificate) string {
	x, y := safetyDigits(a), safetyDigits(b)
	return min(x, y) + max(x, y)
}

func safetyHash(c Certificate) [32]byte {
	return Hash(LabelSafetyNumber, c.Relay.Bytes(), []byte(c.User), c.Account.Bytes())
}

func safetyDigits(c Certificate) string {
	var digits strings.Builder
	h := safetyHash(c)
	for i := range safetyGroups {
		var n [8]byte
		copy(n[8-safetyBytes:], h[safetyBytes*i:])
		fmt.Fprintf(&digits, "%0*d", safetyGroup, binary.BigEndian.Uint64(n[:])%100_000)
	}
	return digits.String()
}

// ParseSafetyNumber reads a number as a person may have typed or pasted it:
// blanks, line breaks and dashes between the digits do not matter.
func ParseSafetyNumber(s string) (string, error) {
	s = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t', '\r', '\n':
			return -1
		}
		return r
	}, s)
	if len(s) != SafetyDigits || strings.Trim(s, "0123456789") != "" {
		return "", fmt.Errorf("a safety number is %d digits, with or without blanks between them", SafetyDigits)
	}
	return s, nil
}

// safetyQR begins the text of every QR code, and says how the rest is read.
const safetyQR = "chat-safety:1:"

// SafetyQR gives the text of the QR code that one of the two shows the other:
// both whole hashes, its owner's first.
func SafetyQR(own, peer Certificate) string { return qrText(safetyHash(own), safetyHash(peer)) }

func qrText(own, peer [32]byte) string { return safetyQR + Base64(own[:]) + ":" + Base64(peer[:]) }

// ErrOwnSafetyQR says that somebody's code is the one that they show, not the
// one that is shown to them.
var ErrOwnSafetyQR = errors.New("that is the code of this side, not of the other")

// ErrSafetyQR says that a code belongs to other keys, or is none.
var ErrSafetyQR = errors.New("that is not the code of the two")

// CheckSafetyQR compares the text that was read from the other's screen with
// the own one: it must hold the same hashes the other way round.
func CheckSafetyQR(own, read string) error {
	a, b, ok := parseSafetyQR(strings.TrimSpace(read))
	switch {
	case !ok:
		return ErrSafetyQR
	case qrText(b, a) == own: // first: for two with the same hash, both hold
		return nil
	case qrText(a, b) == own:
		return ErrOwnSafetyQR
	}
	return ErrSafetyQR
}

// IsSafetyQR reports whether a text claims to come from a QR code.
func IsSafetyQR(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), "chat-safety:") }

func parseSafetyQR(s string) (own, peer [32]byte, ok bool) {
	s, ok = strings.CutPrefix(s, safetyQR)
	first, second, two := strings.Cut(s, ":")
	a, errA := FromBase64(first)
	b, errB := FromBase64(second)
	if !ok || !two || errA != nil || errB != nil || len(a) != len(own) || len(b) != len(peer) {
		return own, peer, false
	}
	return [32]byte(a), [32]byte(b), true
}
