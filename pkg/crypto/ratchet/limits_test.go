package ratchet

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// ahead seals n texts that do not come and one that does.
func (w *talk) ahead(s *State, n int) (lost [][]byte, sealed []byte) {
	w.Helper()
	for i := range n {
		lost = append(lost, w.seals(s, fmt.Sprint("lost ", i)))
	}
	return lost, w.seals(s, "after")
}

func TestSkipInAChain(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	lost, sealed := w.ahead(&w.alice, MaxSkip)
	further := w.seals(&w.alice, "further")
	w.refuses("1,001 ahead", w.bob, further)
	if n := w.opens(&w.bob, sealed, "after"); n != MaxSkip {
		t.Errorf("%d are said to be skipped", n)
	}
	if n := w.opens(&w.bob, further, "further"); n != 0 {
		t.Errorf("%d are said to be skipped before the next", n)
	}
	for i, sealed := range lost {
		if n := w.opens(&w.bob, sealed, fmt.Sprint("lost ", i)); n != 0 {
			t.Fatalf("%d are said to be skipped before a late one", n)
		}
	}
}

// From the first message on: the request may be a thousand messages late.
func TestSkipAtTheBeginning(t *testing.T) {
	w := newTalk(t)
	_, sealed := w.ahead(&w.alice, MaxSkip)
	w.refuses("1,001 ahead", w.bob, w.seals(&w.alice, "further"))
	if n := w.opens(&w.bob, sealed, "after"); n != MaxSkip {
		t.Errorf("%d are said to be skipped", n)
	}
}

// Both what is missing of the chain before and what is missing of the new one
// may be 1,000, which together is all that is kept.
func TestSkipOverTheEndOfAChain(t *testing.T) {
	w := newTalk(t)
	w.toBob("begins a chain")
	lost, _ := w.ahead(&w.alice, MaxSkip-1) // and "after" is lost, too
	w.toAlice("ends it")
	more, sealed := w.ahead(&w.alice, MaxSkip)
	if n := w.opens(&w.bob, sealed, "after"); n != 2*MaxSkip {
		t.Fatalf("%d are said to be skipped", n)
	}
	w.opens(&w.bob, lost[0], "lost 0")
	w.opens(&w.bob, more[MaxSkip-1], fmt.Sprint("lost ", MaxSkip-1))
}

func TestSkipTooMuchOverTheEndOfAChain(t *testing.T) {
	w := newTalk(t)
	w.toBob("begins a chain")
	w.ahead(&w.alice, MaxSkip) // 1,001 that do not come
	w.toAlice("ends it")
	w.refuses("1,001 of the chain before", w.bob, w.seals(&w.alice, "x"))
}

// A peer that says it has sent four thousand million makes no work.
func TestAttackSkipWithoutEnd(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	w.toBob("x")
	next := func(s *state) {
		if err := s.beginSending(w.now); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range map[string]func(*state){
		"number":             func(s *state) { s.sending.number = math.MaxUint32 - 1 },
		"number 1,001 ahead": func(s *state) { s.sending.number += MaxSkip + 1 },
		"number behind":      func(s *state) { next(s); s.sending.number = MaxSkip + 1 },
		"previous":           func(s *state) { next(s); s.previous = math.MaxUint32 },
		"previous 1,001":     func(s *state) { next(s); s.previous = w.bob.hold().receiving.number + MaxSkip + 1 },
	} {
		hostile := change(w.alice, f)
		start := time.Now()
		w.refuses(name, w.bob, w.seals(&hostile, "x"))
		if d := time.Since(start); d > time.Second {
			t.Errorf("%s: it took %v", name, d)
		}
	}
	w.toBob("goes on")
}

// 2,000 keys are kept, and the oldest go.
func TestSkippedKeysAreBounded(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	var lost [][]byte
	for range 3 {
		more, sealed := w.ahead(&w.alice, 700)
		lost = append(lost, more...)
		w.opens(&w.bob, sealed, "after")
	}
	if n := len(w.bob.hold().skipped); n != MaxSkipped {
		t.Errorf("%d keys are kept", n)
	}
	if n := len(w.bob.Bytes()); n > MaxState {
		t.Errorf("the state has %d bytes", n)
	}
	w.refuses("the youngest that went", w.bob, lost[2100-MaxSkipped-1])
	w.opens(&w.bob, lost[2100-MaxSkipped], fmt.Sprint("lost ", 2100-MaxSkipped))
	w.opens(&w.bob, lost[2099], "lost 699")
}

func TestSkippedKeysAge(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	lost, sealed := w.ahead(&w.alice, 2)
	w.opens(&w.bob, sealed, "after")
	w.now = w.now.Add(SkippedLifetime)
	w.opens(&w.bob, lost[0], "lost 0")
	w.now = w.now.Add(time.Second)
	w.refuses("a second beyond", w.bob, lost[1])
	w.toBob("the next step")
	if n := len(w.bob.hold().skipped); n != 0 {
		t.Errorf("%d keys outlive their time", n)
	}
}

// A clock that was put back does not prolong them, and one that jumps loses
// nothing but what was skipped.
func TestClockJumps(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	for _, jump := range []time.Duration{-40 * 365 * 24 * time.Hour, 90 * 365 * 24 * time.Hour, -time.Hour, 0} {
		w.now = w.now.Add(jump)
		w.roundTrip()
		w.roundTrip()
	}
}

func TestChainEnds(t *testing.T) {
	w := newTalk(t)
	w.roundTrip()
	w.toBob("x")
	last := func(s *state) { s.sending.number = math.MaxUint32 - 1 }
	w.alice = change(w.alice, last)
	w.bob = change(w.bob, func(s *state) { s.receiving.number = math.MaxUint32 - 1 })
	w.toBob("the last")
	before := w.alice.Bytes()
	if _, _, err := w.alice.Seal([]byte("one more"), w.now); err != ErrExhausted || string(w.alice.Bytes()) != string(before) {
		t.Errorf("one more: %v", err)
	}
	forged := change(w.alice, func(s *state) { s.sending.number = 0 })
	w.refuses("from the beginning again", w.bob, w.seals(&forged, "x"))
	w.toAlice("a reply")
	w.toBob("and a new chain")
}

// An offer rides on the first four messages of a chain, so that it comes
// through the loss of three; an answer on all. If an offer is lost altogether,
// the next chain makes one, whoever's it is.
func TestKEMComesThroughLoss(t *testing.T) {
	for lost := range 6 {
		w := newTalk(t)
		w.offering() // lost, too
		for range lost {
			w.seals(&w.alice, "lost")
		}
		w.toBob("comes")
		came := lost+1 < offerRepeats
		for i := range 6 {
			want := byte(flagAnswer)
			if !came {
				want = 0
				if i < offerRepeats {
					want = flagOffer
				}
			}
			if f := flags(w.toAlice("reply")); f != want {
				t.Errorf("%d lost: reply %d has flags %x", lost+1, i, f)
			}
		}
		if f := flags(w.toBob("next chain")); (f == flagAnswer) == came || f == flagOffer {
			t.Errorf("%d lost: the next chain has flags %x", lost+1, f)
		}
	}
}

// Twenty messages or an hour, whichever comes first.
func TestKEMIsDue(t *testing.T) {
	w := newTalk(t)
	for i := range 9 { // eighteen messages
		w.roundTrip()
		if f := w.alice.hold().offered; f != nil {
			t.Fatalf("offered after %d messages", 2*i)
		}
	}
	w.roundTrip() // two more, whose chains were begun before the twentieth
	if f := flags(w.toBob("the 21st")); f != flagOffer {
		t.Errorf("flags %x", f)
	}
	if f := flags(w.toAlice("x")); f != flagAnswer {
		t.Errorf("flags %x", f)
	}
	w.toBob("x")
	w.now = w.now.Add(kemInterval - time.Second)
	if f := flags(w.toAlice("a second early")); f != 0 {
		t.Errorf("flags %x", f)
	}
	w.now = w.now.Add(time.Second)
	if f := flags(w.toBob("after an hour")); f != flagOffer {
		t.Errorf("flags %x", f)
	}
}
