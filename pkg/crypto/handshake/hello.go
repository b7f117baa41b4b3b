package handshake

import (
	"encoding/binary"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/seal"
)

// kindRequest is the second byte of a hello; a message has another (package
// ratchet).
const kindRequest = 1

// Layout of a hello, in bytes. The first message follows.
const (
	offVersion     = 0
	offKind        = 1
	offSigned      = 2 // ids and length are big endian
	offOneTime     = 6 // 0: none
	offEphemeral   = 10
	offCiphertext  = offEphemeral + crypto.KeySize
	offLength      = offCiphertext + crypto.KEMCiphertextSize // of the sealed certificate
	offCertificate = offLength + 2                            // 1132
)

// maxCertificate bounds a sealed certificate; one takes at most 328 bytes.
const maxCertificate = 512 + seal.Overhead

// helloFrame is what goes in front of the first message of a session.
type helloFrame struct {
	version     byte
	signed      crypto.PrekeyID
	oneTime     crypto.PrekeyID // 0 for none
	ephemeral   crypto.BoxPublic
	ciphertext  []byte
	certificate []byte // sealed
}

func (h *helloFrame) encode() []byte {
	b := make([]byte, offCertificate, offCertificate+len(h.certificate))
	b[offVersion], b[offKind] = h.version, kindRequest
	binary.BigEndian.PutUint32(b[offSigned:], uint32(h.signed))
	binary.BigEndian.PutUint32(b[offOneTime:], uint32(h.oneTime))
	copy(b[offEphemeral:], h.ephemeral.Bytes())
	copy(b[offCiphertext:], h.ciphertext)
	binary.BigEndian.PutUint16(b[offLength:], uint16(len(h.certificate)))
	return append(b, h.certificate...)
}

// decodeHello splits a request into hello and message. What it accepts encodes
// back to the same bytes. Slices alias data.
func decodeHello(data []byte) (h helloFrame, message []byte, ok bool) {
	if len(data) < offCertificate || data[offKind] != kindRequest {
		return h, nil, false
	}
	n := int(binary.BigEndian.Uint16(data[offLength:]))
	if n > maxCertificate || len(data) < offCertificate+n {
		return h, nil, false
	}
	ephemeral, err := crypto.ParseBoxPublic(data[offEphemeral:offCiphertext])
	if err != nil {
		return h, nil, false
	}
	h = helloFrame{
		version:     data[offVersion],
		signed:      crypto.PrekeyID(binary.BigEndian.Uint32(data[offSigned:])),
		oneTime:     crypto.PrekeyID(binary.BigEndian.Uint32(data[offOneTime:])),
		ephemeral:   ephemeral,
		ciphertext:  data[offCiphertext:offLength],
		certificate: data[offCertificate : offCertificate+n],
	}
	return h, data[offCertificate+n:], true
}

// EphemeralOf reads the ephemeral key of a request and the prekey that it
// names; false if it is no request.
func EphemeralOf(data []byte) (signed crypto.PrekeyID, ephemeral crypto.BoxPublic, ok bool) {
	h, _, ok := decodeHello(data)
	return h.signed, h.ephemeral, ok
}
