package relay

import (
	"encoding/base64"
	"slices"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// What the reader gathers from a burst of frames goes into the store together,
// and shares an fsync with what others have gathered.

// outcome is what somebody hears of a frame: stored, or why not.
type outcome struct {
	to        *conn
	id        crypto.MessageID
	recipient *crypto.Address // of a message, else nil
	code      protocol.Code   // empty for stored
}

// commit is something that is to be done once it is on the disk.
type commit struct {
	wait     func() error // nil if it is there already
	outcomes []outcome
	gone     []crypto.Address // devices whose mailboxes it should not have come into
}

// entryCounters names the counter of each kind of entry that a frame makes.
var entryCounters = map[Kind]Counter{KindRequest: CountRequests, KindAccept: CountAccepts, KindMessage: CountMessages}

// put gathers an entry for a mailbox.
func (c *conn) put(d Delivery) {
	c.batch = append(c.batch, d)
	c.volume += len(d.Entry.Data)
	if len(c.batch) >= maxBatch || c.volume >= maxBatchBytes {
		c.letGo()
	}
}

// puts reports whether there is something for a mailbox in the batch: what
// comes next goes behind it.
func (c *conn) puts(to *crypto.Address) bool {
	for i := range c.batch {
		if c.batch[i].To == *to {
			return true
		}
	}
	return false
}

// looks notes, before the target of a frame is looked at, what shows later whether
// a device has been replaced since.
func (c *conn) looks() {
	if len(c.batch) == 0 {
		c.looked = c.relay.users.replaced.Load()
	}
}

// letGo passes on what the reader has gathered.
func (c *conn) letGo() {
	c.countBurst()
	c.empty()
	c.kickTouched()
	w, ok := c.appendBatch()
	if ok && (w.wait != nil || len(w.outcomes) > 0) {
		c.later(w)
	}
}

// empty forgets what the peer has acked, and then tells the senders of messages.
// Told before that, one who has missed it might send the message again, hear
// that it is stored, and nothing more, because it is forgotten then. So where
// the mailbox has not been read so far yet, they are told now and once more
// then.
func (c *conn) empty() {
	upTo := c.drained()
	if upTo > c.emptied {
		c.emptied = upTo
		if err := c.relay.mailboxes.Delete(c.relay.ctx, c.me, upTo); err != nil {
			c.relay.storeError("delete from a mailbox", err) // it comes again
		}
	}
	acked := c.acked
	c.acked = nil
	for _, f := range acked {
		gone := f.place <= upTo
		if !f.told {
			c.relay.delivered.Add(1)
		}
		if gone || !f.told {
			c.tellDelivered(f)
		}
		if f.told = true; !gone {
			c.acked = append(c.acked, f)
		}
	}
}

// appendBatch appends the batch to its mailboxes and wakes who is connected
// here. It is false if the store has failed it: then each sender is told, and
// the connection closes.
func (c *conn) appendBatch() (w commit, ok bool) {
	r := c.relay
	ds := c.batch
	if len(ds) == 0 {
		return w, true
	}
	c.batch, c.volume = nil, 0
	appended, err := r.mailboxes.Append(r.ctx, ds)
	if err != nil {
		r.storeError("append", err)
		for i := range ds {
			if !ds[i].Entry.Kind.IsReceipt() {
				c.refuse(protocol.CodeUnavailable, ds[i].Entry.ID, recipientOf(&ds[i]))
			}
		}
		for i := range ds {
			r.hub.nudge(ds[i].To) // it may be there all the same
		}
		c.requestClose(closeStore)
		return w, false
	}
	w.wait = appended.Wait
	if c.looked != r.users.replaced.Load() {
		w.gone = r.gone(ds)
	}
	for i, place := range appended.Seqs {
		d := &ds[i]
		r.hub.nudge(d.To) // also if there was no room: what waits there is to drain
		if place == 0 && d.Entry.Kind.IsReceipt() {
			r.counters.add(CountReceiptDropped)
		}
		if d.Entry.Kind.IsReceipt() {
			continue
		}
		if place != 0 {
			r.counters.add(entryCounters[d.Entry.Kind])
		}
		w.outcomes = append(w.outcomes, outcome{to: c, id: d.Entry.ID, recipient: recipientOf(d), code: noRoom(place, appended)})
	}
	return w, true
}

// gone returns the devices in a batch that are nobody's any more: whoever replaced
// them may have emptied their mailboxes before it was appended.
func (r *Relay) gone(ds []Delivery) (devices []crypto.Address) {
	for i := range ds {
		to := ds[i].To
		if ds[i].Entry.Kind.IsReceipt() || slices.Contains(devices, to) {
			continue
		}
		code, err := r.knows(ds[i].Entry.From, to.User, &to.Device)
		switch {
		case err != nil:
			r.storeError("look-up of a recipient", err)
		case code != "":
			devices = append(devices, to)
		}
	}
	return devices
}

// recipientOf is what answers name.
func recipientOf(d *Delivery) *crypto.Address {
	if d.Entry.Kind == KindMessage {
		to := d.To // a copy: the answer may wait longer than the data should stay
		return &to
	}
	return nil
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
		if !c.relay.conclude(c, w) {
			c.requestClose(closeStore)
		}
		<-c.slots
	}
}

// conclude waits for a commit and says what has become of it. The connection
// that it is called for waits for room, others do without the word: they hear
// "delivered", or ask again on their next connection. It is false if the commit
// has failed; then nobody's later frame may overtake what was lost.
func (r *Relay) conclude(c *conn, w commit) bool {
	var err error
	if w.wait != nil {
		if err = w.wait(); err != nil {
			r.storeError("commit", err)
		}
	}
	for _, a := range w.outcomes {
		if err != nil {
			a.code = protocol.CodeUnavailable
		}
		if !a.send(a.to == c) {
			a.to.requestClose(closeSlow) // it has to hear what was refused, and asks again
		}
	}
	if err == nil {
		for _, device := range w.gone {
			if err := r.abandon(r.ctx, device); err != nil { // the rest goes with its age
				r.storeError("telling the senders to a device that was replaced", err)
			}
		}
		return true
	}
	for _, a := range w.outcomes { // after all have been told
		a.to.requestClose(closeStore)
	}
	return false
}

// send queues an answer.
func (a *outcome) send(wait bool) bool {
	if a.code != "" {
		a.to.relay.counters.add(counterOf(a.code))
	}
	return a.to.queue(wait, a.append)
}

func (a *outcome) append(b []byte) []byte {
	switch {
	case a.code != "":
		return appendText(b, protocol.Encode(&protocol.Error{Code: a.code, Message: refusals[a.code], ID: &a.id, Recipient: a.recipient}))
	case a.recipient == nil:
		return appendText(b, protocol.Encode(&protocol.Receipt{ID: a.id, State: protocol.ReceiptStored}))
	}
	b, start := openText(b)
	return closeText(protocol.AppendReceipt(b, 0, a.id, a.recipient.String(), protocol.ReceiptStored), start)
}

// stored answers a frame whose effect is on the disk.
func (c *conn) stored(id crypto.MessageID) {
	c.later(commit{outcomes: []outcome{{to: c, id: id}}})
}

// sealedText is sealed data as it goes over the wire.
func sealedText(data []byte) []byte { return base64.RawURLEncoding.AppendEncode(nil, data) }

// sealedData undoes it, for a text that was checked.
func sealedData(text []byte) []byte {
	data, _ := base64.RawURLEncoding.AppendDecode(nil, text)
	return data
}
