package relay

import (
	"errors"
	"slices"
	"time"

	"secure-messaging/pkg/protocol"
)

var errAckUnsent = errors.New("an ack of something that was not sent on this connection")

// ack takes the peer's word that everything up to seq is on its disk. Senders
// of messages are told, durably, before the messages are deleted: a crash in
// between delivers them again, and the recipient drops them.
func (c *conn) ack(seq uint64) {
	r := c.relay
	acked, ok := c.landing(seq)
	if !ok {
		r.counters.add(CountAckUnknown)
		c.malformed(errAckUnsent)
		return
	}
	if len(acked) == 0 {
		return // acked before
	}
	w := commit{upTo: acked[len(acked)-1].seq}
	now := protocol.Milli(time.Now())
	var ds []Delivery
	for _, f := range acked {
		if f.kind == KindMessage {
			ds = append(ds, Delivery{To: f.from, Entry: Entry{Kind: KindReceipt, From: c.me, ID: f.id, Time: now}})
		}
	}
	if len(ds) > 0 {
		appended, err := r.mailboxes.Append(r.ctx, ds)
		if err != nil {
			r.storeError("append of receipts", err)
			c.requestClose(closeStore) // the peer gets them again and acks again
			return
		}
		w.wait = appended.Wait
		for i, n := range appended.Seqs {
			if n == 0 {
				r.counters.add(CountReceiptDropped)
				continue
			}
			r.counters.add(CountReceipts)
			r.hub.nudge(ds[i].To)
		}
	}
	c.later(w)
	c.landed(len(acked))
}

// landing returns what an ack covers; false if it was not sent.
func (c *conn) landing(seq uint64) ([]flying, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq > c.numbered {
		return nil, false
	}
	n := 0
	for n < len(c.flight) && c.flight[n].number <= seq {
		n++
	}
	return slices.Clone(c.flight[:n]), true
}

// landed makes room for as many more.
func (c *conn) landed(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flight = slices.Delete(c.flight, 0, n)
	c.signal()
}
