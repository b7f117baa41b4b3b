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
	direct   bool          // the mailbox is drained: what comes is handed on at once
	retired  bool          // and never will be again
	cursor   uint64        // place of the last entry that was read from the mailbox
	numbered uint64        // frames with a number so far, which is that of the last
	flight   queue         // at most flightWindow
	airborne int           // bytes of data in flight
	spilled  uint64        // the highest place that a frame has got which was in memory alone
	moved    time.Duration // of the relay's clock: the last ack, or a slow write
	acks     *time.Timer   // runs while there is something in flight
	watched  bool          // acks runs
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
}

// hand hands a message to the peer at once, and keeps it until the ack. It is
// false if the message has to go through the mailbox. The text is copied.
func (c *conn) hand(sender *conn, id crypto.MessageID, at protocol.UnixMilli, text []byte) bool {
	r := c.relay
	c.mu.Lock()
	if !c.direct {
		c.mu.Unlock()
		return false
	}
	if c.flight.len() >= flightWindow || c.flight.len() > 0 && c.airborne+len(text) > flightBytes || r.airborne.Load() > r.maxAirborne {
		c.spill()
		c.mu.Unlock()
		return false
	}
	c.numbered++
	c.launch(flying{
		number: c.numbered, kind: KindMessage, from: sender.me, id: id, at: at,
		text: append([]byte(nil), text...), size: len(text), sender: sender,
	})
	r.airborne.Add(int64(len(text)))
	first := false
	if c.why == nil {
		first = c.quiet()
		b, start := openText(c.out)
		c.out = closeText(protocol.AppendMessage(b, c.numbered, sender.name, id, at, text), start)
		r.counters.add(CountFramesOut)
	}
	c.mu.Unlock()
	if first {
		sender.touch(c)
	}
	return true
}

// launch notes that a frame is on its way. c.mu is held.
func (c *conn) launch(f flying) {
	f.since = c.relay.now()
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
	now, oldest := c.relay.now(), c.flight.front()
	stuck := now-max(oldest.since, c.moved) >= protocol.AckTimeout
	if now-oldest.since >= protocol.AckTimeout && oldest.text != nil {
		c.spill()
	}
	c.acks.Reset(max(protocol.AckTimeout-(now-max(oldest.since, c.moved)), time.Second))
	c.mu.Unlock()
	if stuck {
		c.requestClose(closeUnacked)
	}
}

// retire ends the handing on: all that is in memory alone goes into the
// mailbox, and what comes from now on goes behind it.
func (c *conn) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.retired {
		c.retired = true
		c.spill()
	}
}

// spill puts what is in memory alone into the mailbox and ends the handing on
// until the mailbox is drained. c.mu is held, so that nobody can put anything
// there in between. Senders hear of it once it is durable.
func (c *conn) spill() {
	r := c.relay
	c.direct = false
	c.mail = !c.retired
	var ds []Delivery
	for f := range c.flight.all() {
		if f.text != nil {
			ds = append(ds, Delivery{To: c.me, Entry: Entry{Kind: KindMessage, From: f.from, ID: f.id, Time: f.at, Data: sealedData(f.text)}})
		}
	}
	if len(ds) == 0 {
		return
	}
	appended, err := r.mailboxes.Append(r.ctx, ds)
	w := commit{wait: appended.Wait, outcomes: make([]outcome, 0, len(ds))}
	if err != nil {
		w.wait = func() error { return err }
	}
	for f := range c.flight.all() {
		if f.text == nil {
			continue
		}
		r.airborne.Add(-int64(len(f.text)))
		f.text = nil
		a := outcome{to: f.sender, id: f.id, recipient: &c.me}
		if err == nil {
			f.place = appended.Seqs[len(w.outcomes)]
			a.code = noRoom(f.place, appended)
			c.spilled = max(c.spilled, f.place)
		}
		w.outcomes = append(w.outcomes, a)
	}
	r.counters.add(CountSpills)
	r.connsEnd.Go(func() {
		if !r.conclude(nil, w) {
			c.requestClose(closeStore)
		}
	})
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
// the senders of messages.
func (c *conn) ack(seq uint64) {
	c.mu.Lock()
	if seq > c.numbered {
		c.mu.Unlock()
		c.relay.counters.add(CountAckUnknown)
		c.malformed(errAckUnsent)
		return
	}
	c.moved = c.relay.now()
	for c.flight.len() > 0 && c.flight.front().number <= seq {
		f := c.flight.pop()
		c.airborne -= f.size
		c.mu.Unlock()
		c.relay.airborne.Add(-int64(len(f.text)))
		if f.kind == KindMessage {
			c.tellDelivered(f)
		}
		c.mu.Lock()
	}
	if c.mail {
		c.signal() // there is room in the window
	}
	c.mu.Unlock()
}

// tellDelivered tells the sender of a message that it was acked: at once if it
// is here, else by its mailbox. If the word is lost with a connection, the
// sender sends the message again on the next.
func (c *conn) tellDelivered(f flying) {
	c.relay.counters.add(CountReceipts)
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
	c.relay.counters.add(CountFramesOut)
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
