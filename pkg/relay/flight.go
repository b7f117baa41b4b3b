package relay

import (
	"errors"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

var errAckUnsent = errors.New("an ack of something that was not sent on this connection")

// flights is what was handed to a peer and is not acked. While its mailbox has
// nothing for it, a message is handed on at once and kept in memory alone; it
// gets into the mailbox, with all that were handed on before it, once the peer
// goes, leaves it unacked, or has too much unacked. So nothing of a sender gets
// into a mailbox before what that sender has sent earlier.
type flights struct {
	direct   bool            // the mailbox is drained: what comes is handed on at once
	retired  bool            // and never will be again
	cursor   uint64          // place of the last entry that was read from the mailbox
	numbered uint64          // frames with a number so far, which is that of the last
	flight   queue           // at most flightWindow
	airborne int             // bytes of data in flight
	ahead    map[uint64]bool // places behind cursor of what was handed on before it got there
	lost     bool            // the store has failed what was in memory
	moved    time.Duration   // of the relay's clock: the last ack, or a slow write
	acks     *time.Timer     // runs while there is something in flight
	watched  bool            // acks runs
}

// flying is a frame that was handed to the peer and is not acked.
type flying struct {
	number uint64 // on this connection: the frame's "seq"
	place  uint64 // in the mailbox, 0 if it is not there
	kind   Kind
	from   crypto.Address
	id     crypto.MessageID
	at     protocol.UnixMilli
	since  time.Duration // of the relay's clock: when it was handed on
	text   []byte        // sealed data in base64url, of what is in memory alone
	size   int           // of the sealed data, as it counts in airborne
	sender *conn         // nil if it came from the mailbox
	told   bool          // the sender has heard that it was acked
}

// hand hands a message to the peer at once, and keeps it until the ack. It is
// false if the message has to go through the mailbox, as when it is behind
// another that does; then all that was handed on before is in the mailbox when
// hand returns. The text is copied.
func (c *conn) hand(sender *conn, behind bool, id crypto.MessageID, at protocol.UnixMilli, text []byte) bool {
	r := c.relay
	c.mu.Lock()
	if behind || !c.direct || c.full(len(text)) {
		conclude := c.spill()
		lost := c.lost
		c.mu.Unlock()
		conclude()
		if lost { // of what came earlier; nothing may overtake it
			sender.unavailable(id, &c.me)
		}
		return lost
	}
	c.numbered++
	c.launch(flying{
		number: c.numbered, kind: KindMessage, from: sender.me, id: id, at: at,
		since: sender.clock().Sub(r.began), text: append([]byte(nil), text...), size: len(text), sender: sender,
	})
	r.airborne.Add(int64(len(text)))
	first := false
	if c.why == nil {
		first = c.quiet()
		b, start := openText(c.out)
		c.out = closeText(protocol.AppendMessage(b, c.numbered, sender.name, id, at, text), start)
		r.framesOut.Add(1)
	}
	c.mu.Unlock()
	r.handed.Add(1)
	if first {
		sender.touch(c)
	}
	return true
}

// full reports whether a message has to go through the mailbox because the peer
// has too much that it did not ack, or did not even read. c.mu is held.
func (c *conn) full(size int) bool {
	return c.flight.len() >= flightWindow || c.flight.len() > 0 && c.airborne+size > flightBytes ||
		len(c.out) > 2*flightBytes || c.relay.airborne.Load() > c.relay.maxAirborne
}

// launch notes that a frame is on its way. c.mu is held.
func (c *conn) launch(f flying) {
	c.airborne += f.size
	c.flight.push(f)
	if c.watched {
		return
	}
	c.watched = true
	if c.acks == nil {
		c.acks = time.AfterFunc(protocol.AckTimeout, c.checkAcks)
	} else {
		c.acks.Reset(protocol.AckTimeout)
	}
}

// checkAcks looks whether acks come in time. A connection on which nothing
// moves any more is given up; what is in memory for too long is stored.
func (c *conn) checkAcks() {
	c.mu.Lock()
	if c.flight.len() == 0 || c.retired {
		c.watched = false
		if !c.retired {
			c.flight = queue{} // who is idle holds no memory
		}
		c.mu.Unlock()
		return
	}
	now := c.relay.now()
	left := protocol.AckTimeout - (now - max(c.flight.front().since, c.moved))
	conclude := func() {}
	for f := range c.flight.all() {
		if f.text == nil {
			continue
		}
		wait := protocol.AckTimeout - (now - f.since)
		if wait <= 0 {
			conclude = c.spill()
			c.signal()
		} else {
			left = min(left, wait)
		}
		break
	}
	if left > 0 {
		c.acks.Reset(left)
	} else {
		c.watched = false
	}
	c.mu.Unlock()
	conclude()
	if left <= 0 {
		c.requestClose(closeUnacked)
	}
}

// retire ends the handing on: all that is in memory alone goes into the
// mailbox, and what comes from now on goes behind it.
func (c *conn) retire() {
	c.mu.Lock()
	conclude := func() {}
	if !c.retired {
		c.retired = true
		conclude = c.spill()
	}
	c.mu.Unlock()
	conclude()
}

// spill puts what is in memory alone into the mailbox and ends the handing on
// until the mailbox is drained. c.mu is held, so that nobody can put anything
// there in between. Senders hear of it once it is durable; if the store fails
// it, the caller tells them by what spill returns, once it has let go of c.mu.
// What there is no room for is refused, though the peer may have it: in memory
// it would be overtaken.
func (c *conn) spill() (conclude func()) {
	r := c.relay
	c.direct = false
	ds := c.inMemory()
	if len(ds) == 0 {
		return func() {} // whoever puts something there nudges
	}
	c.mail = !c.retired
	appended, err := r.mailboxes.Append(r.ctx, ds)
	w := commit{wait: appended.Wait, outcomes: make([]outcome, 0, len(ds))}
	if c.ahead == nil {
		c.ahead = map[uint64]bool{}
	}
	for f := range c.flight.all() {
		if f.text == nil {
			continue
		}
		o := outcome{to: f.sender, id: f.id, recipient: &c.me}
		if err == nil {
			f.place = appended.Seqs[len(w.outcomes)]
			o.code = noRoom(f.place, appended)
			if f.place > c.cursor {
				c.ahead[f.place] = true
			}
		}
		r.airborne.Add(-int64(len(f.text)))
		f.text = nil
		w.outcomes = append(w.outcomes, o)
	}
	r.counters.add(CountSpills)
	settle := func() {
		if !r.conclude(nil, w) {
			c.requestClose(closeStore)
		}
	}
	if err != nil {
		c.lost = true
		w.wait = func() error { return err }
		return settle
	}
	r.connsEnd.Go(settle)
	return func() {}
}

// inMemory returns what is in flight and in memory alone. c.mu is held.
func (c *conn) inMemory() (ds []Delivery) {
	for f := range c.flight.all() {
		if f.text != nil {
			ds = append(ds, Delivery{To: c.me, Entry: Entry{Kind: KindMessage, From: f.from, ID: f.id, Time: f.at, Data: sealedData(f.text)}})
		}
	}
	return ds
}

// noRoom is the code for an entry that was not stored.
func noRoom(place uint64, a Appended) protocol.Code {
	switch {
	case place != 0:
		return ""
	case a.StoreFull:
		return protocol.CodeRelayFull
	}
	return protocol.CodeMailboxFull
}

// ack takes the peer's word that everything up to seq is on its disk, and tells
// the senders of messages. It reports whether that was news.
func (c *conn) ack(seq uint64) (news bool) {
	c.mu.Lock()
	if seq > c.numbered {
		c.mu.Unlock()
		c.relay.counters.add(CountAckUnknown)
		c.malformed(errAckUnsent)
		return false
	}
	if news = c.flight.len() > 0 && c.flight.front().number <= seq; news {
		c.moved = c.clock().Sub(c.relay.began)
	}
	for c.flight.len() > 0 && c.flight.front().number <= seq {
		f := c.flight.pop()
		c.airborne -= f.size
		c.mu.Unlock()
		c.relay.airborne.Add(-int64(len(f.text)))
		switch {
		case f.kind != KindMessage:
		case f.place != 0:
			took := c.clock().Sub(f.at.Time())
			c.relay.stored.observe(took)
			c.relay.messageLog.relayed(c, f, "mailbox", took)
			c.acked = append(c.acked, f)
		default:
			took := c.clock().Sub(c.relay.began) - f.since
			c.directly(took)
			c.relay.messageLog.relayed(c, f, "direct", took)
			c.tellDelivered(f)
		}
		c.mu.Lock()
	}
	if c.mail {
		c.signal() // there is room in the window
	}
	c.mu.Unlock()
	return news
}

// tellDelivered tells the sender of a message that it was acked: at once if it
// is here, else by its mailbox. If the word is lost with a connection, the
// sender sends the message again on the next.
func (c *conn) tellDelivered(f flying) {
	if f.sender != nil && f.sender.receipt(c, f.id) {
		return
	}
	if s := c.relay.hub.find(f.from); s != nil && s != f.sender && s.receipt(c, f.id) {
		return
	}
	c.put(Delivery{To: f.from, Entry: Entry{Kind: KindReceipt, From: c.me, ID: f.id, Time: protocol.Milli(time.Now())}})
}

// receipt tells the peer that a recipient has acked a message. It is false if
// the peer does not take it now.
func (c *conn) receipt(recipient *conn, id crypto.MessageID) bool {
	c.mu.Lock()
	if !c.begun || c.why != nil || c.owed > 4*replyBytes {
		c.mu.Unlock()
		return false
	}
	first := c.quiet()
	b, start := openText(c.out)
	before := len(c.out)
	c.out = closeText(protocol.AppendReceipt(b, 0, id, recipient.name, protocol.ReceiptDelivered), start)
	c.owed += len(c.out) - before
	c.mu.Unlock()
	c.relay.framesOut.Add(1)
	if first {
		recipient.touch(c)
	}
	return true
}

// drained is how far the mailbox may be emptied: everything up to there was
// read for this peer, and acked.
func (c *conn) drained() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	upTo := c.cursor
	for f := range c.flight.all() {
		if f.place != 0 {
			upTo = min(upTo, f.place-1)
		}
	}
	return upTo
}
