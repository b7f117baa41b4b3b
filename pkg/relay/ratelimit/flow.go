package ratelimit

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"secure-messaging/pkg/crypto"
)

// MaxWait bounds what [Flow.Admit] lets a connection wait for one frame: well
// below the time in which a client has to ack, for its acks wait, too.
const MaxWait = 5 * time.Second

// Flow is what one user sends. It outlives the connection, so that to come
// back is no way to a fresh one.
type Flow struct {
	frames, bytes, sustained *rate.Limiter
	held                     atomic.Int32 // connections that use it
}

// Admit takes a frame that counts as so many frames and has so many bytes. A
// wait above zero is how long the caller lets the connection wait before it
// reads on. If it is not ok, nothing was taken: the frame is refused, and the
// sender may try again after retryAfter, when half of its burst is there
// again; a token would get it one frame further.
func (f *Flow) Admit(now time.Time, frames, bytes int) (wait, retryAfter time.Duration, ok bool) {
	if !f.sustained.AllowN(now, frames) {
		return 0, until(f.sustained, now, float64(f.sustained.Burst())/2), false
	}
	return max(take(f.frames, now, frames), take(f.bytes, now, bytes)), 0, true
}

// take takes n now, even those that are not there yet, and returns the time
// until they are.
func take(l *rate.Limiter, now time.Time, n int) time.Duration {
	return l.ReserveN(now, n).DelayFrom(now)
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
