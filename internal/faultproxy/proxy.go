package faultproxy

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialTimeout bounds the dial to the relay, which is on this machine.
const dialTimeout = 5 * time.Second

// Config says what a proxy is for. Upstream is required.
type Config struct {
	Upstream string                // host:port of the relay
	Seed     uint64                // of all that is drawn
	Fate     func(*rand.Rand) Fate // draws the fate of a connection; nil for no faults
}

// Proxy is a running proxy. Make it with Listen.
type Proxy struct {
	// Static after Listen.
	cfg     Config
	ln      net.Listener
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	running sync.WaitGroup
	counts  counts

	mu    sync.Mutex // guards what follows
	links map[*link]struct{}
	calm  bool
	away  time.Time // until then nobody is let in
}

// Counts says what has happened by now.
type Counts struct {
	Connections int64 // that came in
	TurnedAway  int64 // of these, while nobody was let in
	Unreachable int64 // of these, when the relay did not take them
	Slow        int64 // of these, delayed or throttled
	Faults      [faults]int64
	Bytes       int64 // passed on
}

// Cuts counts the connections that both sides have seen breaking.
func (c Counts) Cuts() int64 { return c.Faults[Finish] + c.Faults[Reset] }

// HalfOpens counts the connections of which at least one side believed for a
// while that they were sound.
func (c Counts) HalfOpens() int64 {
	return c.Faults[SilentUp] + c.Faults[SilentDown] + c.Faults[Silent] + c.Faults[Orphan]
}

// Add sums two counts.
func (c Counts) Add(d Counts) Counts {
	c.Connections += d.Connections
	c.TurnedAway += d.TurnedAway
	c.Unreachable += d.Unreachable
	c.Slow += d.Slow
	c.Bytes += d.Bytes
	for i, n := range d.Faults {
		c.Faults[i] += n
	}
	return c
}

// counts is Counts while it grows.
type counts struct {
	connections, turnedAway, unreachable, slow, bytes atomic.Int64
	faults                                            [faults]atomic.Int64
}

// Listen starts a proxy on a free port of loopback.
func Listen(cfg Config) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{cfg: cfg, ln: ln, links: map[*link]struct{}{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.running.Go(p.accept)
	return p, nil
}

// Addr is host:port, for clients to dial.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Close resets all connections and ends the proxy.
func (p *Proxy) Close() {
	p.stop()
	p.ln.Close()
	p.running.Wait()
}

// Calm turns faults off, or on again, for connections that come in from now on.
func (p *Proxy) Calm(calm bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calm = calm
}

// TurnAway resets every connection that comes in for a while.
func (p *Proxy) TurnAway(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = time.Now().Add(d)
}

// Strike lets a fault happen to all present connections, and returns how many
// those were. One that is silent or an orphan is reset after hold.
func (p *Proxy) Strike(f Fault, hold time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for l := range p.links {
		if l.strike(f, hold) {
			n++
		}
	}
	return n
}

// Counts says what has happened by now.
func (p *Proxy) Counts() Counts {
	c := Counts{
		Connections: p.counts.connections.Load(), TurnedAway: p.counts.turnedAway.Load(),
		Unreachable: p.counts.unreachable.Load(), Slow: p.counts.slow.Load(), Bytes: p.counts.bytes.Load(),
	}
	for i := range c.Faults {
		c.Faults[i] = p.counts.faults[i].Load()
	}
	return c
}

// accept takes connections until the listener is closed, and numbers them.
func (p *Proxy) accept() {
	for n := uint64(0); ; n++ {
		conn, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.counts.connections.Add(1)
		p.running.Go(func() { p.serve(conn, n) })
	}
}

// serve joins a client with the relay.
func (p *Proxy) serve(client net.Conn, n uint64) {
	fate, ok := p.fate(n)
	if !ok {
		p.counts.turnedAway.Add(1)
		reset(client)
		return
	}
	relay, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(p.ctx, "tcp", p.cfg.Upstream)
	if err != nil {
		p.counts.unreachable.Add(1)
		reset(client)
		return
	}
	if fate.Delay > 0 || fate.Rate > 0 {
		p.counts.slow.Add(1)
	}
	l := newLink(client, relay, fate, rand.New(rand.NewPCG(p.cfg.Seed, ^n)), &p.counts)
	p.mu.Lock()
	p.links[l] = struct{}{}
	p.mu.Unlock()
	l.run(p.ctx)
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// fate is that of the connection with the number n; ok is false for one that is
// not let in.
func (p *Proxy) fate(n uint64) (_ Fate, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.away) {
		return Fate{}, false
	}
	if p.calm || p.cfg.Fate == nil {
		return Fate{}, true
	}
	return p.cfg.Fate(rand.New(rand.NewPCG(p.cfg.Seed, n))), true
}
