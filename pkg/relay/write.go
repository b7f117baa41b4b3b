package relay

import (
	"sync"
	"time"

	"secure-messaging/pkg/protocol"
)

// Outgoing buffers. Who has nothing to write holds none.
var outgoing = sync.Pool{New: func() any { b := make([]byte, 0, keptBuffer); return &b }}

// quiet reports whether what is queued now needs a kick. c.mu is held.
func (c *conn) quiet() bool {
	if len(c.out) > 0 || c.writing {
		return false
	}
	if c.out == nil {
		c.out = *outgoing.Get().(*[]byte)
	}
	return true
}

// signal starts the writer if there is something to do for it. c.mu is held.
func (c *conn) signal() {
	if c.begun && !c.writing && !c.dead && !c.ended {
		c.writing = true
		c.writers.Add(1)
		go c.write()
	}
}

// kick starts the writer.
func (c *conn) kick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signal()
}

// touch notes that another connection has got something from this one's
// reader, and is to be kicked once that reader waits.
func (c *conn) touch(other *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched = append(c.touched, other)
}

// kickTouched kicks them. c.mu is not held.
func (c *conn) kickTouched() {
	c.mu.Lock()
	touched := c.touched
	c.touched = nil
	c.mu.Unlock()
	for _, other := range touched {
		other.kick()
	}
}

// reply queues a frame for the peer. It waits for room; a peer that makes none
// within slowPatience is cut off.
func (c *conn) reply(f protocol.Frame) {
	c.queue(true, func(b []byte) []byte { return appendText(b, protocol.Encode(f)) })
}

// queue queues what the peer has caused. While there is no room it waits, or
// else is false.
func (c *conn) queue(wait bool, frame func([]byte) []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case wait && c.owed >= replyBytes:
		c.waitForRoom()
	case !wait && c.owed >= 4*replyBytes:
		return false
	}
	if !c.begun || c.dead || c.ended {
		return true // nobody is to hear it
	}
	first, before := c.quiet(), len(c.out)
	c.out = frame(c.out)
	c.owed += len(c.out) - before
	c.relay.framesOut.Add(1)
	if first {
		c.signal()
	}
	return true
}

// waitForRoom returns when there is room, or nobody writes any more. c.mu is
// held, but not while it waits.
func (c *conn) waitForRoom() {
	c.mu.Unlock()
	c.kickTouched()
	c.mu.Lock()
	c.signal() // whoever has queued the first may have promised to, and hang
	cut := time.AfterFunc(slowPatience, func() { c.requestClose(closeSlow) })
	defer cut.Stop()
	for c.owed >= replyBytes && !c.dead {
		c.room.Wait()
	}
}

// nudge says that the mailbox has grown.
func (c *conn) nudge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mail, c.direct = true, false
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

// ping asks the peer for a sign of life.
func (c *conn) ping() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return
	}
	c.pinger.Reset(protocol.PingInterval)
	if c.quiet() {
		c.out = append(c.out, finalPing, 0)
		c.signal()
	}
}

// write is the writer goroutine: it writes what has gathered in out, the stock
// of prekeys and the mailbox, and ends when there is nothing.
func (c *conn) write() {
	defer c.writers.Done()
	for {
		out, n, stock, mail, more := c.work()
		if !more {
			return
		}
		if out == nil {
			out = *outgoing.Get().(*[]byte)
		}
		if stock {
			out = c.appendStock(out)
		}
		if n != nil {
			out = c.appendNews(out, n)
		}
		if mail > 0 {
			out = c.appendMail(out, mail)
		}
		ok := c.send(out)
		if cap(out) <= 2*keptBuffer {
			out = out[:0]
			outgoing.Put(&out)
		}
		if !ok {
			c.stopWriting()
			return
		}
	}
}

// work takes what there is to write: out, and behind it the stock of prekeys,
// the news of contacts and up to that many entries of the mailbox. If there is
// nothing, the writer has ended.
func (c *conn) work() (out []byte, n news, stock bool, mail int, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, c.out, c.owed = c.out, nil, 0
	c.room.Broadcast()
	if c.why != nil {
		if c.why.cut {
			out = nil
		}
		c.writing = len(out) > 0
		return out, nil, false, 0, c.writing
	}
	stock, c.stock = c.stock, false
	n, c.news = c.news, nil
	if c.mail && c.airborne < flightBytes {
		mail = min(readBatch, flightWindow-c.flight.len())
		c.mail = mail == 0 // what comes from now on nudges again
	}
	c.writing = len(out) > 0 || stock || n != nil || mail > 0
	return out, n, stock, mail, c.writing
}

// send writes, or ends the connection.
func (c *conn) send(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), writeChunk)
		began := time.Now()
		c.net.SetWriteDeadline(began.Add(protocol.WriteTimeout))
		if _, err := c.net.Write(b[:n]); err != nil {
			c.requestClose(closeWrite)
			return false
		}
		if b = b[n:]; time.Since(began) > slowWrite {
			c.moves()
		}
	}
	return true
}

// moves grants a slow line more time for its acks.
func (c *conn) moves() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved = c.relay.now()
}

// sendNow writes one frame, of a connection that has no writer yet.
func (c *conn) sendNow(f protocol.Frame) bool {
	c.relay.framesOut.Add(1)
	return c.send(appendText(nil, protocol.Encode(f)))
}

// stopWriting ends the writer after a failure and lets go of those who wait
// for room.
func (c *conn) stopWriting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead, c.writing = true, false
	c.out, c.owed = nil, 0
	c.room.Broadcast()
}

// appendStock appends what is left of the peer's prekeys.
func (c *conn) appendStock(out []byte) []byte {
	r := c.relay
	stock, err := r.prekeys.Prekeys(r.ctx, c.me)
	if err != nil {
		r.storeError("look-up of a stock", err)
		c.requestClose(closeStore)
		return out
	}
	if stock.Signed.ID == 0 {
		return out // an account from before there were prekeys
	}
	r.framesOut.Add(1)
	return appendText(out, protocol.Encode(&protocol.PrekeyStock{Signed: stock.Signed.ID, OneTime: stock.Left}))
}

// appendMail appends the next entries of the mailbox, at most max. When none
// is left, what comes is handed on at once from then on.
func (c *conn) appendMail(out []byte, max int) []byte {
	r := c.relay
	entries, err := r.mailboxes.Read(r.ctx, c.me, c.cursor, max, readBatchBytes)
	if err != nil {
		r.storeError("read of a mailbox", err)
		c.requestClose(closeStore)
		return out
	}
	size := 0
	for _, e := range entries {
		size += len(e.Data)
		if number, ok := c.launchEntry(e); ok {
			out = appendEntry(out, e, number)
			r.framesOut.Add(1)
		}
	}
	if len(entries) == max || size > readBatchBytes {
		c.nudge()
		return out
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mail || c.retired {
		return out
	}
	c.direct, c.ahead = true, nil
	if !c.caughtUp {
		c.caughtUp = true
		out = appendText(out, protocol.Encode(&protocol.CaughtUp{}))
	}
	return out
}

// launchEntry notes that an entry is on its way, before it is: its ack may be
// quick. It is false for one that is not to be written: it was handed on
// already, or is of a kind that this relay does not know, and goes with the
// next ack.
func (c *conn) launchEntry(e Stored) (number uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursor = e.Seq
	if c.ahead[e.Seq] {
		delete(c.ahead, e.Seq)
		return 0, false
	}
	if e.Kind < KindRequest || e.Kind > KindExpired {
		c.relay.counters.add(CountUnreadable)
		return 0, false
	}
	c.numbered++
	c.launch(flying{number: c.numbered, place: e.Seq, kind: e.Kind, from: e.From, id: e.ID, at: e.Time, since: c.relay.now(), size: len(e.Data)})
	return c.numbered, true
}

// appendEntry appends the frame of an entry. Its number is that on the
// connection: that in the store would tell a device how much goes through the
// relay for others.
func appendEntry(out []byte, e Stored, number uint64) []byte {
	var f protocol.Frame
	switch e.Kind {
	case KindRequest:
		f = &protocol.ConnectionRequest{Seq: number, From: e.From, ID: e.ID, Time: e.Time, Data: e.Data}
	case KindAccept:
		f = &protocol.ConnectionAccepted{Seq: number, From: e.From, ID: e.ID, Time: e.Time, Data: e.Data}
	case KindMessage:
		open, start := openText(out)
		return closeText(protocol.AppendMessage(open, number, e.From.String(), e.ID, e.Time, sealedText(e.Data)), start)
	case KindReceipt:
		open, start := openText(out)
		return closeText(protocol.AppendReceipt(open, number, e.ID, e.From.String(), protocol.ReceiptDelivered), start)
	case KindExpired:
		open, start := openText(out)
		return closeText(protocol.AppendReceipt(open, number, e.ID, e.From.String(), protocol.ReceiptExpired), start)
	}
	return appendText(out, protocol.Encode(f))
}
