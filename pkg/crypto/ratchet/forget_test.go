package ratchet_test

import (
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/ratchet"
)

// A relay that only changes the order cannot keep the two from mixing ML-KEM
// secrets in: an offer counts in whatever order it comes.
func TestAttackOrderKeepsOffersAway(t *testing.T) {
	now := time.Unix(1e9, 0)
	prekey := crypto.NewBoxPrivate()
	sides := [2]ratchet.State{
		ratchet.NewInitiator([32]byte{1}, [32]byte{2}, prekey.Public(), now, source.System),
		ratchet.NewResponder([32]byte{1}, [32]byte{2}, prekey, now, source.System),
	}
	answers := 0
	for round := range 20 {
		now = now.Add(2 * time.Hour)
		from, to := &sides[round%2], &sides[1-round%2]
		var sent [][]byte
		for range 5 {
			m, next, err := from.Seal(make([]byte, 256), now)
			if err != nil {
				t.Fatal(err)
			}
			*from, sent = next, append(sent, m)
			if m[2]&2 != 0 {
				answers++
			}
		}
		for _, m := range append(sent[4:], sent[:4]...) {
			_, next, err := to.Open(m, now)
			if err != nil {
				t.Fatal(err)
			}
			*to = next
		}
	}
	if answers < 20 {
		t.Errorf("%d of 100 messages answer an offer", answers)
	}
}

// The key of a message that was overtaken goes after 30 days, also where
// nothing comes in any more, or nothing happens at all.
func TestSkippedKeysGo(t *testing.T) {
	now := time.Unix(1e9, 0)
	prekey := crypto.NewBoxPrivate()
	alice := ratchet.NewInitiator([32]byte{1}, [32]byte{2}, prekey.Public(), now, source.System)
	bob := ratchet.NewResponder([32]byte{1}, [32]byte{2}, prekey, now, source.System)
	var held []byte
	for i := range 2 {
		m, next, err := alice.Seal(make([]byte, 256), now)
		if err != nil {
			t.Fatal(err)
		}
		alice = next
		if i == 0 {
			held = m
			continue
		}
		if _, bob, err = bob.Open(m, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, changed := bob.Prune(now.Add(ratchet.SkippedLifetime)); changed {
		t.Error("it goes too early")
	}
	later := now.Add(ratchet.SkippedLifetime + time.Second)
	_, sealed, err := bob.Seal(make([]byte, 256), later)
	if err != nil {
		t.Fatal(err)
	}
	pruned, changed := bob.Prune(later)
	if !changed {
		t.Error("nothing is pruned")
	}
	for name, stolen := range map[string]ratchet.State{"sealed with": sealed, "pruned": pruned} {
		if _, _, err := stolen.Open(held, now); err != ratchet.ErrOpen { // the thief's clock is the thief's
			t.Errorf("%s: the state still opens it: %v", name, err)
		}
	}
	if _, _, err := bob.Open(held, now); err != nil {
		t.Errorf("the test is wrong: before, it does not open: %v", err)
	}
}

// A responder that has begun its chain holds nothing of the prekey.
func TestBeginReplacesThePrekey(t *testing.T) {
	now := time.Unix(1e9, 0)
	prekey := crypto.NewBoxPrivate()
	alice := ratchet.NewInitiator([32]byte{1}, [32]byte{2}, prekey.Public(), now, source.System)
	bob := ratchet.NewResponder([32]byte{1}, [32]byte{2}, prekey, now, source.System)
	first, alice, err := alice.Seal([]byte("one"), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, bob, err = bob.Open(first, now); err != nil {
		t.Fatal(err)
	}
	if bob, err = bob.Begin(now); err != nil {
		t.Fatal(err)
	}
	second, _, err := alice.Seal([]byte("two"), now)
	if err != nil {
		t.Fatal(err)
	}
	if opened, _, err := bob.Open(second, now); err != nil || string(opened.Padded) != "two" {
		t.Errorf("the initiator's chain goes on: %v", err)
	}
	answer, _, err := bob.Seal([]byte("three"), now)
	if err != nil {
		t.Fatal(err)
	}
	if opened, _, err := alice.Open(answer, now); err != nil || string(opened.Padded) != "three" {
		t.Errorf("its answer: %v", err)
	}
}
