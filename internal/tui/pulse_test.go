package tui

import (
	"testing"
	"testing/synctest"
	"time"
)

// ticks counts what a clock does in a stretch of fake time.
func ticks(clock *time.Ticker, d time.Duration) (n int) {
	end := time.NewTimer(d)
	for {
		select {
		case <-clock.C:
			n++
		case <-end.C:
			return n
		}
	}
}

func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pulse{ticker: time.NewTicker(frame)}
		defer p.ticker.Stop()
		p.timer = time.AfterFunc(calm, p.slow)
		ticks(p.ticker, time.Second)
		if n := ticks(p.ticker, 10*time.Second); n != 40 {
			t.Errorf("%d frames in 10 seconds without a change; want 40", n)
		}

		began := time.Now()
		p.beat()
		<-p.ticker.C
		if took := time.Since(began); took > soon {
			t.Errorf("a change waited %v for its frame", took)
		}

		ticks(p.ticker, 4*soon)
		moving := 0
		for range 1000 { // a change each millisecond
			p.beat()
			moving += ticks(p.ticker, time.Millisecond)
		}
		if moving < 100 || moving > 125 {
			t.Errorf("%d frames in a second of changes; want 120", moving)
		}

		ticks(p.ticker, time.Second)
		if n := ticks(p.ticker, time.Second); n != 4 {
			t.Errorf("%d frames in a calm second after changes; want 4", n)
		}
	})
}

// The clock is looked for by its name in the library.
func TestClockIsFound(t *testing.T) {
	inBubble(t, setting{width: 60, height: 20}, nil, func(s *screen, _ *fake) {
		if tickerOf(s.program) == nil {
			t.Error("the library keeps its clock elsewhere now; see pulse.go")
		}
	})
}
