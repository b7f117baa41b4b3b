package ratchet

import (
	"encoding/binary"
	"errors"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
)

// ErrState says that stored bytes are not a state.
var ErrState = errors.New("the stored session is damaged or from a newer version")

// stateVersion begins every stored state.
const stateVersion = 1

// Bits of a stored state's flags.
const (
	hasInitiator = 1 << iota
	hasSending
	hasReceiving
	hasOffer
	hasAnswer
	hasToAnswer
	hasEnd
)

// Sizes of a stored state, in bytes.
const (
	fixedSize   = 1 + 1 + 2*32 + 3*crypto.KeySize + 2*(keySize+4) + 4 + 8 + 4 + 4
	skippedSize = crypto.KeySize + 4 + 8 + keySize
	offerSize   = crypto.KEMSeedSize + crypto.KEMPublicSize

	// MaxState bounds a stored state: 156 KB.
	MaxState = fixedSize + offerSize + crypto.KEMCiphertextSize + crypto.KEMPublicSize + MaxSkipped*skippedSize
)

// Bytes gives the state to store. They are secret.
func (s State) Bytes() []byte {
	st := s.hold()
	b := make([]byte, 0, fixedSize+len(st.offer)+len(st.offered)+len(st.answer)+len(st.toAnswer)+len(st.skipped)*skippedSize)
	var flags byte
	for bit, set := range map[byte]bool{
		hasInitiator: st.initiator, hasSending: st.sending.live, hasReceiving: st.receiving.live,
		hasOffer: st.offer != nil, hasAnswer: st.answer != nil, hasToAnswer: st.toAnswer != nil,
	} {
		if set {
			flags |= bit
		}
	}
	b = append(b, stateVersion, flags)
	b = append(append(b, st.id[:]...), st.root[:]...)
	b = append(append(append(b, st.own[:]...), st.public[:]...), st.peer[:]...)
	for _, c := range []chain{st.sending, st.receiving} {
		b = binary.BigEndian.AppendUint32(append(b, c.key[:]...), c.number)
	}
	b = binary.BigEndian.AppendUint32(b, st.previous)
	b = binary.BigEndian.AppendUint64(b, uint64(st.lastKEM))
	b = binary.BigEndian.AppendUint32(b, st.sinceKEM)
	b = append(append(append(append(b, st.offer...), st.offered...), st.answer...), st.toAnswer...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(st.skipped)))
	for _, k := range st.skipped {
		b = binary.BigEndian.AppendUint32(append(b, k.chain[:]...), k.number)
		b = append(binary.BigEndian.AppendUint64(b, uint64(k.since)), k.message[:]...)
	}
	return b
}

// Parse reads what Bytes wrote, and nothing else.
func Parse(b []byte, src *source.Source) (State, error) {
	r := reader{b, true}
	version, flags := r.take(1)[0], r.take(1)[0]
	if !r.ok || version != stateVersion || flags >= hasEnd {
		return State{}, ErrState
	}
	st := &state{src: src, initiator: flags&hasInitiator != 0}
	for _, field := range [][]byte{st.id[:], st.root[:], st.own[:], st.public[:], st.peer[:]} {
		copy(field, r.take(32))
	}
	for _, c := range []*chain{&st.sending, &st.receiving} {
		copy(c.key[:], r.take(keySize))
		c.number = r.uint32()
	}
	st.sending.live, st.receiving.live = flags&hasSending != 0, flags&hasReceiving != 0
	st.previous = r.uint32()
	st.lastKEM = r.int64()
	st.sinceKEM = r.uint32()
	if flags&hasOffer != 0 {
		st.offer, st.offered = r.bytes(crypto.KEMSeedSize), r.bytes(crypto.KEMPublicSize)
	}
	if flags&hasAnswer != 0 {
		st.answer = r.bytes(crypto.KEMCiphertextSize)
	}
	if flags&hasToAnswer != 0 {
		st.toAnswer = r.bytes(crypto.KEMPublicSize)
	}
	n := r.uint32()
	if !r.ok || n > MaxSkipped || len(r.b) != int(n)*skippedSize {
		return State{}, ErrState
	}
	st.skipped = make([]skippedKey, n)
	for i := range st.skipped {
		k := &st.skipped[i]
		copy(k.chain[:], r.take(crypto.KeySize))
		k.number, k.since = r.uint32(), r.int64()
		copy(k.message[:], r.take(keySize))
	}
	return held(st), nil
}

// reader takes fields from the front. Once something is missing, all that
// follows is zero and ok is false.
type reader struct {
	b  []byte
	ok bool
}

func (r *reader) take(n int) []byte {
	if !r.ok || len(r.b) < n {
		r.ok = false
		return make([]byte, n)
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) bytes(n int) []byte { return append([]byte(nil), r.take(n)...) }
func (r *reader) uint32() uint32     { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) int64() int64       { return int64(binary.BigEndian.Uint64(r.take(8))) }
