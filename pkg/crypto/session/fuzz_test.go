package session_test

import (
	"bytes"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto/session"
)

// fixed are alice and bob with the same keys in every run, and what they say:
// a request, its answer, and a message in the chain after it.
func fixed(t testing.TB) (alice, bob *party, request, answer, message []byte) {
	t.Helper()
	alice, bob = newParty(vectors.Alice()), newParty(vectors.Bob())
	request, next, err := session.AskFrom(session.Session{}, alice.local(), bob.bundle(true), pad("may I?"), begun, numbers(0xa0))
	if err != nil {
		t.Fatal(err)
	}
	alice.Session = next
	r, err := session.AnswerFrom(bob.local(), bob, request, begun, numbers(0xb0))
	if err != nil {
		t.Fatal(err)
	}
	bob.Session = bob.Join(bob.local(), r)
	answer = bob.seals(t, "yes")
	alice.opens(t, answer, "yes")
	return alice, bob, request, answer, alice.seals(t, "hi")
}

// FuzzAnswer knows one request that opens; whatever else is made of it must
// not.
func FuzzAnswer(f *testing.F) {
	vectors.Seeds(f, 6)
	_, _, good, _, _ := fixed(f)
	f.Add(good)
	bob := newParty(vectors.Bob())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := session.Answer(bob.local(), bob, b, begun)
		switch {
		case bytes.Equal(b, good):
			if err != nil || string(r.Text) != "may I?" {
				t.Errorf("the request does not open: %v", err)
			}
		case err != session.ErrOpen:
			t.Errorf("opened %q, %v", r.Text, err)
		}
	})
}

// FuzzOpen knows one message that opens.
func FuzzOpen(f *testing.F) {
	vectors.Seeds(f, 6)
	_, bob, _, _, good := fixed(f)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if !bytes.Equal(b, good) {
			bob.refuses(t, "fuzzed", b)
			return
		}
		if o, _, err := bob.Open(b, begun); err != nil || string(o.Text) != "hi" {
			t.Errorf("the message does not open: %v", err)
		}
	})
}

func FuzzRestore(f *testing.F) {
	vectors.Seeds(f, 6)
	alice, bob, _, _, _ := fixed(f)
	f.Add(alice.State())
	f.Add(bob.State())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := session.Restore(b)
		if err != nil {
			if err != session.ErrState || s.Begun() {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if again := s.State(); len(b) > 0 && !bytes.Equal(again, b) {
			t.Error("the bytes change")
		}
		s.Prune(begun)
		s.Retract()
		s.Seal(nil, begun)
		s.Open(b, begun)
		if again := s.State(); len(b) > 0 && !bytes.Equal(again, b) {
			t.Error("a step has changed the state before")
		}
	})
}
