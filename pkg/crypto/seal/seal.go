// Package seal is the one place where bytes are sealed and opened: NaCl box
// after precomputation (XSalsa20 and Poly1305), under a key and a nonce that
// a KDF made for this one message. The bytes are those of libsodium's
// crypto_box_easy_afternm.
package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"

	"golang.org/x/crypto/nacl/box"

	"secure-messaging/pkg/crypto"
)

// Overhead is how many bytes sealing adds.
const Overhead = box.Overhead

// ErrOpen is the one answer to a sealed text that cannot be opened, whatever
// the reason: nobody learns from it what was wrong.
var ErrOpen = errors.New("the sealed text cannot be opened")

// Key seals or opens one message. It must never seal two.
type Key struct {
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
	var k Key
	copy(k.key[:], b)
	copy(k.nonce[:], b[32:])
	clear(b)
	return k
}

// Seal returns the sealed plaintext, Overhead bytes longer, and clears k.
func (k *Key) Seal(plaintext []byte) []byte {
	defer k.clear()
	return box.SealAfterPrecomputation(nil, plaintext, &k.nonce, &k.key)
}

// Open returns what was sealed, or ErrOpen, and clears k.
func (k *Key) Open(sealed []byte) ([]byte, error) {
	defer k.clear()
	plaintext, ok := box.OpenAfterPrecomputation(nil, sealed, &k.nonce, &k.key)
	if !ok {
		return nil, ErrOpen
	}
	return plaintext, nil
}

func (k *Key) clear() { *k = Key{} }
