package client

import (
	"context"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/protocol"
)

// outboxBatch is how many frames the writer takes from the outbox at once.
const outboxBatch = 64

// writer sends on one connection. It pulls from the store, so nothing queues in
// memory but hints.
type writer struct {
	*Client
	ws       *websocket.Conn
	owed     *owed
	acked    uint64
	position int64 // of the outbox, up to which it was sent
}

// run sends the outbox in order, from its beginning, and acks. It ends when a
// write fails or ctx ends, with a last ack for what was taken meanwhile.
func (w *writer) run(ctx context.Context) {
	maintenance := time.NewTicker(maintenanceInterval)
	defer maintenance.Stop()
	watch := time.NewTicker(watchInterval)
	defer watch.Stop()
	for {
		leaves := ctx.Err() != nil // before the ack is read: what ends us may have just been told
		if w.sendAck() != nil {
			return
		}
		if leaves {
			bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
			w.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(closeTimeout))
			return
		}
		for _, frame := range w.unasked() {
			if writeFrame(w.ws, frame) != nil {
				return
			}
		}
		for _, h := range w.unhinted() { // in front of what was written since
			w.owed.sent(h.id)
			if writeFrame(w.ws, h.frame) != nil {
				return
			}
		}
		due := w.presence.Swap(false) // before the outbox is read: it may hold the answer that made somebody a contact
		more, err := w.sendOutbox()
		if err != nil {
			return
		}
		if more {
			w.signal()
		}
		var share <-chan time.Time
		if due {
			list, wait := w.list(!more)
			if list != nil && writeFrame(w.ws, list) != nil {
				return
			}
			if list == nil {
				w.presence.Store(true)
				share = time.After(wait)
			}
		}
		var silent <-chan time.Time // an idle program is not woken
		if w.owed.anything() {
			silent = watch.C
		}
		select {
		case <-w.wake:
		case <-share:
		case <-ctx.Done():
		case <-silent:
			w.watch()
		case <-maintenance.C:
			w.maintain()
		}
	}
}

// sendAck acks what has been written since the last ack.
func (w *writer) sendAck() error {
	ack := w.ack.Load()
	if ack == w.acked {
		return nil
	}
	w.acked = ack
	return writeFrame(w.ws, protocol.Encode(&protocol.Ack{Seq: ack}))
}

// sendOutbox sends the next part of the outbox and reports whether there may
// be more. Acks go in between: the relay gives up on a device that lets it wait
// for them, and a line may be slow.
func (w *writer) sendOutbox() (more bool, err error) {
	items, err := w.store.Outbox(w.position, outboxBatch)
	if err != nil {
		w.events.publish(Event{Kind: Warned, Warning: err.Error()})
		return false, err
	}
	for _, it := range items {
		if err := w.sendAck(); err != nil {
			return false, err
		}
		w.owed.sent(it.ID)
		if err := writeFrame(w.ws, it.Frame); err != nil {
			return false, err
		}
		w.owed.alive()
		w.position = it.Position
	}
	return len(items) == outboxBatch, nil
}

// watch asks a relay that owes an answer whether it is there at all: the answer
// itself may wait for the recipient of a message.
func (w *writer) watch() {
	switch {
	case w.owed.longer(lostAfter):
		w.owed.alive() // no longer
	case w.owed.longer(watchInterval):
		w.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(protocol.WriteTimeout)) // if it fails, so does the next frame
	}
}

// maintenanceInterval is how often a client that stays connected looks whether
// its prekeys are due. On every login it does so anyway.
const maintenanceInterval = time.Hour

// maintain replaces prekeys that are due. A disk that fails is told of; the
// next try comes.
func (c *Client) maintain() {
	_, err := c.do(func(s *session, now time.Time) (*step, error) { return s.maintain(nil, now) })
	if err != nil {
		c.events.publish(Event{Kind: Warned, Warning: err.Error()})
	}
}
