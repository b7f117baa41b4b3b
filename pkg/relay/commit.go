package relay

import (
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// commit is something that is to be done once it is on the disk.
type commit struct {
	wait     func() error        // nil if it is there already
	receipts []*protocol.Receipt // for the peer
	upTo     uint64              // what may go from the peer's own mailbox; 0 for nothing
}

// later hands a commit to settle. It waits while too many are under way, so
// the peer's next frames wait in its socket.
func (c *conn) later(w commit) {
	c.slots <- struct{}{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits = append(c.commits, w)
	if !c.settling {
		c.settling = true
		c.settled.Go(c.settle)
	}
}

// settle concludes commits in their order, and ends when there are none, so
// that an idle connection has no third goroutine.
func (c *conn) settle() {
	for {
		c.mu.Lock()
		if len(c.commits) == 0 {
			c.commits = nil
			c.settling = false
			c.mu.Unlock()
			return
		}
		w := c.commits[0]
		c.commits = c.commits[1:]
		c.mu.Unlock()
		c.conclude(w)
		<-c.slots
	}
}

// conclude waits for one commit and says what has become of it.
func (c *conn) conclude(w commit) {
	r := c.relay
	if w.wait != nil {
		if err := w.wait(); err != nil {
			r.storeError("commit", err)
			for _, f := range w.receipts {
				c.refuse(protocol.CodeUnavailable, f.ID, f.Recipient)
			}
			c.requestClose(closeStore)
			return
		}
	}
	for _, f := range w.receipts {
		c.reply(f)
	}
	if w.upTo != 0 {
		if err := r.mailboxes.Delete(r.ctx, c.me, w.upTo); err != nil {
			r.storeError("delete from a mailbox", err) // they come again
		}
	}
}

// stored answers a frame whose effect is on the disk, after the answers to
// those before it.
func (c *conn) stored(id crypto.MessageID) {
	c.later(commit{receipts: []*protocol.Receipt{{ID: id, State: protocol.ReceiptStored}}})
}

// entryCounters names the counter of each kind of entry.
var entryCounters = map[Kind]Counter{
	KindRequest: CountRequests, KindAccept: CountAccepts, KindMessage: CountMessages, KindReceipt: CountReceipts,
}

// post appends the entries of one frame to their mailboxes, wakes who is
// connected here, and answers each when it is durable. Answers to a message
// name the recipient.
func (c *conn) post(id crypto.MessageID, ds []Delivery) {
	r := c.relay
	recipients := make([]*crypto.Address, len(ds))
	for i := range ds {
		if ds[i].Entry.Kind == KindMessage {
			recipients[i] = &ds[i].To
		}
	}
	appended, err := r.mailboxes.Append(r.ctx, ds)
	if err != nil {
		r.storeError("append", err)
		c.unavailable(id, recipients...)
		return
	}
	w := commit{wait: appended.Wait}
	for i, seq := range appended.Seqs {
		if seq == 0 {
			c.refuse(protocol.CodeMailboxFull, id, recipients[i])
			continue
		}
		r.counters.add(entryCounters[ds[i].Entry.Kind])
		r.hub.nudge(ds[i].To)
		w.receipts = append(w.receipts, &protocol.Receipt{ID: id, Recipient: recipients[i], State: protocol.ReceiptStored})
	}
	c.later(w)
}
