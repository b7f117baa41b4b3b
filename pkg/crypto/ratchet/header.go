package ratchet

import (
	"encoding/binary"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
)

// The first two bytes of every sealed message.
const (
	Version     = 1
	KindMessage = 2 // a request is of another kind: see package handshake
)

// TagSize is how many bytes of the session id a header shows.
const TagSize = 8

// Layout of a header, in bytes. Offer and answer are there when their flag is
// set, in this order; the box follows.
const (
	offVersion  = 0
	offKind     = 1
	offFlags    = 2
	offTag      = 3
	offSalt     = offTag + TagSize
	offKey      = offSalt + source.SaltSize
	offPrevious = offKey + crypto.KeySize // big endian, as is the number
	offNumber   = offPrevious + 4
	headerSize  = offNumber + 4 // 67
)

const (
	flagOffer  = 1 << 0 // the sender's ML-KEM key
	flagAnswer = 1 << 1 // a ciphertext for the key that the other side's last chain offered
	flagsAll   = flagOffer | flagAnswer
)

// header says where in the ratchet a message belongs.
type header struct {
	tag      [TagSize]byte
	salt     [source.SaltSize]byte
	key      [crypto.KeySize]byte // of the sender's chain
	previous uint32               // messages in the sender's chain before this
	number   uint32               // in this chain, from 0
	offer    []byte               // nil, or KEMPublicSize bytes
	answer   []byte               // nil, or KEMCiphertextSize bytes
}

func (h *header) encode() []byte {
	b := make([]byte, headerSize, headerSize+len(h.offer)+len(h.answer))
	b[offVersion], b[offKind] = Version, KindMessage
	if h.offer != nil {
		b[offFlags] |= flagOffer
	}
	if h.answer != nil {
		b[offFlags] |= flagAnswer
	}
	copy(b[offTag:], h.tag[:])
	copy(b[offSalt:], h.salt[:])
	copy(b[offKey:], h.key[:])
	binary.BigEndian.PutUint32(b[offPrevious:], h.previous)
	binary.BigEndian.PutUint32(b[offNumber:], h.number)
	return append(append(b, h.offer...), h.answer...)
}

// decodeHeader splits a sealed message into header, the header's bytes and the
// box. What it accepts encodes back to the same bytes. offer and answer alias
// sealed.
func decodeHeader(sealed []byte) (h header, raw, box []byte, ok bool) {
	if len(sealed) < headerSize || sealed[offVersion] != Version || sealed[offKind] != KindMessage {
		return h, nil, nil, false
	}
	flags := sealed[offFlags]
	size := headerSize
	if flags&flagOffer != 0 {
		size += crypto.KEMPublicSize
	}
	if flags&flagAnswer != 0 {
		size += crypto.KEMCiphertextSize
	}
	if flags&^flagsAll != 0 || len(sealed) < size {
		return h, nil, nil, false
	}
	raw, box = sealed[:size:size], sealed[size:]
	copy(h.tag[:], raw[offTag:])
	copy(h.salt[:], raw[offSalt:])
	copy(h.key[:], raw[offKey:])
	h.previous = binary.BigEndian.Uint32(raw[offPrevious:])
	h.number = binary.BigEndian.Uint32(raw[offNumber:])
	rest := raw[headerSize:]
	if flags&flagOffer != 0 {
		h.offer, rest = rest[:crypto.KEMPublicSize], rest[crypto.KEMPublicSize:]
	}
	if flags&flagAnswer != 0 {
		h.answer = rest
	}
	return h, raw, box, true
}

// TagOf reads the tag of a sealed message; false if it is none.
func TagOf(sealed []byte) (tag [TagSize]byte, ok bool) {
	h, _, _, ok := decodeHeader(sealed)
	return h.tag, ok
}
