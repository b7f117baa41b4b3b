package handshake

import (
	"errors"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/ratchet"
)

// Version is the version of the end-to-end protocol that this package speaks,
// and the least that it accepts in a certificate.
const Version = crypto.EndToEndVersion

// Local is what this device brings.
type Local struct {
	Certificate crypto.Certificate
	Box         crypto.BoxPrivate
}

// Bundle is what the relay hands out about a device. The prekeys were checked
// against the certificate; whether that is the right person's is for the
// caller to know.
type Bundle struct {
	Certificate crypto.Certificate
	Signed      crypto.Prekey
	OneTime     crypto.Prekey // zero where the relay has none left
}

// Prekeys finds the secrets of this device's own prekeys.
type Prekeys interface {
	// Prekey returns a secret, or false if there is none of that kind and id:
	// never made, used up or too old.
	Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, bool)
}

// Why there can be no session.
var (
	// ErrSelf says that the peer shows the own account or a key of this device.
	ErrSelf = errors.New("a session with the own account or under own keys is refused")
	// ErrVersion says that a device is from before this protocol.
	ErrVersion = errors.New("the device speaks no version of the protocol that this one does")
	// ErrBundle says that certificates or prekeys do not fit together.
	ErrBundle = errors.New("the keys do not belong together")
	// ErrOpen is the one answer to a hello that does not open.
	ErrOpen = errors.New("the request cannot be opened")
)

// Check says whether this device may have a session with another.
func Check(local Local, peer crypto.Certificate) error {
	own := local.Certificate
	switch {
	case own.IsZero() || peer.IsZero() || own.Relay != peer.Relay || own.Box != local.Box.Public():
		return ErrBundle
	case own.User == peer.User || own.Account == peer.Account || own.Login == peer.Login || own.Box == peer.Box:
		return ErrSelf
	case own.Version < Version || peer.Version < Version:
		return ErrVersion
	}
	return nil
}

// Ask begins a session with the device of a bundle. The hello goes in front of
// the first message that the state seals.
func Ask(local Local, b Bundle, now time.Time, src *source.Source) (hello []byte, state ratchet.State, err error) {
	if err := Check(local, b.Certificate); err != nil {
		return nil, state, err
	}
	if b.Signed.Kind != crypto.PrekeySigned || !b.OneTime.IsZero() && b.OneTime.Kind != crypto.PrekeyOneTime || b.Signed.Box == local.Certificate.Box {
		return nil, state, ErrBundle
	}
	ephemeral := src.Box()
	h := helloFrame{version: Version, signed: b.Signed.ID, ephemeral: ephemeral.Public()}
	t := transcript{version: Version, asked: b.Certificate, signed: b.Signed.Hash(), ephemeral: h.ephemeral}
	kem := b.Signed.KEM
	with := []crypto.BoxPublic{b.Certificate.Box, b.Signed.Box}
	if !b.OneTime.IsZero() {
		hash := b.OneTime.Hash()
		h.oneTime, t.oneTime, kem = b.OneTime.ID, hash[:], b.OneTime.KEM
		with = append(with, b.OneTime.Box)
	}
	var agreements [][]byte
	for _, key := range with {
		a, err := ephemeral.Agree(key)
		if err != nil {
			return nil, state, ErrBundle
		}
		agreements = append(agreements, a)
	}
	authenticated, err := local.Box.Agree(b.Signed.Box)
	if err != nil {
		return nil, state, ErrBundle
	}
	secret, ciphertext := src.Encapsulate(kem)
	h.ciphertext, t.ciphertext = ciphertext, ciphertext

	hash := t.hash()
	first := firstSecret(hash, append(agreements, secret)...)
	h.certificate = certificateKey(first, hash).Seal(local.Certificate.Raw())
	id := sessionID(hash, local.Certificate)
	root := firstRoot(id, first, authenticated)
	return h.encode(), ratchet.NewInitiator(id, root, b.Signed.Box, now, src), nil
}

// Asked is a hello that was opened. Nothing of it is proved before the message
// behind it opens under State.
type Asked struct {
	State       ratchet.State
	Certificate crypto.Certificate // of the one who asks
	Signed      crypto.PrekeyID
	OneTime     crypto.PrekeyID // 0 where none was used
	Ephemeral   crypto.BoxPublic
	Message     []byte // what stands behind the hello
}

// Answer opens a hello with the message behind it. ErrSelf and ErrVersion say
// whom a hello that opened is from; everything else is ErrOpen.
func Answer(local Local, prekeys Prekeys, data []byte, now time.Time, src *source.Source) (Asked, error) {
	h, message, ok := decodeHello(data)
	if !ok || h.version != Version {
		return Asked{}, ErrOpen
	}
	signed, ok := prekeys.Prekey(crypto.PrekeySigned, h.signed)
	if !ok {
		return Asked{}, ErrOpen
	}
	t := transcript{version: h.version, asked: local.Certificate, signed: signed.Hash(local.Certificate), ephemeral: h.ephemeral, ciphertext: h.ciphertext}
	kem := signed.KEM
	with := []crypto.BoxPrivate{local.Box, signed.Box}
	if h.oneTime != 0 {
		oneTime, ok := prekeys.Prekey(crypto.PrekeyOneTime, h.oneTime)
		if !ok {
			return Asked{}, ErrOpen
		}
		hash := oneTime.Hash(local.Certificate)
		t.oneTime, kem = hash[:], oneTime.KEM
		with = append(with, oneTime.Box)
	}
	var agreements [][]byte
	for _, key := range with {
		a, err := key.Agree(h.ephemeral)
		if err != nil {
			return Asked{}, ErrOpen
		}
		agreements = append(agreements, a)
	}
	secret, err := kem.Decapsulate(h.ciphertext)
	if err != nil {
		return Asked{}, ErrOpen
	}
	hash := t.hash()
	first := firstSecret(hash, append(agreements, secret)...)
	raw, err := certificateKey(first, hash).Open(h.certificate)
	if err != nil {
		return Asked{}, ErrOpen
	}
	asker, err := crypto.ParseCertificate(raw)
	if err != nil {
		return Asked{}, ErrOpen
	}
	if err := Check(local, asker); errors.Is(err, ErrBundle) { // from another relay
		return Asked{}, ErrOpen
	} else if err != nil {
		return Asked{}, err
	}
	authenticated, err := signed.Box.Agree(asker.Box)
	if err != nil {
		return Asked{}, ErrOpen
	}
	id := sessionID(hash, asker)
	root := firstRoot(id, first, authenticated)
	return Asked{
		State: ratchet.NewResponder(id, root, signed.Box, now, src), Certificate: asker,
		Signed: h.signed, OneTime: h.oneTime, Ephemeral: h.ephemeral, Message: message,
	}, nil
}
