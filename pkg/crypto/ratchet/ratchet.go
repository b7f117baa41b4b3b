package ratchet

import (
	"errors"
	"math"
	"slices"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
)

// When a chain offers an ML-KEM key, counted from the last ML-KEM secret that
// went into the root: twenty messages either way, or an hour.
const (
	kemMessages = 20
	kemInterval = time.Hour

	// offerRepeats is how many messages of a chain carry its offer: enough for
	// it to come through a loss. All of a chain carry its answer, without
	// which the chain cannot be followed.
	offerRepeats = 4
)

// ErrOpen is the one answer to bytes that the other side has not sealed in
// this session, or that were opened before.
var ErrOpen = errors.New("the message cannot be opened")

// ErrExhausted says that a chain has no further number.
var ErrExhausted = errors.New("the session has no further keys: begin a new one")

// State is one side of a session. Its content is secret and stands inside a
// function, where neither == nor fmt finds it. The zero State is none.
type State struct{ hold func() *state }

func held(s *state) State { return State{func() *state { return s }} }

// state is immutable once it is held: a step works on a copy.
type state struct {
	src       *source.Source
	id        [32]byte // of the session
	initiator bool
	root      key

	own    [crypto.KeySize]byte // secret ratchet key; the responder begins with its signed prekey
	public [crypto.KeySize]byte // its public half, once it was sent
	peer   [crypto.KeySize]byte // public ratchet key of the other side; zeros at a responder that has heard nothing

	sending   chain
	previous  uint32 // messages in the sending chain before
	offer     []byte // ML-KEM seed behind what the sending chain offers, or nil
	offered   []byte // the key that it offers, or nil
	answer    []byte // ciphertext that every message of the sending chain carries, or nil
	receiving chain
	toAnswer  []byte // ML-KEM key that the receiving chain has offered and no chain of ours has answered, or nil

	lastKEM  int64  // when an ML-KEM secret last went into the root, seconds since 1970
	sinceKEM uint32 // messages either way since then
	skipped  []skippedKey
}

// chain is a row of message keys. It is live once it has a key.
type chain struct {
	live   bool
	key    key
	number uint32 // of the next message
}

// NewInitiator begins the session of a handshake: id and root are what both sides have
// derived. The initiator gives the X25519 signed prekey that it used.
func NewInitiator(id, root [32]byte, prekey crypto.BoxPublic, now time.Time, src *source.Source) State {
	return held(&state{
		src: src, id: id, initiator: true, root: root,
		peer: [crypto.KeySize]byte(prekey.Bytes()), lastKEM: now.Unix(),
	})
}

// NewResponder begins the session of a handshake at the side that was asked,
// with the secret of its X25519 signed prekey.
func NewResponder(id, root [32]byte, prekey crypto.BoxPrivate, now time.Time, src *source.Source) State {
	return held(&state{
		src: src, id: id, root: root,
		own: [crypto.KeySize]byte(prekey.Bytes()), lastKEM: now.Unix(),
	})
}

// ID names the session: a hash over its handshake, and no secret.
func (s State) ID() [32]byte { return s.hold().id }

// Tag is the part of the ID that every header shows.
func (s State) Tag() [TagSize]byte { return [TagSize]byte(s.hold().id[:TagSize]) }

// copy makes a state that may be changed until it is held.
func (s *state) copy() *state {
	c := *s
	c.skipped = slices.Clone(s.skipped)
	return &c
}

// directions gives that of what this side seals, and that of what it opens.
func (s *state) directions() (sealing, opening direction) {
	if s.initiator {
		return fromInitiator, fromResponder
	}
	return fromResponder, fromInitiator
}

// Begin begins the chain that the next Seal would begin. A responder does so
// at once: until then its ratchet key is that of its signed prekey, which
// would outlive its deletion here.
func (s State) Begin(now time.Time) (State, error) {
	st := s.hold().copy()
	if err := st.beginSending(now); err != nil {
		return State{}, err
	}
	return held(st), nil
}

// Prune forgets the skipped keys that are too old, in a session in which
// nothing happens, and reports whether there were any.
func (s State) Prune(now time.Time) (State, bool) {
	st := s.hold()
	if len(st.skipped) == 0 {
		return s, false
	}
	c := st.copy()
	c.prune(now.Unix())
	return held(c), len(c.skipped) != len(st.skipped)
}

// Seal seals a text that the caller has padded. The next state must be stored
// before the sealed bytes leave the device.
func (s State) Seal(padded []byte, now time.Time) (sealed []byte, next State, err error) {
	st := s.hold().copy()
	st.prune(now.Unix())
	if !st.sending.live {
		if err := st.beginSending(now); err != nil {
			return nil, State{}, err
		}
	}
	if st.sending.number == math.MaxUint32 {
		return nil, State{}, ErrExhausted
	}
	h := st.header()
	var message key
	message, st.sending.key = chainStep(st.sending.key)
	st.sending.number++
	st.sinceKEM++
	raw := h.encode()
	sealing, _ := st.directions()
	return append(raw, bodyKey(&message, st.id, sealing, raw).Seal(padded)...), held(st), nil
}

// header is that of the next message of the sending chain.
func (s *state) header() *header {
	h := &header{
		tag: [TagSize]byte(s.id[:TagSize]), salt: s.src.Salt(), key: s.public,
		previous: s.previous, number: s.sending.number, answer: s.answer,
	}
	if s.sending.number < offerRepeats {
		h.offer = s.offered
	}
	return h
}

// beginSending makes a ratchet key and the chain that goes with it, answers
// the other side's ML-KEM key if it has offered one, and offers one if that is
// due.
func (s *state) beginSending(now time.Time) error {
	own := s.src.Box()
	agreement, err := own.AgreeBytes(s.peer)
	if err != nil {
		return err
	}
	var secret []byte
	s.offer, s.offered, s.answer = nil, nil, nil
	if s.toAnswer != nil {
		kem, err := crypto.ParseKEMPublic(s.toAnswer)
		if err != nil {
			return err
		}
		secret, s.answer = s.src.Encapsulate(kem)
		s.toAnswer = nil
		s.kemDone(now)
	} else if s.kemDue(now) {
		kem := s.src.KEM()
		s.offer, s.offered = kem.Seed(), kem.Public().Bytes()
	}
	s.own, s.public = [crypto.KeySize]byte(own.Bytes()), [crypto.KeySize]byte(own.Public().Bytes())
	s.previous = s.sending.number
	s.root, s.sending.key = rootStep(s.root, s.id, agreement, secret)
	s.sending.live, s.sending.number = true, 0
	return nil
}

func (s *state) kemDue(now time.Time) bool {
	return s.sinceKEM >= kemMessages || now.Unix()-s.lastKEM >= int64(kemInterval/time.Second)
}

func (s *state) kemDone(now time.Time) { s.lastKEM, s.sinceKEM = now.Unix(), 0 }

// Opened is a text that came in.
type Opened struct {
	Padded []byte
	// Skipped counts the messages in front of this one that have not come, and
	// that no message before has counted.
	Skipped int
}

// Open opens what the other side has sealed, or returns [ErrOpen]. The next
// state must be stored in one transaction with the text.
func (s State) Open(sealed []byte, now time.Time) (Opened, State, error) {
	st := s.hold().copy()
	st.prune(now.Unix())
	opened, err := st.open(sealed, now)
	if err != nil {
		return Opened{}, State{}, ErrOpen
	}
	st.prune(now.Unix())
	return opened, held(st), nil
}

// open changes s whether it succeeds or not: s is a copy that is dropped then.
func (s *state) open(sealed []byte, now time.Time) (Opened, error) {
	h, raw, box, ok := decodeHeader(sealed)
	if !ok || h.tag != [TagSize]byte(s.id[:TagSize]) {
		return Opened{}, ErrOpen
	}
	_, opening := s.directions()
	if i := s.findSkipped(&h); i >= 0 {
		message := s.skipped[i].message
		s.skipped = slices.Delete(s.skipped, i, i+1)
		padded, err := bodyKey(&message, s.id, opening, raw).Open(box)
		if err == nil && h.key == s.peer { // the relay must not keep offers from us by the order alone
			err = s.takeOffer(&h)
		}
		return Opened{Padded: padded}, err
	}
	before := len(s.skipped)
	if h.key != s.peer {
		if err := s.beginReceiving(&h, now); err != nil {
			return Opened{}, err
		}
	}
	if !s.receiving.live || h.number < s.receiving.number || h.number-s.receiving.number > MaxSkip || h.number == math.MaxUint32 {
		return Opened{}, ErrOpen
	}
	s.receiving.key = s.skip(s.receiving.key, s.receiving.number, h.number, h.key, now.Unix())
	var message key
	message, s.receiving.key = chainStep(s.receiving.key)
	s.receiving.number = h.number + 1
	padded, err := bodyKey(&message, s.id, opening, raw).Open(box)
	if err != nil {
		return Opened{}, err
	}
	s.sinceKEM++
	return Opened{Padded: padded, Skipped: len(s.skipped) - before}, s.takeOffer(&h)
}

// beginReceiving follows the other side to a new chain.
func (s *state) beginReceiving(h *header, now time.Time) error {
	if s.receiving.live {
		if h.previous > s.receiving.number && h.previous-s.receiving.number > MaxSkip {
			return ErrOpen
		}
		s.skip(s.receiving.key, s.receiving.number, h.previous, s.peer, now.Unix())
	}
	own, err := crypto.BoxPrivateFromBytes(s.own[:])
	if err != nil {
		return err
	}
	agreement, err := own.AgreeBytes(h.key)
	if err != nil {
		return err
	}
	var secret []byte
	if h.answer != nil {
		kem, err := crypto.KEMPrivateFromSeed(s.offer)
		if err != nil {
			return err // nothing was offered
		}
		if secret, err = kem.Decapsulate(h.answer); err != nil {
			return err
		}
		s.kemDone(now)
	}
	s.root, s.receiving.key = rootStep(s.root, s.id, agreement, secret)
	s.receiving.live, s.receiving.number = true, 0
	s.peer = h.key
	s.sending.live = false // the next message begins a chain of our own
	s.offer, s.offered, s.toAnswer = nil, nil, nil
	return nil
}

// takeOffer remembers the ML-KEM key that a message of the receiving chain
// offers, after its body has opened, for the chain that this side begins next.
func (s *state) takeOffer(h *header) error {
	if h.offer == nil || s.sending.live { // with a live chain, ours has been made without it
		return nil
	}
	if _, err := crypto.ParseKEMPublic(h.offer); err != nil {
		return err
	}
	s.toAnswer = slices.Clone(h.offer)
	return nil
}
