package faultproxy

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	// piece is how much is read at once. It is small, so that a rate is kept in
	// many short waits.
	piece = 4 << 10
	// parting is how long a side that was told the end may take to close.
	parting = 5 * time.Second
)

// A way is one direction of a connection.
type way int

const (
	up   way = iota // from the client to the relay
	down            // from the relay to the client
)

// link is one connection through the proxy.
type link struct {
	// Static after newLink.
	from   [2]net.Conn // by way: the client's side, the relay's side
	fate   Fate
	random [2]*rand.Rand // by way, each for its pump
	counts *counts
	done   chan struct{} // closed by end

	mu      sync.Mutex // guards what follows
	passed  int64
	struck  bool    // a fault happens, or has
	dropped [2]bool // by way: nothing passes any more, neither data nor an end
	timer   *time.Timer
	ended   bool
}

func newLink(client, relay net.Conn, fate Fate, r *rand.Rand, c *counts) *link {
	return &link{
		from: [2]net.Conn{up: client, down: relay}, fate: fate, counts: c, done: make(chan struct{}),
		random: [2]*rand.Rand{rand.New(rand.NewPCG(r.Uint64(), 0)), rand.New(rand.NewPCG(r.Uint64(), 0))},
	}
}

// run passes data both ways until both sides have ended or ctx has.
func (l *link) run(ctx context.Context) {
	defer context.AfterFunc(ctx, l.abort)()
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(up) })
	pumps.Go(func() { l.pump(down) })
	pumps.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(func(c net.Conn) { c.Close() })
}

// pump passes data one way. When the other side takes no more, it goes on
// reading: a side must not notice by a full buffer what it is not to know.
func (l *link) pump(w way) {
	buf := make([]byte, piece)
	for {
		n, err := l.from[w].Read(buf)
		if n > 0 {
			l.pace(w, n)
			pass, strike := l.admit(w, n)
			if m, _ := l.from[1-w].Write(buf[:pass]); m > 0 {
				l.counts.bytes.Add(int64(m))
			}
			if strike {
				l.mu.Lock()
				l.happen(l.fate.Fault, l.fate.Hold)
				l.mu.Unlock()
			}
		}
		if err != nil {
			l.over(w, err)
			return
		}
	}
}

// pace holds data up as the fate has it.
func (l *link) pace(w way, n int) {
	var wait time.Duration
	if l.fate.Delay > 0 {
		wait = time.Duration(l.random[w].Int64N(int64(l.fate.Delay) + 1))
	}
	if l.fate.Rate > 0 {
		wait += time.Duration(n) * time.Second / time.Duration(l.fate.Rate)
	}
	if wait == 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.done:
	}
}

// admit says how many of n bytes pass, and whether the fault comes behind them.
func (l *link) admit(w way, n int) (pass int, strike bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped[w] {
		return 0, false
	}
	if l.fate.Fault != None && !l.struck {
		if left := l.fate.After - l.passed; int64(n) >= left {
			n, strike = int(left), true
			l.drop(l.fate.Fault) // nothing else gets between the last bytes and the fault
		}
	}
	l.passed += int64(n)
	return n, strike
}

// strike lets a fault happen from outside, unless there is one already.
func (l *link) strike(f Fault, hold time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == None || l.struck || l.ended {
		return false
	}
	l.drop(f)
	l.happen(f, hold)
	return true
}

// drop ends what a fault ends. It is called with mu held, as happen is, which
// follows.
func (l *link) drop(f Fault) {
	l.struck = true
	l.counts.faults[f].Add(1)
	l.dropped[up] = f != SilentDown
	l.dropped[down] = f != SilentUp
}

// happen shows the fault to those who are to see it.
func (l *link) happen(f Fault, hold time.Duration) {
	if l.ended {
		return
	}
	switch f {
	case Reset:
		l.end(reset)
		return
	case Finish:
		finish(l.from[up])
		finish(l.from[down])
		hold = parting
	case Orphan:
		reset(l.from[up])
	}
	l.abortAfter(hold)
}

// over is the end of what a side sends. The other side learns of it in the same
// form, unless nothing passes any more.
func (l *link) over(w way, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped[w] {
		return
	}
	if !errors.Is(err, io.EOF) {
		l.end(reset)
		return
	}
	finish(l.from[1-w])
	l.abortAfter(parting)
}

// abortAfter resets both sides after a while. It is called with mu held.
func (l *link) abortAfter(d time.Duration) {
	if l.timer == nil && !l.ended {
		l.timer = time.AfterFunc(d, l.abort)
	}
}

// abort resets what is left of both sides.
func (l *link) abort() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(reset)
}

// end closes both sides, once. It is called with mu held.
func (l *link) end(closeConn func(net.Conn)) {
	if l.ended {
		return
	}
	l.ended = true
	close(l.done)
	if l.timer != nil {
		l.timer.Stop()
	}
	closeConn(l.from[up])
	closeConn(l.from[down])
}

// finish ends what we send, and lets the other side go on: to close at once
// would make the system discard what has just been sent.
func finish(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		return
	}
	c.Close()
}

// reset closes without a goodbye.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}
