package ratelimit

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func flowOf(l Limits) *Flow { return newFlows(l).Enter(time.Now(), "alice") }

// What has gathered in an outage passes at once: 10,000 messages, twice over.
func TestFlowAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := flowOf(Default())
		for i := range 20_000 {
			if wait, _, ok := f.Admit(time.Now(), 1, 1500); !ok || wait > 0 {
				t.Fatalf("message %d waits for %v, admitted: %v", i, wait, ok)
			}
		}
	})
}

// A flood is slowed to the rate, and refused at last. Whoever then stays away
// for as long as it is told has half of the burst again.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Default()
		f := flowOf(l)
		start := time.Now()
		sent := 0.0
		var retry time.Duration
		for {
			wait, retryAfter, ok := f.Admit(time.Now(), 1, 100)
			if !ok {
				retry = retryAfter
				break
			}
			sent++
			time.Sleep(wait)
			elapsed := time.Since(start).Seconds()
			if most := float64(l.FramesPerUser.Burst) + elapsed*l.FramesPerUser.PerSecond(); sent > most+1e-3 {
				t.Fatalf("%g frames in %g s", sent, elapsed)
			}
		}
		elapsed := time.Since(start).Seconds()
		most := float64(l.SustainedFramesPerUser.Burst) + elapsed*l.SustainedFramesPerUser.PerSecond()
		if sent < most-1 || sent > most+1e-3 {
			t.Errorf("refused after %g frames in %g s, and not after %g", sent, elapsed, most)
		}
		time.Sleep(retry)
		for i := range l.SustainedFramesPerUser.Burst / 2 {
			wait, _, ok := f.Admit(time.Now(), 1, 100)
			if !ok {
				t.Fatalf("refused again after %d frames, at the time it was told", i)
			}
			time.Sleep(wait)
		}
	})
}

// No frame waits for longer than a client that acks can bear.
func TestFlowWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Default()
		l.FramesPerUser = Rate{framePace, time.Second, protocol.MaxRecipients}
		l.BytesPerUser = Rate{bytePace, time.Second, protocol.MaxFrame}
		if err := l.Validate(); err != nil {
			t.Fatal(err)
		}
		f := flowOf(l)
		waited := false
		for range 100 {
			wait, _, ok := f.Admit(time.Now(), protocol.MaxRecipients, protocol.MaxFrame)
			if !ok || wait > MaxWait {
				t.Fatalf("the greatest frame waits for %v, admitted: %v", wait, ok)
			}
			waited = waited || wait > 0
			time.Sleep(wait)
		}
		if !waited {
			t.Error("nothing was slowed")
		}
	})
}

// Whoever comes back in place of waiting finds what it owes, and is refused
// once that is more than a connection would wait for.
func TestFlowDebt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Default()
		flows := newFlows(l)
		sent := int64(0)
		var retry time.Duration
		for {
			f := flows.Enter(time.Now(), "mallory")
			_, retryAfter, ok := f.Admit(time.Now(), 1, protocol.MaxFrame)
			f.Leave()
			if !ok {
				retry = retryAfter
				break
			}
			sent += protocol.MaxFrame
		}
		if most := l.BytesPerUser.Burst + int64(MaxWait.Seconds()*l.BytesPerUser.PerSecond()); sent != most {
			t.Errorf("%d bytes without a wait, not %d", sent, most)
		}
		time.Sleep(retry)
		f := flows.Enter(time.Now(), "mallory")
		if wait, _, ok := f.Admit(time.Now(), 1, 1); !ok || wait > time.Millisecond {
			t.Errorf("at the time it was told, it waits for %v, admitted: %v", wait, ok)
		}
	})
}

// A refusal takes nothing.
func TestFlowRefusalTakesNothing(t *testing.T) {
	l := Default()
	l.SustainedFramesPerUser = Rate{1, time.Hour, protocol.MaxRecipients}
	f, now := flowOf(l), time.Now()
	if _, _, ok := f.Admit(now, protocol.MaxRecipients, 100); !ok {
		t.Fatal("refused within the burst")
	}
	frames, bytes, paid := f.frames.TokensAt(now), f.bytes.TokensAt(now), f.paidBytes
	if _, retry, ok := f.Admit(now, 1, 100); ok || retry != 50*time.Hour {
		t.Fatalf("above the burst: %v, %v", retry, ok)
	}
	if f.frames.TokensAt(now) != frames || f.bytes.TokensAt(now) != bytes || f.paidBytes != paid {
		t.Error("the refused frame was counted")
	}
}

func TestFlowUnlimited(t *testing.T) {
	f := flowOf(Unlimited())
	now := time.Now()
	for range 1000 {
		if wait, _, ok := f.Admit(now, protocol.MaxRecipients, 1<<30); !ok || wait > 0 {
			t.Fatalf("waits for %v, admitted: %v", wait, ok)
		}
	}
}

// Two connections of one user have one flow, and so have those that follow,
// until it is as a fresh one.
func TestFlowOutlivesConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flows := newFlows(Default())
		first := flows.Enter(time.Now(), "alice")
		crowd(flows)
		if flows.Enter(time.Now(), "alice") != first {
			t.Fatal("a flow was forgotten while a connection used it")
		}
		first.Leave()
		first.Leave()
		crowd(flows)
		if flows.Enter(time.Now(), "alice") == first {
			t.Fatal("a flow that is full and that nobody uses was kept by a crowd")
		}
	})
}

func TestFlowIsKeptUntilFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i, r := range []func(*Limits) *Rate{
			func(l *Limits) *Rate { return &l.FramesPerUser },
			func(l *Limits) *Rate { return &l.BytesPerUser },
			func(l *Limits) *Rate { return &l.SustainedFramesPerUser },
		} {
			l := Unlimited()
			*r(&l) = Rate{1, time.Hour, protocol.MaxFrame}
			flows := newFlows(l)
			first := flows.Enter(time.Now(), "alice")
			first.Admit(time.Now(), 1, 1)
			first.Leave()
			crowd(flows)
			if flows.Enter(time.Now(), "alice") != first {
				t.Errorf("a flow was forgotten with bucket %d not full", i)
			}
		}
	})
}

// crowd is many who come and go, so that what can be forgotten is.
func crowd(flows *Flows) {
	for range 6 * maxKeys {
		flows.Enter(time.Now(), randomName()).Leave()
	}
}

func randomName() crypto.Username {
	b := make([]byte, 12)
	for i := range b {
		b[i] = 'a' + byte(rand.N(26))
	}
	return crypto.Username(b)
}

func BenchmarkFlow(b *testing.B) {
	l := Default()
	l.SustainedFramesPerUser = Rate{1 << 40, time.Second, 1 << 30}
	l.FramesPerUser, l.BytesPerUser = l.SustainedFramesPerUser, Rate{1 << 49, time.Second, 1 << 40}
	f := flowOf(l)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		if _, _, ok := f.Admit(now, 1, 500); !ok {
			b.Fatal("refused")
		}
	}
}

func TestFlowAllocatesNothing(t *testing.T) {
	l := Default()
	l.FramesPerUser = Rate{100, time.Second, protocol.MaxRecipients}
	f, now := flowOf(l), time.Now()
	if n := testing.AllocsPerRun(1000, func() { f.Admit(now, 1, 500) }); n > 0 {
		t.Errorf("%g allocations for a frame", n)
	}
}
