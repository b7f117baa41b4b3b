package crypto

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

// Label says what an encoded structure is for. All labels stand in labels.go.
type Label string

// Encode gives the bytes of a structure: the length of the label (4 bytes,
// big endian), the label, then for each field its length (4 bytes, big
// endian) and its bytes.
func Encode(label Label, fields ...[]byte) []byte {
	n := 4 + len(label)
	for _, f := range fields {
		n += 4 + len(f)
	}
	b := make([]byte, 0, n)
	b = appendField(b, []byte(label))
	for _, f := range fields {
		b = appendField(b, f)
	}
	return b
}

// Hash is SHA-256 over Encode(label, fields...).
func Hash(label Label, fields ...[]byte) [32]byte {
	return sha256.Sum256(Encode(label, fields...))
}

func appendField(b, field []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
	return append(b, field...)
}

var errEncoding = errors.New("bytes are not a structure of that kind")

// decode splits what Encode made. It wants exactly n fields under the given
// label and nothing behind them, so whatever it accepts encodes back to the
// same bytes. The fields alias b.
func decode(b []byte, label Label, n int) ([][]byte, error) {
	got, b, ok := cutField(b)
	if !ok || string(got) != string(label) {
		return nil, errEncoding
	}
	fields := make([][]byte, n)
	for i := range fields {
		if fields[i], b, ok = cutField(b); !ok {
			return nil, errEncoding
		}
	}
	if len(b) != 0 {
		return nil, errEncoding
	}
	return fields, nil
}

func cutField(b []byte) (field, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

var base64Strict = base64.RawURLEncoding.Strict()

// Base64 writes bytes as unpadded base64url (RFC 4648 section 5), the form of
// all binary data on the wire and in files.
func Base64(b []byte) string { return base64Strict.EncodeToString(b) }

// FromBase64 reads what Base64 wrote, and nothing else: no padding, no line
// breaks, no stray bits. The error does not hold the input.
func FromBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") { // encoding/base64 would skip them
		return nil, errBase64
	}
	b, err := base64Strict.DecodeString(s)
	if err != nil {
		return nil, errBase64
	}
	return b, nil
}

var errBase64 = errors.New("not canonical unpadded base64url")
