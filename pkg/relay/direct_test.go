package relay_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// takes reads messages, which must be these in their order, and returns the
// number of the last.
func (c *peer) takes(ids ...crypto.MessageID) (seq uint64) {
	c.t.Helper()
	for i, id := range ids {
		f := expect[*protocol.EncryptedMessage](c)
		if f.ID != id {
			c.t.Fatalf("message %d of %d is another: %s", i+1, len(ids), protocol.Encode(f))
		}
		seq = f.Seq
	}
	return seq
}

// hearsStored reads the receipts for messages in whatever order: those of a
// spill come by another way than those of a batch.
func (c *peer) hearsStored(to *person, ids ...crypto.MessageID) {
	c.t.Helper()
	left := slices.Clone(ids)
	for len(left) > 0 {
		f := expect[*protocol.Receipt](c)
		i := slices.Index(left, f.ID)
		if f.State != protocol.ReceiptStored || i < 0 || *f.Recipient != to.addr() {
			c.t.Fatalf("wanted stored for one of %d, got %s", len(left), protocol.Encode(f))
		}
		left = slices.Delete(left, i, i+1)
	}
}

// holds makes sure that somebody's mailbox holds these messages, in order.
func (w *world) holds(p *person, ids ...crypto.MessageID) {
	w.t.Helper()
	entries := w.entries(p)
	if len(entries) != len(ids) {
		w.t.Fatalf("%d entries are in the mailbox, want %d", len(entries), len(ids))
	}
	for i, e := range entries {
		if e.ID != ids[i] {
			w.t.Fatalf("entry %d of %d is another", i+1, len(ids))
		}
	}
}

// even makes sure that nothing is counted as being in memory alone.
func (w *world) even() {
	w.t.Helper()
	if n := w.relay.Airborne(); n != 0 {
		w.t.Errorf("%d bytes are counted as handed on and not stored", n)
	}
}

// TestHandedOnWithoutStore: between two who are there, nothing is stored and
// nothing is read, so that not even a store that fails is in their way.
func TestHandedOnWithoutStore(t *testing.T) {
	w, h := newHookedWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	h.onAppend(func([]relay.Delivery) error { return errDisk })
	_, reads := h.calls()
	for i := range 100 {
		id := a.message(fmt.Sprint("message ", i), bob)
		f := expect[*protocol.EncryptedMessage](b)
		if f.ID != id || f.From != alice.addr() || string(f.Data) != fmt.Sprint("message ", i) || f.Seq != uint64(i+1) || f.Time == 0 {
			t.Fatalf("message %d: got %s", i, protocol.Encode(f))
		}
		b.ack(f.Seq)
		r := expect[*protocol.Receipt](a)
		if r.ID != id || r.State != protocol.ReceiptDelivered || r.Seq != 0 || *r.Recipient != bob.addr() {
			t.Fatalf("message %d: got %s", i, protocol.Encode(r))
		}
	}
	appends, readsThen := h.calls()
	if appends != 0 || readsThen != reads {
		t.Errorf("%d appends and %d reads", appends, readsThen-reads)
	}
	n := w.relay.Snapshot()
	if n[relay.CountHanded] != 100 || n[relay.CountMessages] != 0 || n[relay.CountSpills] != 0 || n[relay.CountReceipts] != 100 {
		t.Errorf("counted %v", n)
	}
	w.even()
}

// TestSpill: what is handed on is bounded by its number, its bytes, and the
// bytes of all; what goes beyond is stored behind what was before it, and the
// next connection gets it in order.
func TestSpill(t *testing.T) {
	for _, test := range []struct {
		name   string
		count  int // of messages that are handed on before one is too many
		size   int
		budget int64
	}{
		{name: "window", count: 256, size: 10},
		{name: "bytes", count: 3, size: 65_000}, // a third more as text
		{name: "one that is larger than the window", count: 1, size: protocol.MaxSealed},
		{name: "budget", count: 4, size: 300, budget: 4*400 - 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if test.budget != 0 {
				w.relay.SetBudget(test.budget)
			}
			alice, bob := w.register("alice"), w.register("bob")
			w.befriend(alice, bob)
			a, b := w.online(alice), w.online(bob)
			text := strings.Repeat("x", test.size)
			var ids []crypto.MessageID
			for range test.count {
				ids = append(ids, a.message(text, bob))
			}
			a.expectNothing()
			if b.takes(ids...) != uint64(test.count) {
				t.Error("not all were handed on")
			}
			if n := w.relay.Snapshot()[relay.CountSpills]; n != 0 {
				t.Fatalf("%d spills before there was one too many", n)
			}
			ids = append(ids, a.message(text, bob), a.message(text, bob))
			a.hearsStored(bob, ids...)
			w.holds(bob, ids...)
			w.even()
			w.leave(b)

			b = w.login(bob)
			var seq uint64
			for i, id := range ids {
				if seq = b.takes(id); test.size > 1000 || i%100 == 0 {
					b.ack(seq) // else there is no room for the next
				}
			}
			b.ack(seq)
			delivered(a, bob, ids...)
			b.expectSettled(alice)
			w.holds(bob)

			b = w.online(bob) // there is room again
			id := a.message("again", bob)
			b.ack(b.takes(id))
			delivered(a, bob, id)
			w.even()
		})
	}
}

// TestGoneBeforeDelivered: a sender that is away when its message is acked
// hears of it by its mailbox, and if that fails, by sending it again.
func TestGoneBeforeDelivered(t *testing.T) {
	w, h := newHookedWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	id := a.message("hello", bob)
	seq := b.takes(id)
	w.leave(a)
	b.ack(seq)
	b.expectSettled(alice)
	w.holds(alice, id) // the receipt
	a = w.login(alice)
	delivered(a, bob, id)
	a.expectSettled(bob)
	w.holds(alice)

	f := &protocol.SendMessage{ID: crypto.NewMessageID(), Recipients: []crypto.Address{bob.addr()}, EncryptedData: []protocol.Sealed{[]byte("x")}}
	a.send(f)
	seq = b.takes(f.ID)
	w.leave(a)
	h.onAppend(func([]relay.Delivery) error { return errDisk })
	b.ack(seq)
	b.expectClose(websocket.CloseInternalServerErr)
	h.onAppend(nil)
	b = w.online(bob)
	a = w.online(alice)
	a.send(f)
	b.ack(b.takes(f.ID))
	delivered(a, bob, f.ID)
}

// TestSpillFails: what was in memory alone when the store failed was neither
// stored nor lost without a word: its sender is told, closed, and sends it again.
func TestSpillFails(t *testing.T) {
	for _, stage := range []string{"append", "append, stored", "wait"} {
		t.Run(stage, func(t *testing.T) {
			w, s := newFaultyWorld(t)
			alice, bob := w.register("alice"), w.register("bob")
			w.befriend(alice, bob)
			a, b := w.online(alice), w.online(bob)
			var frames []*protocol.SendMessage
			var ids []crypto.MessageID
			for range 3 {
				f := &protocol.SendMessage{ID: crypto.NewMessageID(), Recipients: []crypto.Address{bob.addr()}, EncryptedData: []protocol.Sealed{[]byte("x")}}
				frames, ids = append(frames, f), append(ids, f.ID)
				a.send(f)
			}
			b.takes(ids...)
			s.set(failing(stage, errDisk))
			b.ws.Close()
			for _, id := range ids {
				a.refused(id, bob, protocol.CodeUnavailable)
			}
			a.expectClose(websocket.CloseInternalServerErr)
			s.set(nil)
			w.even()
			for w.relay.Connected(bob.addr()) { // while it is, it lets nothing pass what was lost
				runtime.Gosched()
			}

			a = w.login(alice)
			for _, f := range frames {
				a.send(f)
			}
			a.hearsStored(bob, ids...)
			b = w.login(bob)
			b.ack(b.takes(ids...))
			delivered(a, bob, ids...)
			b.expectNothing()
		})
	}
}

// TestPongsBetweenMessages: pings of a client are answered, with what they
// carry, between the messages that it gets.
func TestPongsBetweenMessages(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	var want, got []string
	b.ws.SetPongHandler(func(data string) error {
		got = append(got, data)
		return nil
	})
	for i := range 126 {
		want = append(want, strings.Repeat("x", i))
		if err := b.ws.WriteControl(websocket.PingMessage, []byte(want[i]), noDeadline); err != nil {
			t.Fatal(err)
		}
		b.ack(b.takes(a.message("hello", bob)))
	}
	b.expectNothing()
	if !slices.Equal(got, want) {
		t.Errorf("%d pongs of %d", len(got), len(want))
	}
}

// TestShutdownWhileASpillIsStuck: the relay ends only after what was in memory
// alone is on the disk, or patience has ended.
func TestShutdownWhileASpillIsStuck(t *testing.T) {
	w, h := newHookedWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	ids := []crypto.MessageID{a.message("one", bob), a.message("two", bob)}
	b.takes(ids...)
	reached, pass := make(chan struct{}), make(chan struct{})
	h.onAppend(func([]relay.Delivery) error {
		close(reached)
		<-pass
		return nil
	})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.stop()
	}()
	<-reached
	if err := a.untilEnd(); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("the sender sees %v", err)
	}
	select {
	case <-stopped:
		t.Error("Shutdown has not waited")
	default:
	}
	close(pass)
	<-stopped
	w.holds(bob, ids...)
	w.even()
}

// TestFailedStoreAndWhatIsInMemory: a store that is broken for good ends the
// relay also when a spill finds it out.
func TestFailedStoreAndWhatIsInMemory(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	id := a.message("one", bob)
	b.takes(id)
	s.set(failing("wait", relay.ErrStoreFailed))
	b.ws.Close()
	a.refused(id, bob, protocol.CodeUnavailable)
	a.expectClose(websocket.CloseInternalServerErr)
	<-w.relay.Fatal()
	if !errors.Is(w.relay.Err(), relay.ErrStoreFailed) {
		t.Errorf("Err: %v", w.relay.Err())
	}
}
