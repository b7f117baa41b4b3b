package relay

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay/ratelimit"
)

// conn is one WebSocket. An idle one has one goroutine, its reader; a writer
// runs while there is something to write, and a third while commits of the
// reader's are awaited.
type conn struct {
	// Static after construction.
	relay   *Relay
	id      uint64 // for the log
	ws      *websocket.Conn
	net     *gate    // under ws
	raw     net.Conn // under TLS: to close it waits for nothing
	who     ratelimit.Address
	closing chan struct{} // closed by requestClose
	done    chan struct{} // closed after reader, writer and commits have ended
	slots   chan struct{} // one for each commit under way
	me      crypto.Address
	name    string // me, as text; both static after login

	// Owned by the reader.
	flow    *ratelimit.Flow
	bad     int                // malformed frames
	at      time.Time          // see clock
	waited  time.Time          // when the read deadline between frames was set
	inFrame bool               // a frame has begun and not ended
	hurried bool               // the read deadline is that of a frame
	head    io.LimitedReader   // of the frame, up to where it is large
	large   bool               // it has one of the relay's places
	targets map[string]*target // by the text of their address, at most maxTargets
	batch   []Delivery         // for the mailboxes, not yet appended
	looked  uint64             // devices that had been replaced before its targets were looked at
	volume  int                // their data
	emptied uint64             // up to here the mailbox was emptied
	acked   []flying           // messages whose senders are to be told, at most flightWindow and as many told
	settled sync.WaitGroup     // the settle goroutine
	tally   tally              // of this burst

	mu       sync.Mutex // guards what follows; nobody holds that of two connections
	why      *closeReason
	grace    *time.Timer    // set with why
	out      []byte         // WebSocket frames for the writer
	owed     int            // of out, what the peer has caused itself
	room     sync.Cond      // of mu: out was taken, or nobody writes any more
	writing  bool           // the writer runs
	writers  sync.WaitGroup // the writer
	begun    bool           // the peer has heard that it is logged in
	ended    bool           // nothing more will be queued
	dead     bool           // a write has failed
	touched  []*conn        // have got something in out that their writer does not know of
	commits  []commit       // for settle, at most commitsUnderWay
	settling bool           // settle runs
	stock    bool           // the peer is to be told of its prekeys
	mail     bool           // the mailbox may hold more than was sent
	news     news           // what the peer is to hear of contacts
	caughtUp bool           // the peer was told that nothing is left
	pinger   *time.Timer    // nil before login
	flights                 // what was handed to the peer
}

func newConn(r *Relay, ws *websocket.Conn, g *gate) *conn {
	c := &conn{
		relay: r, id: r.lastID.Add(1), ws: ws, net: g, raw: g.Conn,
		closing: make(chan struct{}), done: make(chan struct{}),
		slots: make(chan struct{}, commitsUnderWay),
	}
	c.room.L = &c.mu
	if t, ok := g.Conn.(*tls.Conn); ok {
		c.raw = t.NetConn()
	}
	return c
}

// run logs the peer in. Its life after that has a goroutine of its own, because
// the stack of a login is large and stays so.
func (c *conn) run() {
	ok := c.login()
	c.relay.decided(c.who)
	if ok {
		go c.live()
	} else {
		c.end()
	}
}

// live is the life of a connection that has logged in, and its reader goroutine.
func (c *conn) live() {
	c.serve()
	c.relay.hub.release(c)
	c.relay.presence.ended(c)
	c.end()
}

// end says why, and lets go of the connection.
func (c *conn) end() {
	defer c.relay.leave(c, c.who)
	c.writeClose()
	close(c.done)
	c.hangUp()
}

// serve handles frames until the connection is to end, and returns after all
// that it has started has ended.
func (c *conn) serve() {
	c.net.beforeWait = c.beforeWait
	c.mu.Lock()
	c.pinger = time.AfterFunc(protocol.PingInterval, c.ping)
	c.mu.Unlock()
	c.flow = c.relay.limiters.Flows.Enter(time.Now(), c.me.User)
	defer c.flow.Leave()
	c.read()
	c.letGo()
	c.retire()
	c.settled.Wait()
	c.mu.Lock()
	c.signal()
	c.ended = true
	c.pinger.Stop()
	if c.acks != nil {
		c.acks.Stop()
	}
	c.mu.Unlock()
	c.writers.Wait()
	c.net.release()
	c.net.beforeWait = nil
}

// read handles one frame after the other.
func (c *conn) read() {
	c.ws.SetReadLimit(protocol.MaxFrame)
	c.ws.SetPongHandler(func(string) error { return nil })
	c.ws.SetPingHandler(func(data string) error {
		c.queue(true, func(b []byte) []byte { return append(append(b, finalPong, byte(len(data))), data...) })
		return nil
	})
	for {
		buf, why := c.readFrame()
		if why != nil {
			c.requestClose(why)
			return
		}
		c.tally.frames++
		c.handle(buf.Bytes())
		c.release(buf)
	}
}

// beforeWait is called by the reader when the peer has sent no more: what was
// gathered goes out, and the peer gets time to be heard of again. The rest of a
// frame that has begun gets less, and no more than once.
func (c *conn) beforeWait() {
	c.letGo()
	c.at = time.Time{}
	if c.inFrame {
		if !c.hurried {
			c.hurried = true
			c.alive(frameTimeout)
		}
		return
	}
	if now := time.Now(); c.hurried || now.Sub(c.waited) >= aliveEvery {
		c.hurried, c.waited = false, now
		c.alive(protocol.ReadTimeout)
	}
}

// clock is the time for the reader: it looks once for all frames of a burst.
func (c *conn) clock() time.Time {
	if c.at.IsZero() {
		c.at = time.Now()
	}
	return c.at
}

// Buffers for frames. Who is idle holds none. A frame that does not fit in
// keptBuffer needs one of the relay's places for large ones: that, and not the
// number of connections, bounds what frames take that have not come whole.
const keptBuffer = 32 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// release gives back what readFrame has taken.
func (c *conn) release(b *bytes.Buffer) {
	if c.large {
		c.large = false
		<-c.relay.large
		return
	}
	b.Reset()
	buffers.Put(b)
}

// readFrame reads one text message, or says why there is none.
func (c *conn) readFrame() (*bytes.Buffer, *closeReason) {
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return nil, whyUnread(err)
	}
	if kind != websocket.TextMessage {
		return nil, closeBinary
	}
	c.inFrame = true
	buf := buffers.Get().(*bytes.Buffer)
	c.head = io.LimitedReader{R: r, N: keptBuffer - bytes.MinRead}
	_, err = buf.ReadFrom(&c.head)
	if err == nil && c.head.N == 0 {
		select {
		case c.relay.large <- struct{}{}:
			c.large = true
			_, err = buf.ReadFrom(r)
		case <-c.closing:
			err = net.ErrClosed
		}
	}
	c.head.R = nil
	if err != nil {
		c.release(buf)
		return nil, whyUnread(err)
	}
	c.inFrame = false
	return buf, nil
}

func whyUnread(err error) *closeReason {
	var timeout net.Error
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return closeOversize
	case errors.As(err, &timeout) && timeout.Timeout():
		return closeSilent
	}
	return closePeer
}
