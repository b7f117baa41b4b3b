// Package source is where the end-to-end protocol gets whatever is random.
// Only the packages below crypto can name another source than [System]: the
// test vectors fix it, and the hostile peers of the tests are production code
// over a source of their own.
package source

import (
	"crypto/rand"

	"secure-messaging/pkg/crypto"
)

// SaltSize is the size of a salt, in bytes: no two of 2^64 collide.
const SaltSize = 16

// Source makes fresh keys and salts. No field may be nil.
type Source struct {
	Box         func() crypto.BoxPrivate
	KEM         func() crypto.KEMPrivate
	Encapsulate func(crypto.KEMPublic) (secret, ciphertext []byte)
	Salt        func() [SaltSize]byte
}

// System is the randomness of the operating system.
var System = &Source{
	Box:         crypto.NewBoxPrivate,
	KEM:         crypto.NewKEMPrivate,
	Encapsulate: crypto.KEMPublic.Encapsulate,
	Salt: func() (s [SaltSize]byte) {
		rand.Read(s[:]) // never fails since Go 1.24
		return s
	},
}
