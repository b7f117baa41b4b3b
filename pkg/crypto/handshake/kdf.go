package handshake

import (
	"crypto/hkdf"
	"crypto/sha256"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/seal"
)

// transcript is everything that both sides must agree on before the asker is
// known. Version, prekeys (of which each names its owner's certificate), the
// ephemeral key and the ciphertext stand in it.
type transcript struct {
	version    byte
	asked      crypto.Certificate
	signed     [32]byte // hash of the signed prekey
	oneTime    []byte   // hash of the one-time prekey, empty where there is none
	ephemeral  crypto.BoxPublic
	ciphertext []byte
}

func (t *transcript) hash() [32]byte {
	asked := t.asked.Hash()
	return crypto.Hash(crypto.LabelHandshake, []byte{t.version}, asked[:], t.signed[:], t.oneTime, t.ephemeral.Bytes(), t.ciphertext)
}

// firstSecret comes from what the asker needs no key of its own for. It clears
// what goes in.
func firstSecret(hash [32]byte, agreements ...[]byte) []byte {
	return derive(crypto.LabelFirstSecret, hash, agreements...)
}

// certificateKey seals the asker's certificate.
func certificateKey(first []byte, hash [32]byte) seal.Key {
	return seal.Derive(first, crypto.LabelSealedCert, hash[:])
}

// sessionID binds the asker's certificate, too. It is no secret.
func sessionID(hash [32]byte, asker crypto.Certificate) [32]byte {
	h := asker.Hash()
	return crypto.Hash(crypto.LabelSessionID, hash[:], h[:])
}

// firstRoot is the root key that the ratchet begins with. It clears what goes
// in.
func firstRoot(id [32]byte, first, authenticated []byte) (root [32]byte) {
	b := derive(crypto.LabelFirstRoot, id, first, authenticated)
	copy(root[:], b)
	clear(b)
	return root
}

// derive is HKDF-SHA-256 (RFC 5869) over the secrets, for 32 bytes.
func derive(label crypto.Label, hash [32]byte, secrets ...[]byte) []byte {
	input := make([]byte, 0, 4*crypto.KeySize)
	for _, s := range secrets {
		input = append(input, s...)
		clear(s)
	}
	b, err := hkdf.Key(sha256.New, input, nil, string(crypto.Encode(label, hash[:])), 32)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	clear(input)
	return b
}
