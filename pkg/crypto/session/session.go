// Package session seals and opens the messages between two devices.
//
// A [Session] is a value: sealing or opening returns the next one and leaves
// the old one as it was, so that a caller can write the step and the message
// in one transaction and keep the old state when that fails.
//
// Today there is one kind, the envelope (version 0): each message is sealed
// with a fresh ephemeral key and both devices' box keys. It gives
// confidentiality and authenticity without signatures, but no forward
// secrecy: who steals a device's box key can open what was recorded before,
// and can write to that device in the name of any of its contacts.
//
// A sealed text that is delivered twice opens twice. The caller tells copies
// by the message id that stands inside.
package session

import (
	"errors"

	"secure-messaging/pkg/crypto"
)

// Session is the state between this device and one device of a contact.
type Session interface {
	// Seal pads and seals a text. The step must be stored before the sealed
	// bytes leave the device.
	Seal(text []byte) (sealed []byte, next Session, err error)
	// Open opens what the other device sealed, or returns [ErrOpen]. The step
	// must be stored in one transaction with the text.
	Open(sealed []byte) (text []byte, next Session, err error)
	// State gives the bytes to store. They are secret.
	State() []byte
}

// ErrOpen is the one answer to bytes that the peer did not seal for this
// device in this session.
var ErrOpen = errors.New("the message cannot be opened")

// ErrState says that stored bytes are not the state of a session.
var ErrState = errors.New("the stored session is damaged or from a newer version")

// Local is what this device brings to a session.
type Local struct {
	Certificate crypto.Certificate
	Box         crypto.BoxPrivate
}

// Why no session is made.
var (
	// ErrSelf says that the peer shows the own account or a key of this device.
	ErrSelf  = errors.New("a session with the own account or under own keys is refused")
	errLocal = errors.New("a session needs two certificates of one relay, and the box key of its own")
)

// New begins a session with a device.
func New(local Local, peer crypto.Certificate) (Session, error) {
	own := local.Certificate
	if own.IsZero() || peer.IsZero() || own.Relay != peer.Relay || own.Box != local.Box.Public() {
		return nil, errLocal
	}
	if own.Account == peer.Account || own.Login == peer.Login || own.Box == peer.Box {
		return nil, ErrSelf
	}
	return envelope{local: local, peer: peer, ephemeral: crypto.NewBoxPrivate}, nil
}

// Restore takes up a session again from its State.
func Restore(local Local, peer crypto.Certificate, state []byte) (Session, error) {
	if len(state) != 1 || state[0] != envelopeVersion {
		return nil, ErrState
	}
	return New(local, peer)
}
