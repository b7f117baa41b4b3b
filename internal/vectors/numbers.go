package vectors

import (
	"bytes"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"encoding/binary"

	"secure-messaging/pkg/crypto"
)

// Numbers stands in for what is random on one side of a vector: each draw is
// the Side's byte over and over, and in front of it the kind of the draw and
// its number, so that no two are the same.
type Numbers struct {
	Side byte
	// What was drawn, in order.
	Scalars [][]byte // X25519 secrets
	Seeds   [][]byte // of ML-KEM keys
	Coins   [][]byte // randomness of encapsulations
	Salts   [][]byte
}

func (n *Numbers) draw(kind byte, to *[][]byte, size int) []byte {
	b := bytes.Repeat([]byte{n.Side}, size)
	b[0] = kind
	binary.BigEndian.PutUint16(b[1:], uint16(len(*to)))
	*to = append(*to, b)
	return b
}

// Box draws an X25519 key.
func (n *Numbers) Box() crypto.BoxPrivate {
	k, err := crypto.BoxPrivateFromBytes(n.draw('x', &n.Scalars, crypto.KeySize))
	if err != nil {
		panic(err)
	}
	return k
}

// KEM draws an ML-KEM key.
func (n *Numbers) KEM() crypto.KEMPrivate {
	k, err := crypto.KEMPrivateFromSeed(n.draw('k', &n.Seeds, crypto.KEMSeedSize))
	if err != nil {
		panic(err)
	}
	return k
}

// Encapsulate is ML-KEM.Encaps_internal of FIPS 203 with drawn randomness.
func (n *Numbers) Encapsulate(to crypto.KEMPublic) (secret, ciphertext []byte) {
	key, err := mlkem.NewEncapsulationKey768(to.Bytes())
	if err != nil {
		panic(err)
	}
	secret, ciphertext, err = mlkemtest.Encapsulate768(key, n.draw('e', &n.Coins, 32))
	if err != nil {
		panic(err)
	}
	return secret, ciphertext
}

// Salt draws the salt of a header.
func (n *Numbers) Salt() [16]byte { return [16]byte(n.draw('s', &n.Salts, 16)) }
