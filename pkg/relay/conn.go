package relay

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// conn is one WebSocket.
type conn struct {
	// Static after construction.
	relay   *Relay
	id      uint64 // for the log
	ws      *websocket.Conn
	net     net.Conn      // under ws
	raw     net.Conn      // under TLS: to close it waits for nothing
	closing chan struct{} // closed by requestClose
	done    chan struct{} // closed after reader, sender and commits have ended
	wake    chan struct{} // holds one signal for the sender
	slots   chan struct{} // one for each commit under way

	// Owned by the reader.
	me      crypto.Address // static after login
	bad     int            // malformed frames
	settled sync.WaitGroup // the settle goroutine

	// Owned by the sender.
	caughtUp bool // the peer was told that nothing is left

	mu       sync.Mutex // guards what follows
	why      *closeReason
	grace    *time.Timer // set with why
	replies  [][]byte    // frames that wait for the sender, at most replyQueue
	room     sync.Cond   // of mu: replies has become shorter, or nobody writes any more
	lastWord bool        // the reader will queue nothing more
	dead     bool        // the sender has ended
	commits  []commit    // for settle, at most commitsUnderWay
	settling bool        // settle runs
	stock    bool        // the peer is to be told of its prekeys
	mail     bool        // the mailbox may hold more than was sent
	sent     uint64      // place in the mailbox of the last frame sent from it
	numbered uint64      // how many were, which is the number of the last
	flight   []flying    // sent and not acked, at most flightWindow
}

func newConn(r *Relay, ws *websocket.Conn, nc net.Conn) *conn {
	c := &conn{
		relay: r, id: r.lastID.Add(1), ws: ws, net: nc, raw: nc,
		closing: make(chan struct{}), done: make(chan struct{}),
		wake: make(chan struct{}, 1), slots: make(chan struct{}, commitsUnderWay),
	}
	c.room.L = &c.mu
	if t, ok := nc.(*tls.Conn); ok {
		c.raw = t.NetConn()
	}
	return c
}

// run is the life of a connection and its reader goroutine.
func (c *conn) run() {
	defer c.relay.leave(c)
	ok := c.login()
	c.relay.decided()
	if ok {
		c.serve()
		c.relay.hub.release(c)
	} else {
		c.writeClose()
	}
	close(c.done)
	c.hangUp()
}

// serve handles frames until the connection is to end, and returns after all
// that it has started has ended.
func (c *conn) serve() {
	sender := make(chan struct{})
	go func() {
		defer close(sender)
		c.send()
	}()
	c.read()
	c.settled.Wait()
	c.mu.Lock()
	c.lastWord = true
	c.signal()
	c.mu.Unlock()
	<-sender
}

// read handles one frame after the other.
func (c *conn) read() {
	c.ws.SetReadLimit(protocol.MaxFrame)
	c.ws.SetPongHandler(func(string) error {
		c.alive(protocol.ReadTimeout)
		return nil
	})
	pong := c.ws.PingHandler()
	c.ws.SetPingHandler(func(data string) error {
		c.alive(protocol.ReadTimeout)
		return pong(data)
	})
	for c.alive(protocol.ReadTimeout) {
		buf, why := c.readFrame()
		if why != nil {
			c.requestClose(why)
			return
		}
		c.relay.counters.add(CountFramesIn)
		c.handle(buf.Bytes())
		releaseBuffer(buf)
	}
}

// Buffers for frames. Who is idle holds none; larger ones are not kept.
const keptBuffer = 32 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func releaseBuffer(b *bytes.Buffer) {
	if b.Cap() <= keptBuffer {
		b.Reset()
		buffers.Put(b)
	}
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
	buf := buffers.Get().(*bytes.Buffer)
	if _, err := buf.ReadFrom(r); err != nil {
		releaseBuffer(buf)
		return nil, whyUnread(err)
	}
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

// reply queues a frame for the peer. It waits for room; a peer that makes none
// within slowPatience is cut off.
func (c *conn) reply(f protocol.Frame) {
	b := protocol.Encode(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.replies) >= replyQueue {
		cut := time.AfterFunc(slowPatience, func() { c.requestClose(closeSlow) })
		for len(c.replies) >= replyQueue && !c.dead {
			c.room.Wait()
		}
		cut.Stop()
	}
	if !c.dead {
		c.replies = append(c.replies, b)
		c.signal()
	}
}

// nudge says that the mailbox has grown.
func (c *conn) nudge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mail = true
	c.signal()
}

// tellStock says that the peer is to hear what is left of its prekeys. However
// often it is called before that, the peer hears it once.
func (c *conn) tellStock() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stock = true
	c.signal()
}

// signal wakes the sender.
func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
