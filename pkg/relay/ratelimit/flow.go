package ratelimit

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"secure-messaging/pkg/crypto"
)

// MaxWait bounds what [Flow.Admit] lets a connection wait for one frame: well
// below the time in which a client has to ack, for its acks wait, too.
const MaxWait = 5 * time.Second

// What a flow takes from its buckets at a time, to spend a frame without them:
// three buckets cost a tenth of a microsecond, which a busy relay feels.
const (
	lotFrames = 32
	lotBytes  = 64 << 10
)

// Flow is what one user sends. It outlives the connection, so that to come
// back is no way to a fresh one.
type Flow struct {
	held atomic.Int32 // connections that use it

	mu                       sync.Mutex // guards what follows
	frames, bytes, sustained *rate.Limiter
	paidFrames, paidBytes    int // taken from them, and not spent
}

// Admit takes a frame that counts as so many frames and has so many bytes. A
// wait above zero, and at most MaxWait, is how long the caller lets the
// connection wait before it reads on. If it is not ok, nothing was taken: the
// frame is refused, and the sender may try again after retryAfter. That is when
// half of its burst is there again, for one token would get it one frame
// further; or when it has waited for what it owes, after it has come back in
// place of waiting.
func (f *Flow) Admit(now time.Time, frames, bytes int) (wait, retryAfter time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paidFrames < frames || f.paidBytes < bytes {
		if wait, retryAfter, ok = f.pay(now, frames+lotFrames, bytes+lotBytes, 0); !ok {
			wait, retryAfter, ok = f.pay(now, frames, bytes, MaxWait)
		}
		if !ok {
			return 0, retryAfter, false
		}
	}
	f.paidFrames -= frames
	f.paidBytes -= bytes
	return wait, 0, true
}

// pay takes from the buckets until so much is paid, if it is for no longer a
// wait than longest.
func (f *Flow) pay(now time.Time, frames, bytes int, longest time.Duration) (wait, retryAfter time.Duration, ok bool) {
	frames, bytes = max(0, frames-f.paidFrames), max(0, bytes-f.paidBytes)
	a, b := f.frames.ReserveN(now, frames), f.bytes.ReserveN(now, bytes)
	wait = max(a.DelayFrom(now), b.DelayFrom(now))
	switch {
	case wait > longest:
		retryAfter = wait
	case !f.sustained.AllowN(now, frames):
		retryAfter = until(f.sustained, now, float64(f.sustained.Burst())/2)
	default:
		f.paidFrames += frames
		f.paidBytes += bytes
		return wait, 0, true
	}
	a.CancelAt(now)
	b.CancelAt(now)
	return 0, retryAfter, false
}

// Leave says that the connection has ended.
func (f *Flow) Leave() { f.held.Add(-1) }

// Flows are the flows of all users.
type Flows struct {
	table *table[crypto.Username, *Flow]
}

// newFlows makes those for so many connections at a time.
func newFlows(l Limits) *Flows {
	fresh := func() *Flow {
		return &Flow{frames: l.FramesPerUser.limiter(), bytes: l.BytesPerUser.limiter(), sustained: l.SustainedFramesPerUser.limiter()}
	}
	idle := func(f *Flow, now time.Time) bool {
		return f.held.Load() == 0 && full(f.frames, now) && full(f.bytes, now) && full(f.sustained, now)
	}
	return &Flows{newTable[crypto.Username](maxKeys+int(l.Connections), fresh, idle)}
}

// Enter returns the flow of a user, for a connection that must Leave it.
func (f *Flows) Enter(now time.Time, user crypto.Username) *Flow {
	s, now := f.table.lock(now, user)
	defer s.mu.Unlock()
	flow := f.table.bucket(s, now, user)
	flow.held.Add(1)
	return flow
}
