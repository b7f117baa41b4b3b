package vectors

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Ratchet does a conversation over again, message after message in the order
// in which they were sealed. Roots come one after another, each from the chain
// that one side has begun upon the other's last one, so one Ratchet does for
// both sides.
type Ratchet struct {
	ID, Root []byte
	Last     []byte            // key of the chain begun last, or S
	Scalars  map[string][]byte // by public key
	Seeds    map[string][]byte // by encapsulation key

	chains map[string]*chainByHand
	offer  []byte // of the chain begun last
}

type chainByHand struct {
	root   []byte // that it began with
	key    []byte
	number uint32 // of the next message
}

// Step is one message with everything on the way to it.
type Step struct {
	Header, Salt, R  []byte
	Previous, Number uint32
	Offer, Answer    []byte // nil for none
	Agreement, KEM   []byte // what went into the root; nil unless the message begins a chain
	Root, Chain      []byte // the root that its chain began with, and the key of the chain before the message
	Message          []byte
	Key, Nonce, Body []byte
}

// Know notes secrets that a side has drawn.
func (r *Ratchet) Know(n *Numbers) {
	if r.Scalars == nil {
		r.Scalars, r.Seeds, r.chains = map[string][]byte{}, map[string][]byte{}, map[string]*chainByHand{}
	}
	for _, s := range n.Scalars {
		r.Scalars[string(Public(s))] = s
	}
	for _, s := range n.Seeds {
		r.Seeds[string(KEMPublicOf(s))] = s
	}
}

// Step works out a message: its keys come from the secrets and its header
// alone. Direction is 1 from the side that asked.
func (r *Ratchet) Step(sealed []byte, direction byte) (Step, error) {
	s, err := SplitMessage(sealed, r.ID)
	if err != nil {
		return s, err
	}
	c := r.chains[string(s.R)]
	if c == nil {
		own, ok := r.Scalars[string(s.R)]
		if !ok {
			return s, errors.New("a ratchet key that nobody has drawn")
		}
		s.Agreement = X25519(own, r.Last)
		if s.Answer != nil {
			s.KEM = Decapsulate(r.Seeds[string(r.offer)], s.Answer)
		}
		halves := KDF(slices.Concat(s.Agreement, s.KEM), r.Root, E("root step", r.ID), 64)
		r.Root, r.Last, r.offer = halves[:32], s.R, nil
		c = &chainByHand{root: r.Root, key: halves[32:]}
		r.chains[string(s.R)] = c
	}
	if s.Offer != nil {
		r.offer = s.Offer
	}
	if s.Number != c.number {
		return s, errors.New("numbers do not rise by one")
	}
	c.number++
	s.Root, s.Chain = c.root, c.key
	s.Message, c.key = mac(c.key, E("message key")), mac(c.key, E("chain key"))
	s.Key, s.Nonce = Seal(s.Message, "message body", r.ID, []byte{direction}, s.Header)
	return s, nil
}

// SplitMessage takes a message of a session apart.
func SplitMessage(sealed, id []byte) (s Step, err error) {
	size := 67
	flags := sealed[2]
	if flags&1 != 0 {
		s.Offer = sealed[size : size+1184]
		size += 1184
	}
	if flags&2 != 0 {
		s.Answer = sealed[size : size+1088]
		size += 1088
	}
	s.Header, s.Body = sealed[:size], sealed[size:]
	s.Salt, s.R = sealed[11:27], sealed[27:59]
	s.Previous, s.Number = binary.BigEndian.Uint32(sealed[59:]), binary.BigEndian.Uint32(sealed[63:])
	if !slices.Equal(sealed[:2], []byte{1, 2}) || flags > 3 || !slices.Equal(sealed[3:11], id[:8]) {
		return s, errors.New("not a message of the session")
	}
	return s, nil
}
