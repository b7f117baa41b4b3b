package crypto

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// SafetyDigits is the length of a safety number: 30 digits from each of two
// people.
const SafetyDigits = 60

// safetyHash names an account to people: its relay, its name and its key. No
// device enters, so that a further one changes nothing.
func safetyHash(c Certificate) [32]byte {
	return Hash(LabelSafetyNumber, c.Relay.Bytes(), []byte(c.User), c.Account.Bytes())
}

// SafetyNumber is what two people compare: 60 digits, the same on both sides.
// Each half comes from the hash of one account, five digits from each of six
// groups of five bytes, as Signal does it. Whoever wants to stand between them
// needs a key under the same name whose half is the same: about 2^99 tries,
// and the hash cannot be prepared for many names at once.
func SafetyNumber(a, b Certificate) string {
	x, y := safetyHalf(a), safetyHalf(b)
	return min(x, y) + max(x, y)
}

func safetyHalf(c Certificate) string {
	h := safetyHash(c)
	var s strings.Builder
	for i := 0; i < 30; i += 5 {
		n := binary.BigEndian.Uint64(append([]byte{0, 0, 0}, h[i:i+5]...))
		fmt.Fprintf(&s, "%05d", n%100000)
	}
	return s.String()
}

// SafetyLines is a safety number for people: three lines of four groups of
// five digits.
func SafetyLines(number string) []string {
	var lines []string
	for ; len(number) >= 20; number = number[20:] {
		lines = append(lines, number[:5]+" "+number[5:10]+" "+number[10:15]+" "+number[15:20])
	}
	return lines
}

// prefixSafetyQR begins the text of a QR code.
const prefixSafetyQR = "chat-safety:1:"

// SafetyQR is the text of the QR code that one side shows: the whole hash of
// its own account, and that of the other's as it knows it.
func SafetyQR(own, peer Certificate) string {
	x, y := safetyHash(own), safetyHash(peer)
	return prefixSafetyQR + Base64(x[:]) + ":" + Base64(y[:])
}

// IsSafetyQR reports whether a text is that of some QR code.
func IsSafetyQR(text string) bool { return strings.HasPrefix(text, prefixSafetyQR) }

// CheckSafetyQR reports whether the text of the QR code that the peer shows
// says of both accounts what this side knows.
func CheckSafetyQR(text string, own, peer Certificate) bool { return text == SafetyQR(peer, own) }
