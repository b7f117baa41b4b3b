package client

import (
	"net"
	"sync"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

const (
	// answerTimeout ends a connection on which an answer is owed and nothing at
	// all comes back, not even to a ping: the other end is gone, as after a
	// laptop has slept.
	answerTimeout = 20 * time.Second
	// watchInterval is how often a relay is pinged that has owed an answer for so
	// long: two pings and a slow line before answerTimeout.
	watchInterval = 5 * time.Second
	// lostAfter ends a connection whose relay lives and has left the oldest
	// frame unanswered for so long. A message for a device that does not ack is
	// stored after protocol.AckTimeout; what has no answer long after that was
	// lost, and is sent again on the next connection.
	lostAfter = 60 * time.Second
)

// owed is what was sent on a connection and has no answer yet, neither a
// receipt nor a refusal, and for how long that may go on.
type owed struct {
	conn net.Conn

	mu     sync.Mutex
	order  []crypto.MessageID // as they were sent; the first has no answer
	open   map[crypto.MessageID]bool
	oldest time.Time // since when the first of order is the oldest
}

func newOwed(conn net.Conn) *owed {
	return &owed{conn: conn, open: make(map[crypto.MessageID]bool)}
}

// sent notes a frame that is about to be written.
func (o *owed) sent(id crypto.MessageID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.order) == 0 {
		o.oldest = time.Now()
	}
	o.order = append(o.order, id)
	o.open[id] = true
}

// answered takes out what a frame of the relay answers.
func (o *owed) answered(f protocol.Frame) {
	var id crypto.MessageID
	switch f := f.(type) {
	case *protocol.Receipt:
		id = f.ID
	case *protocol.Error:
		if f.ID == nil {
			return
		}
		id = *f.ID
	default:
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.open, id)
	for len(o.order) > 0 && !o.open[o.order[0]] {
		o.order, o.oldest = o.order[1:], time.Now()
	}
}

func (o *owed) anything() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.order) > 0
}

// longer reports whether the oldest frame has been that for so long.
func (o *owed) longer(d time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.order) > 0 && time.Since(o.oldest) >= d
}

// alive gives the relay time to be heard of again. Reader and writer both say
// so; the lock keeps the older of the two from having the last word.
func (o *owed) alive() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn.SetReadDeadline(time.Now().Add(o.patience()))
}

// patience is how long the relay may be silent from now on. The caller holds
// mu.
func (o *owed) patience() time.Duration {
	switch {
	case len(o.order) == 0:
		return protocol.ReadTimeout
	case time.Since(o.oldest) >= lostAfter:
		return 0
	}
	return answerTimeout
}
