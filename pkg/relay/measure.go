package relay

import (
	"math/bits"
	"sync/atomic"
	"time"

	"secure-messaging/pkg/protocol"
)

// counterFrames begins the name of the counter of a type of frame that came in.
const counterFrames = "frames_in_"

// The two that come with every message are at hand without a look-up.
const (
	countLetters Counter = counterFrames + "encrypted_message"
	countAcks    Counter = counterFrames + "ack"
)

// typesIn are the other types that a client sends after login.
var typesIn = []string{
	"connect_request", "accept_connection", "reject_connection", "block",
	"publish_prekeys", "fetch_prekeys", "presence", "authenticate", "malformed",
}

// typeIn counts a frame by its type; without one it could not be decoded.
func (r *Relay) typeIn(f protocol.Frame) {
	name := "malformed"
	if f != nil {
		name = f.Type()
	}
	r.counters.add(Counter(counterFrames + name))
}

// Latencies counts how long something took, in ranges that double: cheap enough
// for every message.
type Latencies struct {
	first  time.Duration // the first range ends there
	counts [latencyRanges]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

// latencyRanges is how many there are; the last has no end.
const latencyRanges = 22

// Where the first range ends. The last ends two million times later: a minute and
// a half for what is handed on at once, three months for what has waited.
const (
	firstDirect = 50 * time.Microsecond
	firstStored = 4 * time.Second
)

// place is the range of a duration.
func (l *Latencies) place(d time.Duration) int {
	return min(bits.Len64(uint64(max(d, 0)/l.first)), latencyRanges-1)
}

// observe counts one. What a clock that was set back makes negative is none.
func (l *Latencies) observe(d time.Duration) {
	l.add(l.place(d), 1, max(d, 0))
}

// add counts n of one range.
func (l *Latencies) add(place int, n uint64, sum time.Duration) {
	l.counts[place].Add(n)
	l.sum.Add(int64(sum))
}

// tally is what a reader has counted in a burst, before it counts for all: with
// every message, connections would wait for each other's counters.
type tally struct {
	frames, letters, acks uint32
	place                 int           // the range of the latest deliveries
	delivered             uint64        // that were in it
	took                  time.Duration // all of them
}

// directly counts a message that was handed on at once, and acked.
func (c *conn) directly(took time.Duration) {
	l := &c.relay.direct
	if place := l.place(took); place != c.tally.place {
		c.countDirect()
		c.tally.place = place
	}
	c.tally.delivered++
	c.tally.took += max(took, 0)
}

func (c *conn) countDirect() {
	if t := &c.tally; t.delivered > 0 {
		c.relay.delivered.Add(t.delivered)
		c.relay.direct.add(t.place, t.delivered, t.took)
		t.delivered, t.took = 0, 0
	}
}

// countBurst makes the tally count for all.
func (c *conn) countBurst() {
	c.countDirect()
	r, t := c.relay, &c.tally
	for _, n := range []struct {
		of    *uint32
		count *atomic.Uint64
	}{{&t.frames, r.framesIn}, {&t.letters, r.letters}, {&t.acks, r.acks}} {
		if *n.of > 0 {
			n.count.Add(uint64(*n.of))
			*n.of = 0
		}
	}
}

// Snapshot returns how many were below each bound, in seconds, how many there
// were, and their sum in seconds.
func (l *Latencies) Snapshot() (below map[float64]uint64, count uint64, sum float64) {
	below = make(map[float64]uint64, latencyRanges-1)
	end := l.first
	for i := range latencyRanges - 1 {
		count += l.counts[i].Load()
		below[end.Seconds()] = count
		end *= 2
	}
	count += l.counts[latencyRanges-1].Load()
	return below, count, time.Duration(l.sum.Load()).Seconds()
}

// Deliveries returns how long messages took from when the relay had taken them
// to the ack of their recipient: those that were handed on at once, and those
// that have waited in a mailbox.
func (r *Relay) Deliveries() (direct, stored *Latencies) { return &r.direct, &r.stored }

// Load is what a relay has on its hands.
type Load struct {
	Connected int   `json:"connected"` // devices that are logged in
	Pending   int   `json:"pending"`   // connections that are not yet
	HTTP      int64 `json:"http"`      // connections that are no WebSocket
	Airborne  int64 `json:"airborne"`  // bytes that are handed on, not acked and not stored
}

// Load looks at it.
func (r *Relay) Load() Load {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Load{Connected: r.sockets - r.pending, Pending: r.pending, HTTP: r.httpConns.Load(), Airborne: r.airborne.Load()}
}
