package relay

import (
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// flying is a mailbox frame that was sent and not acked.
type flying struct {
	number uint64 // on this connection: the frame's "seq"
	seq    uint64 // in the mailbox
	kind   Kind
	from   crypto.Address
	id     crypto.MessageID
}

// send is the sender goroutine: it writes answers, mailbox frames, pings and
// at last the close frame.
func (c *conn) send() {
	defer c.stopWriting()
	ping := time.NewTicker(protocol.PingInterval)
	defer ping.Stop()
	for {
		replies, stock, mail, end := c.work()
		for _, b := range replies {
			if !c.write(b) {
				return
			}
		}
		switch {
		case end:
			c.writeClose()
			return
		case stock:
			if !c.sendStock() {
				return
			}
		case mail > 0:
			if !c.deliver(mail) {
				return
			}
		case len(replies) == 0:
			select {
			case <-c.wake:
			case <-ping.C:
				c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(protocol.WriteTimeout))
			}
		}
	}
}

// work takes what there is to write: answers, then the stock of prekeys, then
// up to that many entries of the mailbox. It says when only the close frame is
// left.
func (c *conn) work() (replies [][]byte, stock bool, mail int, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil && c.why.cut {
		return nil, false, 0, true
	}
	replies, c.replies = c.replies, nil
	c.room.Broadcast()
	if c.why != nil {
		return replies, false, 0, c.lastWord
	}
	if c.stock {
		c.stock = false
		return replies, true, 0, false
	}
	if c.mail {
		mail = min(readBatch, flightWindow-len(c.flight))
		c.mail = mail == 0 // what comes from now on nudges again
	}
	return replies, false, mail, false
}

// stopWriting lets go of those who wait for room.
func (c *conn) stopWriting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	c.replies = nil
	c.room.Broadcast()
}

// write writes one frame, or ends the connection.
func (c *conn) write(b []byte) bool {
	c.ws.SetWriteDeadline(time.Now().Add(protocol.WriteTimeout))
	if c.ws.WriteMessage(websocket.TextMessage, b) != nil {
		c.requestClose(closeWrite)
		return false
	}
	c.relay.counters.add(CountFramesOut)
	return true
}

// deliver writes the next entries of the mailbox, at most max. It is false
// when the sender must end.
func (c *conn) deliver(max int) bool {
	r := c.relay
	after, number := c.position()
	entries, err := r.mailboxes.Read(r.ctx, c.me, after, max, readBatchBytes)
	if err != nil {
		r.storeError("read of a mailbox", err)
		c.requestClose(closeStore)
		return true
	}
	size := 0
	for _, e := range entries {
		size += len(e.Data)
		f := frameOf(e, number+1)
		if f == nil {
			r.counters.add(CountUnreadable)
			c.launch(e, 0)
			continue
		}
		number++
		c.launch(e, number)
		if !c.write(protocol.Encode(f)) {
			return false
		}
	}
	if len(entries) == max || size > readBatchBytes {
		c.nudge()
		return true
	}
	if c.caughtUp {
		return true
	}
	c.caughtUp = true
	return c.write(protocol.Encode(&protocol.CaughtUp{}))
}

// position is the last entry of the mailbox that was sent, and how many were.
func (c *conn) position() (seq, number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent, c.numbered
}

// launch notes that an entry is sent, before it is: its ack may be quick. One
// that makes no frame has the number 0, and goes with the next ack.
func (c *conn) launch(e Stored, number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = e.Seq
	if number > 0 {
		c.numbered = number
		c.flight = append(c.flight, flying{number, e.Seq, e.Kind, e.From, e.ID})
	}
}

// frameOf makes the frame of an entry, or nil if there is none. Its number is
// that on the connection: that in the store would tell a device how much goes
// through the relay for others.
func frameOf(e Stored, number uint64) protocol.Frame {
	switch e.Kind {
	case KindRequest:
		return &protocol.ConnectionRequest{Seq: number, From: e.From, ID: e.ID, Time: e.Time, Data: e.Data}
	case KindAccept:
		return &protocol.ConnectionAccepted{Seq: number, From: e.From, ID: e.ID, Time: e.Time, Data: e.Data}
	case KindMessage:
		return &protocol.EncryptedMessage{Seq: number, From: e.From, ID: e.ID, Time: e.Time, Data: e.Data}
	case KindReceipt:
		return &protocol.Receipt{Seq: number, ID: e.ID, Recipient: &e.From, State: protocol.ReceiptDelivered}
	}
	return nil
}
