package ratchet

import (
	"bytes"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
)

func FuzzDecodeHeader(f *testing.F) {
	vectors.Seeds(f, 6)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, raw, box, ok := decodeHeader(b)
		tag, named := TagOf(b)
		if named != ok || tag != h.tag {
			t.Error("TagOf and decodeHeader part")
		}
		if !ok {
			return
		}
		if again := h.encode(); !bytes.Equal(again, raw) || !bytes.Equal(append(again, box...), b) {
			t.Error("the bytes change")
		}
		if (h.offer != nil && len(h.offer) != crypto.KEMPublicSize) || (h.answer != nil && len(h.answer) != crypto.KEMCiphertextSize) {
			t.Error("lengths of offer or answer")
		}
	})
}

func FuzzParse(f *testing.F) {
	vectors.Seeds(f, 6)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b, source.System)
		if err != nil {
			if err != ErrState || s.hold != nil {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if !bytes.Equal(s.Bytes(), b) {
			t.Error("the bytes change")
		}
		// A state of any content takes a step or refuses it, and stays as it was.
		s.Seal([]byte("x"), begun)
		s.Open(make([]byte, headerSize), begun)
		if !bytes.Equal(s.Bytes(), b) {
			t.Error("a step has changed the state before")
		}
	})
}

// A state is what it was after it has been stored, at every point of a
// conversation.
func TestStateRoundTrip(t *testing.T) {
	w := newTalk(t)
	again := func() {
		for _, s := range []*State{&w.alice, &w.bob} {
			b := s.Bytes()
			*s = stolen(t, *s, source.System)
			if !bytes.Equal(s.Bytes(), b) {
				t.Fatal("the bytes change")
			}
			for _, n := range []int{0, 1, 2, 30, len(b) - 1} {
				if _, err := Parse(b[:n], source.System); err != ErrState {
					t.Errorf("cut to %d of %d bytes: %v", n, len(b), err)
				}
			}
			if _, err := Parse(append(bytes.Clone(b), 0), source.System); err != ErrState {
				t.Errorf("a byte longer: %v", err)
			}
			for version := range 256 {
				if b[0] = byte(version); version != stateVersion {
					if _, err := Parse(b, source.System); err != ErrState {
						t.Errorf("version %d: %v", version, err)
					}
				}
			}
		}
	}
	again()
	for i := range 30 {
		w.now = w.now.Add(time.Duration(i%3) * kemInterval / 2)
		w.seals(&w.alice, "lost")
		again()
		w.toBob("x")
		again()
		w.toAlice("x")
		again()
	}
}
