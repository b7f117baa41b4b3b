package session_test

import (
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto/handshake"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/padding"
	"secure-messaging/pkg/crypto/session"
)

// The first message of a request is the first of its session. With another
// number a stranger could make this device store a thousand keys.
func TestAttackRequestWithANumber(t *testing.T) {
	now := vectors.Created
	alice := &scripted{Person: vectors.Alice()}
	bob := &scripted{Person: vectors.Bob()}
	bundle := session.Bundle{Certificate: bob.Certificate, Signed: bob.Sign(bob.Signed)}
	hello, state, err := handshake.Ask(alice.local(), bundle, now, source.System)
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range []error{nil, session.ErrOpen, session.ErrOpen} {
		sealed, next, err := state.Seal(padding.Pad([]byte("hi")), now)
		if err != nil {
			t.Fatal(err)
		}
		state = next
		if _, err := session.Answer(bob.local(), bob, append(hello[:len(hello):len(hello)], sealed...), now); err != want {
			t.Errorf("number %d: %v", number, err)
		}
	}
}

// What is not the front goes when nothing has happened in it for its time; the
// front stays for ever.
func TestIdleSessionsGo(t *testing.T) {
	now := vectors.Created
	alice, bob := &scripted{Person: vectors.Alice()}, &scripted{Person: vectors.Bob()}
	bundle := session.Bundle{Certificate: bob.Certificate, Signed: bob.Sign(bob.Signed)}
	var s session.Session
	for range 2 {
		_, next, err := s.Ask(alice.local(), bundle, []byte("hi"), now)
		if err != nil {
			t.Fatal(err)
		}
		s, now = next, now.Add(time.Hour)
	}
	front := session.Tags(s)[0]
	if kept, changed := s.Prune(now.Add(session.IdleLifetime - 2*time.Hour - time.Second)); changed || len(session.Tags(kept)) != 2 {
		t.Error("one goes too early")
	}
	kept, changed := s.Prune(now.AddDate(10, 0, 0))
	if tags := session.Tags(kept); !changed || len(tags) != 1 || tags[0] != front {
		t.Errorf("kept are %x, and %x is the front", tags, front)
	}
}
