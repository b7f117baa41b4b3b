package session_test

import (
	"bytes"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto/session"
)

// byKey gives alice and bob in the order of their account keys.
func byKey() (smaller, larger *party) {
	a, b := newParty(vectors.Alice()), newParty(vectors.Bob())
	if bytes.Compare(a.Certificate.Account.Bytes(), b.Certificate.Account.Bytes()) < 0 {
		return a, b
	}
	return b, a
}

// Both ask at once. Each answers in the other's session, and both end in that
// of the smaller account key.
func TestCrossedRequests(t *testing.T) {
	small, large := byKey()
	fromSmall, fromLarge := small.asks(t, large, "s"), large.asks(t, small, "l")
	small.joins(t, fromLarge, "l")
	large.joins(t, fromSmall, "s")
	ofSmall, ofLarge := session.Tags(large.Session)[0], session.Tags(small.Session)[0]
	if ofSmall == ofLarge {
		t.Fatal("the requests have not crossed")
	}
	one, two := small.seals(t, "in the larger's"), large.seals(t, "in the smaller's")
	large.opens(t, one, "in the larger's")
	small.opens(t, two, "in the smaller's")
	for range 3 {
		large.opens(t, small.seals(t, "x"), "x")
		small.opens(t, large.seals(t, "x"), "x")
	}
	if session.Tags(small.Session)[0] != ofSmall || session.Tags(large.Session)[0] != ofSmall {
		t.Error("they do not end in the session of the smaller account key")
	}
}

// A late message of the session that was left opens, and changes nothing at
// the side whose session counts.
func TestCrossedAndLate(t *testing.T) {
	small, large := byKey()
	fromSmall, fromLarge := small.asks(t, large, "s"), large.asks(t, small, "l")
	small.joins(t, fromLarge, "l")
	late := large.seals(t, "in the own, before the other's request came")
	large.joins(t, fromSmall, "s")
	small.opens(t, large.seals(t, "in the smaller's"), "in the smaller's")
	front := session.Tags(small.Session)[0]
	small.opens(t, late, "in the own, before the other's request came")
	if session.Tags(small.Session)[0] != front {
		t.Error("the smaller side has left its session")
	}
	large.opens(t, small.seals(t, "x"), "x")
	if session.Tags(large.Session)[0] != front {
		t.Error("the larger side has not followed")
	}
}

// At most three requests wait for an answer, for at most 30 days.
func TestPendingIsBounded(t *testing.T) {
	alice, bob := newParty(vectors.Alice()), newParty(vectors.Bob())
	for range session.MaxPending {
		alice.asks(t, bob, "?")
	}
	ask := func(at time.Time) error {
		_, _, err := alice.Ask(alice.local(), bob.bundle(true), nil, at)
		return err
	}
	if err := ask(begun.Add(session.PendingLifetime - time.Second)); err != session.ErrPending {
		t.Errorf("a fourth: %v", err)
	}
	if err := ask(begun.Add(session.PendingLifetime)); err != nil {
		t.Errorf("after 30 days: %v", err)
	}
	retracted := alice.Retract()
	if _, _, err := retracted.Ask(alice.local(), bob.bundle(true), nil, begun); err != nil {
		t.Errorf("after one was refused: %v", err)
	}
}

// Something that comes in a session answers it, and all that was begun before.
func TestAnswerOfTheLastEndsWaiting(t *testing.T) {
	alice, bob := newParty(vectors.Alice()), newParty(vectors.Bob())
	alice.asks(t, bob, "one")
	second := alice.asks(t, bob, "two")
	alice.asks(t, bob, "three")
	bob.joins(t, second, "two")
	alice.opens(t, bob.seals(t, "yes"), "yes")
	alice.asks(t, bob, "four")
	alice.asks(t, bob, "five")
	if _, _, err := alice.Ask(alice.local(), bob.bundle(true), nil, begun); err != session.ErrPending {
		t.Errorf("three wait: %v", err)
	}
}

func TestRetract(t *testing.T) {
	alice, bob := talking(t)
	front := session.Tags(alice.Session)[0]
	if alice.Session = alice.Retract(); session.Tags(alice.Session)[0] != front {
		t.Error("a session was taken back in which something has come")
	}
	alice.asks(t, bob, "?")
	if alice.Session = alice.Retract(); session.Tags(alice.Session)[0] != front || len(session.Tags(alice.Session)) != 1 {
		t.Error("the session before is not the front again")
	}
	bob.opens(t, alice.seals(t, "x"), "x")
	if (session.Session{}).Retract().Begun() {
		t.Error("nothing was taken back, and something is there")
	}
}

// Eight sessions are kept; the oldest goes, with all its keys.
func TestSessionsAreBounded(t *testing.T) {
	alice, bob := talking(t)
	old := alice.seals(t, "old")
	for i := range session.MaxSessions {
		if i == session.MaxSessions-1 {
			control := *bob
			control.opens(t, old, "old")
		}
		asker := newParty(vectors.Alice()) // who has lost what she had
		bob.joins(t, asker.asks(t, bob, "again"), "again")
	}
	bob.refuses(t, "in the ninth", old)
	if n := len(session.Tags(bob.Session)); n != session.MaxSessions {
		t.Errorf("%d sessions are kept", n)
	}
	if s, err := session.Restore(bob.State()); err != nil || !bytes.Equal(s.State(), bob.State()) {
		t.Errorf("a full state: %v", err)
	}
}

// A session that is not the front goes when nothing has happened in it for 30
// days, and with it what would open a message that was caught on its way.
func TestPrune(t *testing.T) {
	alice, bob := talking(t)
	old := alice.seals(t, "old")
	again := newParty(vectors.Alice())
	bob.joins(t, again.asks(t, bob, "again"), "again")
	front := session.Tags(bob.Session)[0]
	if s, changed := bob.Prune(begun.Add(session.IdleLifetime - time.Second)); changed || !bytes.Equal(s.State(), bob.State()) {
		t.Error("something went too early")
	}
	pruned, changed := bob.Prune(begun.Add(session.IdleLifetime))
	if !changed || len(session.Tags(pruned)) != 1 || session.Tags(pruned)[0] != front {
		t.Errorf("%d sessions are left", len(session.Tags(pruned)))
	}
	control := *bob
	control.opens(t, old, "old")
	bob.Session = pruned
	bob.refuses(t, "of a session that is gone", old)
	again.opens(t, bob.seals(t, "x"), "x")

	// The front stays, and loses its old keys.
	late := bob.seals(t, "late")
	again.opens(t, bob.seals(t, "overtakes"), "overtakes")
	control = *again
	control.opens(t, late, "late")
	if again.Session, changed = again.Prune(begun.Add(session.IdleLifetime + time.Second)); !changed || !again.Begun() {
		t.Error("the keys of what was overtaken stay")
	}
	again.refuses(t, "late by 30 days", late)
	if _, changed := again.Prune(begun.Add(10 * session.IdleLifetime)); changed {
		t.Error("there was nothing left to go")
	}
}

// The front of the one is at last the front of the other, even if the relay
// hands over a message of an older session behind the request of a newer one.
// Otherwise each would go on in a session of its own in which nothing is ever
// answered: no new ratchet key would come in, and nothing would heal.
func TestAttackFrontsKeptApart(t *testing.T) {
	small, large := byKey()
	large.joins(t, small.asks(t, large, "s"), "s")
	small.opens(t, large.seals(t, "yes"), "yes")
	caught := large.seals(t, "caught by the relay")
	small.joins(t, large.asks(t, small, "again"), "again")
	small.opens(t, caught, "caught by the relay")
	small.seals(t, "withheld")
	large.opens(t, small.seals(t, "x"), "x")
	small.opens(t, large.seals(t, "x"), "x")
	if one, two := session.Tags(small.Session)[0], session.Tags(large.Session)[0]; one != two {
		t.Errorf("they stay in %x and %x", one, two)
	}
}
