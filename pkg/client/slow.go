package client

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// A relay says how long it wants to be left alone, and may say anything.
const (
	// minSlow keeps a relay that says nothing from being asked again at once.
	minSlow = time.Second
	// maxSlow is how long a client stays away at the most: one that is asked
	// again too early says so again.
	maxSlow = 5 * time.Minute
	// slowUnsaid is for a relay that closes and has not said how long.
	slowUnsaid = slowDown(10 * time.Second)
	// maxSlowTold is the longest time that is told to the user as it was said.
	maxSlowTold = 24 * time.Hour
)

// slowDown is the relay's wish to be left alone for a while.
type slowDown time.Duration

// Error implements error.
func (d slowDown) Error() string { return "the relay asks to slow down" }

// slowed reports whether a connection ended with the relay's wish to be left
// alone, and for how long.
func slowed(err error) (d slowDown, ok bool) {
	if errors.As(err, &d) {
		return d, true
	}
	return slowUnsaid, closedWith(err, websocket.CloseTryAgainLater)
}

// slowFrame is the wish in an error frame, in milliseconds.
func slowFrame(retryAfter uint64) slowDown {
	return slowDown(min(retryAfter, uint64(maxSlowTold/time.Millisecond))) * slowDown(time.Millisecond)
}

// slowHeader is the wish in the header of an answer, in seconds.
func slowHeader(h http.Header) slowDown {
	n, err := strconv.ParseUint(h.Get("Retry-After"), 10, 32) // a date is for browsers
	if err != nil {
		n = 0
	}
	return slowDown(min(n, uint64(maxSlowTold/time.Second))) * slowDown(time.Second)
}

// pause is how long to stay away, with a random part on top: others were told
// the same.
func (d slowDown) pause() time.Duration {
	p := min(max(time.Duration(d), minSlow), maxSlow)
	return p + random(p/4)
}

// when says to the user when to try again.
func (d slowDown) when() string {
	n, unit := (time.Duration(d)+time.Second-1)/time.Second, "second"
	switch {
	case n >= 2*60*60:
		n, unit = (n+60*60-1)/(60*60), "hour"
	case n >= 2*60:
		n, unit = (n+59)/60, "minute"
	case n <= 1:
		return "in a moment"
	}
	return fmt.Sprintf("in %d %ss", n, unit)
}

// tooFast says to the user that the relay wants to be asked less often.
func tooFast(s Server, d slowDown) error {
	return &Error{Code: CodeRateLimit, Err: d, Text: fmt.Sprintf("The relay at %s has been asked too often by this device, or from its network. Try again %s.", s.Address(), d.when())}
}
