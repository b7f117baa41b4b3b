package ratchet

import (
	"bytes"
	"fmt"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/seal"
)

// A device is put back to an older copy of itself (a snapshot, a backup of the
// disk) and seals another text. Under one key and nonce the two boxes would
// give away the difference of the texts; this attack computes it.
func TestAttackOldSnapshot(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	w.toBob("begins a chain") // so that the key of the next message is fixed
	for _, texts := range [][2]string{{"pay 100 to carol", "pay 999 to erwin"}, {"the same", "the same"}} {
		now, old := w.alice, stolen(t, w.alice, source.System)
		one, two := w.seals(&now, texts[0]), w.seals(&old, texts[1])
		_, _, boxOne, _ := decodeHeader(one)
		_, _, boxTwo, _ := decodeHeader(two)
		if bytes.Equal(keystream(boxOne, texts[0]), keystream(boxTwo, texts[1])) {
			t.Errorf("%q and %q are sealed under one key and nonce", texts[0], texts[1])
		}
		// Each alone would open; who has opened one opens no other in its place.
		bob := w.bob
		w.opens(&bob, two, texts[1])
		w.refuses("the other", bob, one)
	}
}

// keystream is what anybody who guesses a text reads off its box: the same for
// two boxes if and only if key and nonce are the same.
func keystream(box []byte, text string) []byte {
	k := bytes.Clone(box[seal.Overhead:])
	for i := range k {
		k[i] ^= text[i]
	}
	return k
}

// No two boxes of a conversation have a key and nonce in common, whatever is
// lost, comes late, is taken back or sealed again from an older state.
func TestKeysAreNeverEqual(t *testing.T) {
	w := newTalk(t)
	const text = "the same text, every time, long enough"
	seen := map[string]string{}
	note := func(what string, sealed []byte) {
		_, _, box, _ := decodeHeader(sealed)
		k := string(keystream(box, text))
		if other, ok := seen[k]; ok {
			t.Fatalf("%s has the key and nonce of %s", what, other)
		}
		seen[k] = what
	}
	for i := range 100 {
		if i%7 == 0 {
			w.now = w.now.Add(kemInterval)
		}
		for j := range 1 + i%3 {
			again := stolen(t, w.alice, source.System)
			note(fmt.Sprint("alice's again ", i, j), w.seals(&again, text))
			note(fmt.Sprint("alice's ", i, j), w.toBob(text))
			note(fmt.Sprint("alice's lost ", i, j), w.seals(&w.alice, text))
		}
		for j := range 1 + i%2 {
			again := stolen(t, w.bob, source.System)
			note(fmt.Sprint("bob's again ", i, j), w.seals(&again, text))
			note(fmt.Sprint("bob's ", i, j), w.toAlice(text))
		}
	}
	if len(seen) < 800 {
		t.Errorf("only %d boxes", len(seen))
	}
}

type secret struct {
	name  string
	bytes []byte
}

// secretsOf lists what a state opens and seals with, the keys of messages that
// have not come left out.
func secretsOf(name string, s State) []secret {
	st := s.hold()
	list := []secret{{name + " root key", st.root[:]}}
	for what, b := range map[string][]byte{
		" ratchet key": st.own[:], " sending chain": st.sending.key[:], " receiving chain": st.receiving.key[:], " KEM seed": st.offer,
	} {
		if len(b) > 0 && !bytes.Equal(b, make([]byte, len(b))) {
			list = append(list, secret{name + what, b})
		}
	}
	return list
}

// A thief who has all of the state now opens nothing that was opened before,
// and finds in it none of the secrets that opened it.
func TestAttackForwardSecrecy(t *testing.T) {
	w := newTalk(t)
	var sealed [][]byte
	var secrets []secret
	for i := range 50 {
		w.seals(&w.alice, "lost")
		overtaken := w.seals(&w.alice, "overtaken")
		used, _ := chainStep(w.alice.hold().sending.key)
		sealed = append(sealed, w.toBob(fmt.Sprint(i)), overtaken)
		if bytes.Contains(w.bob.Bytes(), used[:]) || bytes.Contains(w.alice.Bytes(), used[:]) {
			t.Fatal("the key of a message outlives it")
		}
		message := w.bob.hold().skipped[len(w.bob.hold().skipped)-1].message
		secrets = append(secrets, secret{fmt.Sprint("message key ", i), message[:]})
		w.opens(&w.bob, overtaken, "overtaken")
		secrets = append(secrets, secretsOf(fmt.Sprint("alice's first ", i), w.alice)...)
		for _, reply := range []string{"one", "two"} {
			sealed = append(sealed, w.toAlice(reply))
			secrets = append(secrets, secretsOf(fmt.Sprint("bob's ", i), w.bob)...)
			secrets = append(secrets, secretsOf(fmt.Sprint("alice's ", i), w.alice)...)
		}
	}
	w.roundTrip()
	w.roundTrip()
	seeds := 0
	for name, s := range map[string]State{"alice": w.alice, "bob": w.bob} {
		thief := stolen(t, s, source.System)
		for _, b := range sealed {
			w.refuses(name+"'s thief", thief, b)
		}
		state := s.Bytes()
		for _, secret := range secrets {
			if bytes.Contains(state, secret.bytes) {
				t.Errorf("the state of %s still has %s", name, secret.name)
			}
			if len(secret.bytes) == crypto.KEMSeedSize {
				seeds++
			}
		}
	}
	if seeds == 0 {
		t.Error("no KEM seed was looked for")
	}
}

// A thief who had all of bob's state, and since then only watches, reads until
// bob has made a key that the thief does not know, and nothing after that.
func TestAttackStateStolenOnce(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	w.roundTrip()
	w.toBob("begins a chain")
	thief := stolen(t, w.bob, source.System)
	w.opens(&thief, w.toBob("in the chain that was stolen"), "in the chain that was stolen")
	w.toAlice("under a key that bob has made since") // alice's answer is out of reach
	for range 5 {
		w.refuses("after a round trip", thief, w.toBob("closed"))
		w.toAlice("closed")
	}

	// With bob's chain live, the thief knows the key that alice answers to.
	thief = stolen(t, w.bob, source.System)
	w.opens(&thief, w.toBob("to the key that was stolen"), "to the key that was stolen")
	w.toAlice("under a new key")
	for range 5 {
		w.refuses("after a round trip", thief, w.toBob("closed"))
		w.toAlice("closed")
	}
}

// quantum is a thief of bob's state who also learns every X25519 secret that
// bob makes from then on, as a quantum computer would from the public halves.
// It goes along with bob by the production code: where bob begins a chain, so
// does the thief, under the same key.
type quantum struct {
	*talk
	boxes []crypto.BoxPrivate // all that bob has made
	used  int                 // of them, by the thief
	thief State
}

// steals lets the two talk a little, and takes bob's state.
func steals(t *testing.T) *quantum {
	q := new(quantum)
	q.talk = newTalkFrom(t, source.System, tapped(&q.boxes))
	q.roundTrip()
	q.toBob("the next of bob's begins a chain")
	q.used = len(q.boxes)
	src := *source.System
	src.Box = func() crypto.BoxPrivate {
		q.used++
		return q.boxes[q.used-1]
	}
	q.thief = stolen(t, q.bob, &src)
	return q
}

// bobSays lets the thief take the step that bob takes.
func (q *quantum) bobSays() {
	q.Helper()
	q.toAlice("bob's")
	q.seals(&q.thief, "bob's")
}

// reads lets alice say something, and the thief read it.
func (q *quantum) reads() {
	q.Helper()
	q.opens(&q.thief, q.toBob("alice's"), "alice's")
}

// Against a quantum computer the X25519 steps heal nothing; the next KEM step
// does, whoever of the two offers.
func TestAttackQuantumComputer(t *testing.T) {
	for _, bobOffers := range []bool{true, false} {
		q := steals(t)
		for range 5 {
			q.bobSays()
			q.reads()
		}
		if !bobOffers {
			q.bobSays()
		}
		q.now = q.now.Add(kemInterval)
		if !bobOffers {
			q.reads() // alice's offer, with which the thief can do nothing
		}
		q.bobSays()
		closed := q.toBob("closed")
		if got := flags(closed) == flagAnswer; got != bobOffers {
			t.Fatalf("bob offers: %v, alice's answer: %v", bobOffers, got)
		}
		q.refuses("after the KEM step", q.thief, closed)

		// All of X25519 is known further on, but for what it is mixed with.
		for range 30 {
			q.toAlice("closed")
			q.thief = change(q.thief, func(s *state) {
				s.own, s.peer = [32]byte(q.boxes[len(q.boxes)-1].Bytes()), [32]byte{}
				s.sending.live, s.receiving.live = false, false
			})
			control := change(q.thief, func(s *state) { s.root, s.offer = q.bob.hold().root, q.bob.hold().offer })
			sealed := q.toBob("closed")
			q.refuses("rounds after the KEM step", q.thief, sealed)
			q.opens(&control, sealed, "closed") // the root key is all that is missing
		}
	}
}
