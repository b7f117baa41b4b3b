package session

import (
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/padding"
	"secure-messaging/pkg/crypto/seal"
)

// envelopeVersion is the first byte of every sealed text of this kind.
const envelopeVersion = 0

// An envelope has no state. Its sealed text is
//
//	version (1) | ephemeral X25519 key (32) | box of the padded text
//
// The key and nonce of the box come from two agreements: the ephemeral key
// with the recipient's box key (only the recipient can open) and the sender's
// box key with the recipient's (only the sender can have sealed, and only the
// recipient can tell, since it could have made the text itself). The
// derivation names both certificates, sender first: a text sent back to its
// author does not open.
type envelope struct {
	local     Local
	peer      crypto.Certificate
	ephemeral func() crypto.BoxPrivate // crypto.NewBoxPrivate; fixed for the vectors
}

func (e envelope) State() []byte { return []byte{envelopeVersion} }

func (e envelope) Seal(text []byte) ([]byte, Session, error) {
	sealed, err := e.seal(padding.Pad(text))
	return sealed, e, err
}

func (e envelope) seal(padded []byte) ([]byte, error) {
	ephemeral := e.ephemeral()
	once, err := ephemeral.Agree(e.peer.Box)
	if err != nil {
		return nil, err
	}
	key, err := e.key(once, ephemeral.Public(), e.local.Certificate, e.peer)
	if err != nil {
		return nil, err
	}
	sealed := append([]byte{envelopeVersion}, ephemeral.Public().Bytes()...)
	return append(sealed, key.Seal(padded)...), nil
}

func (e envelope) Open(sealed []byte) ([]byte, Session, error) {
	if len(sealed) < 1+crypto.KeySize+seal.Overhead || sealed[0] != envelopeVersion {
		return nil, nil, ErrOpen
	}
	ephemeral, err := crypto.ParseBoxPublic(sealed[1 : 1+crypto.KeySize])
	if err != nil {
		return nil, nil, ErrOpen
	}
	once, err := e.local.Box.Agree(ephemeral)
	if err != nil {
		return nil, nil, ErrOpen
	}
	key, err := e.key(once, ephemeral, e.peer, e.local.Certificate)
	if err != nil {
		return nil, nil, ErrOpen
	}
	padded, err := key.Open(sealed[1+crypto.KeySize:])
	if err != nil {
		return nil, nil, ErrOpen
	}
	text, err := padding.Unpad(padded)
	if err != nil {
		return nil, nil, ErrOpen
	}
	return text, e, nil
}

// key derives the key of one message. once is the agreement with the
// ephemeral key, which key clears; the static agreement is made here.
func (e envelope) key(once []byte, ephemeral crypto.BoxPublic, from, to crypto.Certificate) (seal.Key, error) {
	static, err := e.local.Box.Agree(e.peer.Box)
	if err != nil {
		return seal.Key{}, err
	}
	secret := append(once, static...)
	fromHash, toHash := from.Hash(), to.Hash()
	key := seal.Derive(secret, crypto.LabelEnvelope, fromHash[:], toHash[:], ephemeral.Bytes())
	clear(secret)
	clear(once)
	clear(static)
	return key, nil
}
