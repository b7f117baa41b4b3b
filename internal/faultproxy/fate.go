package faultproxy

import (
	"math"
	"math/rand/v2"
	"time"
)

// Fault is a way for a connection to break.
type Fault int

// The faults. Up is from the client to the relay.
const (
	None       Fault = iota
	Finish           // both sides see the end of the stream (FIN)
	Reset            // both sides see a reset (RST)
	SilentUp         // stays open, but nothing reaches the relay any more, not even the client's end
	SilentDown       // the same the other way
	Silent           // both ways at once
	Orphan           // the client sees a reset; to the relay the connection is open, and silent
	faults           // how many there are
)

func (f Fault) String() string {
	return [faults]string{"none", "finish", "reset", "silent up", "silent down", "silent", "orphan"}[f]
}

// Fate is what happens to one connection.
type Fate struct {
	Delay time.Duration // the longest that a piece of data is held up; 0 for not at all
	Rate  int           // bytes a second each way; 0 for no limit

	Fault Fault
	After int64         // bytes that pass before the fault, those of both ways together
	Hold  time.Duration // after which a connection that is silent, or an orphan, is reset
}

// Bounds of what Rough draws.
const (
	minAfter = 100      // within the first handshake
	loggedIn = 16 << 10 // behind the login, TLS and all
	maxAfter = 8 << 20  // some thousand messages
	minHold  = 200 * time.Millisecond
	maxHold  = 20 * time.Second // longer than the relay waits for an ack
	minRate  = 32 << 10         // a line of the last century, on which a login still gets through
	maxRate  = 512 << 10
	maxDelay = 30 * time.Millisecond
)

// Rough draws the fate of a connection on a bad network: every second one is
// sound, the others break early or late, one in four is slow. Few break before
// they are of use: clients wait ever longer after such.
func Rough(r *rand.Rand) (f Fate) {
	if r.IntN(2) > 0 {
		f.Fault = 1 + Fault(r.IntN(int(faults)-1))
		f.After = int64(spread(r, loggedIn, maxAfter))
		if r.IntN(8) == 0 {
			f.After = int64(spread(r, minAfter, loggedIn))
		}
		f.Hold = time.Duration(spread(r, float64(minHold), float64(maxHold)))
	}
	switch r.IntN(8) {
	case 0:
		f.Delay = time.Duration(1 + r.Int64N(int64(maxDelay)))
	case 1:
		f.Rate = int(spread(r, minRate, maxRate))
	}
	return f
}

// spread draws a number of any size between two, the small ones as often as
// the great ones.
func spread(r *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, r.Float64())
}
