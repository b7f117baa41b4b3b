package vectors

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"golang.org/x/crypto/nacl/secretbox"
)

// What follows is E2E.md done once more, from the page and over libraries
// alone: nothing of pkg/crypto is called, so the vectors are not just the
// code's own word. It knows all secrets and takes no precautions.

// E encodes a structure.
func E(label string, fields ...[]byte) []byte {
	var b []byte
	for _, f := range slices.Insert(fields, 0, []byte("secure-messaging v1 "+label)) {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(f))), f...)
	}
	return b
}

// H hashes a structure.
func H(label string, fields ...[]byte) []byte {
	sum := sha256.Sum256(E(label, fields...))
	return sum[:]
}

// KDF is HKDF-SHA-256.
func KDF(input, salt, info []byte, n int) []byte {
	return must(hkdf.Key(sha256.New, input, salt, string(info), n))
}

// X25519 agrees.
func X25519(secret, public []byte) []byte {
	return must(must(ecdh.X25519().NewPrivateKey(secret)).ECDH(must(ecdh.X25519().NewPublicKey(public))))
}

// Public gives the public half of an X25519 secret.
func Public(secret []byte) []byte {
	return must(ecdh.X25519().NewPrivateKey(secret)).PublicKey().Bytes()
}

// KEMPublicOf gives the encapsulation key of an ML-KEM seed.
func KEMPublicOf(seed []byte) []byte {
	return must(mlkem.NewDecapsulationKey768(seed)).EncapsulationKey().Bytes()
}

// Decapsulate gives the secret of a ciphertext.
func Decapsulate(seed, ciphertext []byte) []byte {
	return must(must(mlkem.NewDecapsulationKey768(seed)).Decapsulate(ciphertext))
}

// Seal is what "Seal(secret, label, fields…)" stands for.
func Seal(secret []byte, label string, fields ...[]byte) (key, nonce []byte) {
	okm := KDF(secret, nil, E(label, fields...), 56)
	return okm[:32], okm[32:]
}

// Boxed seals a text.
func Boxed(key, nonce, text []byte) []byte {
	return secretbox.Seal(nil, text, (*[24]byte)(nonce), (*[32]byte)(key))
}

// Pad pads a content.
func Pad(content []byte) []byte {
	n := 4 + len(content)
	size := 256
	for size < n && size < 4096 {
		size *= 2
	}
	if size < n {
		e := bits.Len(uint(n)) - 1
		unit := 1 << (e - bits.Len(uint(e)))
		size = (n + unit - 1) / unit * unit
	}
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), content...)
	return append(b, make([]byte, size-n)...)
}

// PadFile pads the content of a file.
func PadFile(content []byte) []byte {
	n := max(len(content), 4096)
	e := bits.Len(uint(n)) - 1
	unit := 1 << (e - bits.Len(uint(e)))
	return append(content, make([]byte, (n+unit-1)/unit*unit-len(content))...)
}

func mac(key, text []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(text)
	return m.Sum(nil)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Handshake is what goes into one, and every step that comes out of it.
type Handshake struct {
	// In.
	Asker, Asked            []byte // certificates
	AskerBox, Ephemeral     []byte // secrets of the asker
	Signed, OneTime         []byte // prekeys as on the wire; OneTime nil for none
	SignedSeed, OneTimeSeed []byte // to decapsulate with
	Ciphertext              []byte
	// Out.
	DH1, DH2, DH3, DH4, SS  []byte
	Transcript, T, F        []byte // Transcript is what T is the hash of
	Key, Nonce, Certificate []byte // the last one sealed
	ID, Root, Hello         []byte // Hello is all of the request in front of the first message
}

// Do fills in what comes out.
func (h *Handshake) Do() {
	signed, oneTime := Split(h.Signed), Split(h.OneTime)
	asked := H("hash of certificate", h.Asked)
	hash := func(prekey [][]byte) []byte {
		if prekey == nil {
			return nil
		}
		return H("hash of prekey", slices.Insert(slices.Clone(prekey[1:6]), 0, asked)...)
	}
	S, B := signed[4], Split(h.Asked)[6]
	h.DH1, h.DH2, h.DH3 = X25519(h.AskerBox, S), X25519(h.Ephemeral, B), X25519(h.Ephemeral, S)
	h.SS = Decapsulate(h.SignedSeed, h.Ciphertext)
	if oneTime != nil {
		h.DH4 = X25519(h.Ephemeral, oneTime[4])
		h.SS = Decapsulate(h.OneTimeSeed, h.Ciphertext)
	}
	fields := [][]byte{{1}, asked, hash(signed), hash(oneTime), Public(h.Ephemeral), h.Ciphertext}
	h.Transcript = E("handshake transcript", fields...)
	h.T = H("handshake transcript", fields...)
	h.F = KDF(slices.Concat(h.DH2, h.DH3, h.DH4, h.SS), nil, E("first secret", h.T), 32)
	h.Key, h.Nonce = Seal(h.F, "sealed certificate", h.T)
	h.Certificate = Boxed(h.Key, h.Nonce, h.Asker)
	h.ID = H("session id", h.T, H("hash of certificate", h.Asker))
	h.Root = KDF(slices.Concat(h.F, h.DH1), nil, E("first root key", h.ID), 32)

	oneTimeID := make([]byte, 4)
	if oneTime != nil {
		oneTimeID = oneTime[2]
	}
	h.Hello = slices.Concat([]byte{1, 1}, signed[2], oneTimeID, Public(h.Ephemeral), h.Ciphertext)
	h.Hello = binary.BigEndian.AppendUint16(h.Hello, uint16(len(h.Certificate)))
	h.Hello = append(h.Hello, h.Certificate...)
}

// Split gives the label and the fields of a structure.
func Split(b []byte) (fields [][]byte) {
	for len(b) > 0 {
		n := binary.BigEndian.Uint32(b)
		fields, b = append(fields, b[4:4+n]), b[4+n:]
	}
	return fields
}
