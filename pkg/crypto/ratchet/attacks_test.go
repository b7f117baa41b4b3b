package ratchet

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
)

// The relay hands a message back to its author.
func TestAttackReflection(t *testing.T) {
	w := newTalk(t)
	first := w.seals(&w.alice, "first")
	w.refuses("alice's first", w.alice, first)
	w.opens(&w.bob, first, "first")
	w.refuses("alice's first, opened by bob", w.alice, first)
	reply := w.seals(&w.bob, "reply")
	w.refuses("bob's reply", w.bob, reply)
	w.opens(&w.alice, reply, "reply")
	for range 30 {
		w.refuses("alice's", w.alice, w.toBob("again"))
		w.refuses("bob's", w.bob, w.toAlice("again"))
	}
}

// The chains of the two sides are never the same. If they ever were, the
// direction would still keep the one's messages from opening as the other's.
func TestAttackReflectionIntoEqualChains(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	w.toBob("begins the chain")
	equal := change(w.alice, func(s *state) { s.receiving, s.peer = s.sending, s.public })
	sealed := w.seals(&w.alice, "mine")
	w.refuses("own message in an equal chain", equal, sealed)

	other := change(equal, func(s *state) { s.initiator = false })
	w.opens(&other, sealed, "mine") // the chain was the right one
}

// Whatever was opened opens never again: in its turn, late, from a chain that
// has ended, with offer and with answer.
func TestAttackReplay(t *testing.T) {
	w := newTalk(t)
	var forBob, forAlice, late [][]byte
	seen := byte(0)
	for i := range 30 {
		text := fmt.Sprint("to bob ", i)
		overtaken := w.seals(&w.alice, text)
		forBob = append(forBob, w.toBob("overtakes"))
		if i%2 == 0 {
			w.opens(&w.bob, overtaken, text)
			forBob = append(forBob, overtaken)
		} else {
			late = append(late, overtaken)
		}
		forAlice = append(forAlice, w.toAlice("to alice"))
		seen |= flags(overtaken) | flags(forAlice[len(forAlice)-1])
		for _, sealed := range forBob {
			w.refuses("a copy for bob", w.bob, sealed)
		}
		for _, sealed := range forAlice {
			w.refuses("a copy for alice", w.alice, sealed)
		}
	}
	for i, sealed := range late {
		w.opens(&w.bob, sealed, fmt.Sprint("to bob ", 2*i+1))
		w.refuses("a copy of what came late", w.bob, sealed)
	}
	if seen != flagsAll {
		t.Errorf("only flags %x were replayed", seen)
	}
	if n := len(w.bob.hold().skipped); n != 0 {
		t.Errorf("%d keys are kept", n)
	}
}

// Under a low-order key the agreement is zeros, which everybody knows. Neither
// the relay nor the peer can bring one in.
func TestAttackLowOrderRatchetKey(t *testing.T) {
	for _, point := range vectors.LowOrder() {
		w := newTalk(t)
		low := func(h *header) { h.key = [32]byte(point) }
		w.refuses("as the first", w.bob, edit(t, w.seals(&w.alice, "x"), low))
		w.roundTrip()
		w.refuses("by the relay", w.bob, edit(t, w.seals(&w.alice, "x"), low))
		// The peer makes its root step with zeros, so that all else fits.
		w = newTalk(t)
		w.toBob("x")
		hostile := change(w.bob, func(s *state) {
			s.root, s.sending.key = rootStep(s.root, s.id, make([]byte, 32), nil)
			s.sending.live, s.public = true, [32]byte(point)
		})
		w.refuses("by the peer", w.alice, w.seals(&hostile, "x"))
		w.toAlice("goes on")
	}
	w := newTalk(t) // the peer that we begin with
	zero := change(w.alice, func(s *state) { s.peer = [32]byte{} })
	if _, _, err := zero.Seal(nil, w.now); err == nil {
		t.Error("sealed to a key of low order")
	}
}

// Every byte of a message is bound, and every length but its own is refused.
func TestAttackAlteredMessage(t *testing.T) {
	w := newTalk(t)
	offer := w.offering()
	altered(w, "with offer", w.bob, offer)
	w.opens(&w.bob, offer, "offer")
	skipped := w.seals(&w.alice, "skipped")
	w.toBob("overtakes")
	altered(w, "that was skipped", w.bob, skipped)
	answer := w.seals(&w.bob, "answer")
	altered(w, "with answer", w.alice, answer)
	w.opens(&w.alice, answer, "answer")
	plain := w.seals(&w.alice, "plain")
	altered(w, "plain", w.bob, plain)
	w.opens(&w.bob, plain, "plain")
	w.opens(&w.bob, skipped, "skipped")

	w = newTalk(t)
	first := w.seals(&w.alice, "first")
	altered(w, "the first", w.bob, first)
	w.opens(&w.bob, first, "first")
}

func altered(w *talk, what string, s State, sealed []byte) {
	w.Helper()
	for i := range sealed {
		b := bytes.Clone(sealed)
		for _, bit := range []byte{1 << (i % 8), 0x80} {
			b[i] = sealed[i] ^ bit
			w.refuses(fmt.Sprintf("message %s: bits %02x of byte %d flipped", what, bit, i), s, b)
		}
		w.refuses(fmt.Sprintf("message %s: cut to %d bytes", what, i), s, sealed[:i])
	}
	w.refuses("a byte longer", s, append(bytes.Clone(sealed), 0))
	for f := range 256 {
		if b := bytes.Clone(sealed); byte(f) != flags(sealed) {
			b[offFlags] = byte(f)
			w.refuses(fmt.Sprintf("message %s: flags %02x", what, f), s, b)
		}
	}
}

// The relay changes one field of the header and leaves all else as it was.
func TestAttackEditedHeader(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	w.seals(&w.alice, "lost")
	sealed := w.seals(&w.alice, "hi")
	other := w.seals(&w.alice, "ho")
	ho, _, _, _ := decodeHeader(other)
	edits := map[string]func(*header){
		"tag":             func(h *header) { h.tag[0]++ },
		"salt":            func(h *header) { h.salt = ho.salt },
		"key":             func(h *header) { h.key = [32]byte(crypto.NewBoxPrivate().Public().Bytes()) },
		"previous less":   func(h *header) { h.previous-- },
		"previous more":   func(h *header) { h.previous++ },
		"number before":   func(h *header) { h.number-- },
		"number behind":   func(h *header) { h.number++ },
		"an offer":        func(h *header) { h.offer = crypto.NewKEMPrivate().Public().Bytes() },
		"an answer":       func(h *header) { h.answer = make([]byte, crypto.KEMCiphertextSize) },
		"header of other": func(h *header) { *h = ho },
	}
	for name, f := range edits {
		w.refuses(name, w.bob, edit(t, sealed, f))
	}
	w.refuses("box of another", w.bob, slices.Concat(sealed[:headerSize], other[headerSize:]))
	w.opens(&w.bob, sealed, "hi")
	w.opens(&w.bob, other, "ho")
}

// The relay strips, swaps or makes anew what carries the KEM step, so that the
// session would heal against no quantum computer.
func TestAttackKEM(t *testing.T) {
	w := newTalk(t)
	offer := w.offering()
	mine := crypto.NewKEMPrivate().Public()
	w.refuses("offer stripped", w.bob, edit(t, offer, func(h *header) { h.offer = nil }))
	w.refuses("offer swapped", w.bob, edit(t, offer, func(h *header) { h.offer = mine.Bytes() }))
	w.opens(&w.bob, offer, "offer")
	answer := w.seals(&w.bob, "answer")
	h, _, _, _ := decodeHeader(offer)
	offered, err := crypto.ParseKEMPublic(h.offer)
	if err != nil {
		t.Fatal(err)
	}
	_, again := offered.Encapsulate()
	w.refuses("answer stripped", w.alice, edit(t, answer, func(h *header) { h.answer = nil }))
	w.refuses("encapsulated again", w.alice, edit(t, answer, func(h *header) { h.answer = again }))
	w.refuses("answer and an offer", w.alice, edit(t, answer, func(h *header) { h.offer = mine.Bytes() }))
	w.opens(&w.alice, answer, "answer")
}

// The peer answers what was never offered, or no more.
func TestAttackAnswerWithoutOffer(t *testing.T) {
	w := newTalk(t)
	w.toBob("no offer")
	answersTo := func(key []byte) []byte {
		hostile := change(w.bob, func(s *state) { s.toAnswer, s.sending.live = key, false })
		sealed := w.seals(&hostile, "x")
		if flags(sealed) != flagAnswer {
			t.Fatalf("flags %x", flags(sealed))
		}
		return sealed
	}
	w.refuses("no offer was made", w.alice, answersTo(crypto.NewKEMPrivate().Public().Bytes()))

	w.opens(&w.bob, w.offering(), "offer")
	older := w.bob.hold().toAnswer
	control := w.alice
	w.opens(&control, answersTo(older), "x") // the way of the attack is good

	w.toAlice("answer")
	w.refuses("the offer was answered just now", w.alice, answersTo(older))
	w.toBob("no offer in this chain")
	w.refuses("the offer was answered before", w.alice, answersTo(older))

	w.opens(&w.bob, w.offering(), "offer")
	w.refuses("an older offer", w.alice, answersTo(older))
	w.toAlice("answer")
}

// The peer offers a key that FIPS 203 refuses.
func TestAttackUnusableOffer(t *testing.T) {
	w := newTalk(t)
	w.toBob("x")
	for name, key := range map[string][]byte{
		"unreduced": bytes.Repeat([]byte{0xff}, crypto.KEMPublicSize),
		"one of its numbers unreduced": func() []byte {
			b := bytes.Clone(crypto.NewKEMPrivate().Public().Bytes())
			b[0], b[1] = 0xff, b[1]|0x0f
			return b
		}(),
	} {
		hostile := change(w.bob, func(s *state) {
			if err := s.beginSending(w.now); err != nil {
				t.Fatal(err)
			}
			s.offered = key
		})
		sealed := w.seals(&hostile, "x")
		if flags(sealed) != flagOffer {
			t.Fatalf("flags %x", flags(sealed))
		}
		w.refuses(name, w.alice, sealed)
	}
	w.toAlice("goes on")
}

// Whatever is wrong, whoever sends it learns the same: refuses compares error,
// result and every byte of the state.
func TestAttackDecryptionOracle(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	opened := w.toBob("opened")
	good := w.seals(&w.alice, "good")
	far := change(w.alice, func(s *state) { s.sending.number += MaxSkip + 2 })
	stranger := newTalkFrom(t, source.System, source.System)
	otherRoot := change(stranger.alice, func(s *state) { s.root[0]++ })
	for what, sealed := range map[string][]byte{
		"nothing":               nil,
		"no header":             make([]byte, headerSize),
		"another version":       append([]byte{2}, good[1:]...),
		"a request":             append([]byte{1, 1}, good[2:]...),
		"a copy":                opened,
		"an unknown chain":      edit(t, good, func(h *header) { h.key[0]++ }),
		"a chain of low order":  edit(t, good, func(h *header) { h.key = [32]byte{} }),
		"a number far ahead":    edit(t, good, func(h *header) { h.number = 1 << 31 }),
		"the last number":       edit(t, good, func(h *header) { h.number = 1<<32 - 1 }),
		"a box of nothing":      good[:headerSize],
		"a box too short":       good[:headerSize+15],
		"an altered box":        append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1),
		"authentic, too far":    w.seals(&far, "x"),
		"of another root":       stranger.seals(&otherRoot, "x"),
		"of the other's prekey": stranger.seals(&stranger.alice, "x"),
	} {
		w.refuses(what, w.bob, sealed)
	}
	w.opens(&w.bob, good, "good")
}
