package ratchet

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/seal"
)

// keySize is the size of root, chain and message keys, in bytes.
const keySize = 32

type key [keySize]byte

// rootStep mixes an X25519 agreement, and an ML-KEM secret or nil, into the
// root key. It gives the next root key and the first key of a chain, and
// clears the secrets.
func rootStep(root key, id [32]byte, agreement, kem []byte) (nextRoot, chain key) {
	secret := append(append(make([]byte, 0, 2*keySize), agreement...), kem...)
	b, err := hkdf.Key(sha256.New, secret, root[:], string(crypto.Encode(crypto.LabelRootStep, id[:])), 2*keySize)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	nextRoot, chain = key(b[:keySize]), key(b[keySize:])
	clear(secret)
	clear(agreement)
	clear(kem)
	clear(b)
	return nextRoot, chain
}

var (
	messageKeyInput = crypto.Encode(crypto.LabelMessageKey)
	chainKeyInput   = crypto.Encode(crypto.LabelChainKey)
)

// chainStep gives the key of the next message of a chain, and the key of the
// chain behind it.
func chainStep(chain key) (message, next key) {
	m := hmac.New(sha256.New, chain[:])
	m.Write(messageKeyInput)
	m.Sum(message[:0])
	m.Reset()
	m.Write(chainKeyInput)
	m.Sum(next[:0])
	return message, next
}

// bodyKey is the key and nonce of one body. The header goes in whole, so a
// header of which one bit was changed gives an unrelated key; its salt is
// fresh for every sealing, so even a state that was put back to an older copy
// of itself never uses a key and nonce twice. bodyKey clears the message key.
func bodyKey(message *key, id [32]byte, d direction, header []byte) seal.Key {
	k := seal.Derive(message[:], crypto.LabelMessage, id[:], []byte{byte(d)}, header)
	clear(message[:])
	return k
}

// direction keeps the two sides' keys apart even if their chains should ever
// be the same: nobody's own message opens as one of the other.
type direction byte

const (
	fromInitiator direction = 1
	fromResponder direction = 2
)
