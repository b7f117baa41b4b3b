// Package seal is the one place where bytes are sealed and opened: NaCl box
// after precomputation (XSalsa20 and Poly1305), under a key and a nonce that
// a KDF made for this one message. The bytes are those of libsodium's
// crypto_box_easy_afternm.
//
// A [Key] is good for one message. Using it again would mean two messages
// under one nonce, which gives both away, so it panics.
package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"sync/atomic"

	"golang.org/x/crypto/nacl/box"

	"secure-messaging/pkg/crypto"
)

// Overhead is how many bytes sealing adds.
const Overhead = box.Overhead

// ErrOpen is the one answer to a sealed text that cannot be opened, whatever
// the reason: nobody learns from it what was wrong.
var ErrOpen = errors.New("the sealed text cannot be opened")

// Key seals or opens one message. Copies are the same Key: the first use of
// any uses up all. A further use panics, as does any use of the zero Key.
type Key struct {
	take func() *material // a function, because fmt cannot look into one
}

type material struct {
	key   [32]byte
	nonce [24]byte
}

// Derive makes a Key with HKDF-SHA-256 (RFC 5869) from a secret and
// everything that the message must be bound to. A change of any field gives
// an unrelated Key.
func Derive(secret []byte, label crypto.Label, fields ...[]byte) Key {
	b, err := hkdf.Key(sha256.New, secret, nil, string(crypto.Encode(label, fields...)), 32+24)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	m := new(material)
	copy(m.key[:], b)
	copy(m.nonce[:], b[32:])
	clear(b)
	var used atomic.Bool
	return Key{func() *material {
		if used.Swap(true) {
			panic("seal: a Key is good for one message")
		}
		return m
	}}
}

// Seal returns the sealed plaintext, Overhead bytes longer, and uses up k.
func (k Key) Seal(plaintext []byte) []byte {
	m := k.take()
	defer m.clear()
	return box.SealAfterPrecomputation(nil, plaintext, &m.nonce, &m.key)
}

// Open returns what was sealed, or ErrOpen, and uses up k.
func (k Key) Open(sealed []byte) ([]byte, error) {
	m := k.take()
	defer m.clear()
	plaintext, ok := box.OpenAfterPrecomputation(nil, sealed, &m.nonce, &m.key)
	if !ok {
		return nil, ErrOpen
	}
	return plaintext, nil
}

func (m *material) clear() {
	clear(m.key[:])
	clear(m.nonce[:])
}
