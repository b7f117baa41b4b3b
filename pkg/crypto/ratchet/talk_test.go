package ratchet

import (
	"bytes"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
)

var begun = time.Unix(1_900_000_000, 0)

// talk is a session between alice, who has asked, and bob. Its clock moves by
// hand.
type talk struct {
	*testing.T
	alice, bob State
	now        time.Time
}

func newTalk(t *testing.T) *talk { return newTalkFrom(t, source.System, source.System) }

func newTalkFrom(t *testing.T, ofAlice, ofBob *source.Source) *talk {
	prekey := vectors.Bob().Signed.Box
	id, root := [32]byte{1, 2, 3}, [32]byte{4, 5, 6}
	return &talk{
		t, NewInitiator(id, root, prekey.Public(), begun, ofAlice),
		NewResponder(id, root, prekey, begun, ofBob), begun,
	}
}

// seals seals and keeps the step.
func (w *talk) seals(s *State, text string) []byte {
	w.Helper()
	before := s.Bytes()
	sealed, next, err := s.Seal([]byte(text), w.now)
	if err != nil {
		w.Fatal(err)
	}
	if !bytes.Equal(before, s.Bytes()) {
		w.Error("sealing has changed the state before")
	}
	*s = next
	return sealed
}

// opens demands the text, keeps the step and gives the count of the skipped.
func (w *talk) opens(s *State, sealed []byte, text string) int {
	w.Helper()
	before := s.Bytes()
	o, next, err := s.Open(sealed, w.now)
	if err != nil || string(o.Padded) != text {
		w.Fatalf("got %q, %v, want %q", o.Padded, err, text)
	}
	if !bytes.Equal(before, s.Bytes()) {
		w.Error("opening has changed the state before")
	}
	*s = next
	return o.Skipped
}

// refuses demands the one error, nothing beside it, and a state of which no
// byte has changed.
func (w *talk) refuses(what string, s State, sealed []byte) {
	w.Helper()
	before := s.Bytes()
	o, next, err := s.Open(sealed, w.now)
	if err != ErrOpen || o.Padded != nil || o.Skipped != 0 || next.hold != nil {
		w.Errorf("%s: got %q, %d skipped, %v", what, o.Padded, o.Skipped, err)
	}
	if !bytes.Equal(before, s.Bytes()) {
		w.Errorf("%s: the state has changed", what)
	}
}

// toBob and toAlice say one thing that comes.
func (w *talk) toBob(text string) []byte {
	w.Helper()
	sealed := w.seals(&w.alice, text)
	w.opens(&w.bob, sealed, text)
	return sealed
}

func (w *talk) toAlice(text string) []byte {
	w.Helper()
	sealed := w.seals(&w.bob, text)
	w.opens(&w.alice, sealed, text)
	return sealed
}

func (w *talk) roundTrip() {
	w.Helper()
	w.toBob("there")
	w.toAlice("and back")
}

// change gives a state to a peer who does not keep to the protocol: what it
// seals is sealed by the production code, whatever it says.
func change(s State, f func(*state)) State {
	c := s.hold().copy()
	f(c)
	return held(c)
}

// edit is what the relay can do: the header says something else, the box is
// the same.
func edit(t *testing.T, sealed []byte, f func(*header)) []byte {
	t.Helper()
	h, _, box, ok := decodeHeader(sealed)
	if !ok {
		t.Fatal("no message")
	}
	f(&h)
	return append(h.encode(), box...)
}

// flags reads what a message carries.
func flags(sealed []byte) byte { return sealed[offFlags] }

// offering lets the clock go until alice's next chain offers a KEM key.
func (w *talk) offering() []byte {
	w.Helper()
	w.roundTrip()
	w.now = w.now.Add(kemInterval)
	sealed := w.seals(&w.alice, "offer")
	if flags(sealed) != flagOffer {
		w.Fatalf("flags %x", flags(sealed))
	}
	return sealed
}

// stolen is what a thief of the stored state makes of it.
func stolen(t *testing.T, s State, src *source.Source) State {
	t.Helper()
	thief, err := Parse(s.Bytes(), src)
	if err != nil {
		t.Fatal(err)
	}
	return thief
}

// tapped is the system's source, with every X25519 secret copied to boxes.
func tapped(boxes *[]crypto.BoxPrivate) *source.Source {
	src := *source.System
	src.Box = func() crypto.BoxPrivate {
		k := source.System.Box()
		*boxes = append(*boxes, k)
		return k
	}
	return &src
}
