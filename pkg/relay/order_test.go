package relay_test

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// TestNothingOvertakesWhatIsInFlight: what a sender has handed on is before its
// later messages, though something of somebody else has come into the mailbox
// in between, and the connection ends unacked.
func TestNothingOvertakesWhatIsInFlight(t *testing.T) {
	w, h := newHookedWorld(t)
	alice, bob, carol := w.register("alice"), w.register("bob"), w.register("carol")
	w.befriend(alice, bob)
	a, b, c := w.online(alice), w.online(bob), w.online(carol)
	first := a.message("first", bob)
	b.takes(first)
	reached, pass := h.stallRead(t, bob.addr())
	asked := c.request(bob)
	<-reached // from now on, what comes goes through the mailbox
	second := a.message("second", bob)
	third := a.message("third", bob)
	a.hearsStored(bob, first, second, third)
	b.ws.Close()
	pass()
	for w.relay.Connected(bob.addr()) {
	}
	w.holdsInOrder(bob, first, second, third)
	c.expectStored(asked, nil)
}

// holdsInOrder makes sure that a mailbox holds these, in this order, among others.
func (w *world) holdsInOrder(p *person, ids ...crypto.MessageID) {
	w.t.Helper()
	at := -1
	for i, id := range ids {
		place := -1
		for j, e := range w.entries(p) {
			if e.ID == id {
				place = j
			}
		}
		if place <= at {
			w.t.Fatalf("message %d of %d is at place %d, the one before it at %d", i+1, len(ids), place, at)
		}
		at = place
	}
}

// TestNothingOvertakesBehindANote: nor if the sender itself has put something
// into the mailbox in between.
func TestNothingOvertakesBehindANote(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	first, second := letter("first", bob), letter("second", bob)
	note := &protocol.ConnectRequest{ID: crypto.NewMessageID(), Target: bob.addr(), Data: []byte("x")}
	a.burst(first, note, second)
	b.takes(first.ID)
	for n := 0; n < 3; { // unacked
		switch f := expect[*protocol.Receipt](a); f.ID {
		case note.ID, second.ID:
			if n++; n == 2 {
				b.ws.Close()
			}
		case first.ID:
			n++
		}
	}
	for w.relay.Connected(bob.addr()) {
	}
	w.holdsInOrder(bob, first.ID, second.ID)
}

// TestNothingOvertakesWhatComesDuringARead: what gets into a mailbox while it is
// read, and found empty, is before what is sent after that.
func TestNothingOvertakesWhatComesDuringARead(t *testing.T) {
	h := &hooks{}
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a := w.login(alice)
		sender := a.pump(nil)
		synctest.Wait()
		pass := make(chan struct{})
		h.mu.Lock()
		h.wasRead = func(crypto.Address) { <-pass }
		h.mu.Unlock()
		b := w.login(bob) // and reads no more, so that nothing more is written
		synctest.Wait()
		first := a.message("first", bob)
		synctest.Wait()
		close(pass)
		synctest.Wait()
		second := a.message("second", bob)
		synctest.Wait()
		recipient := b.pump(b.acking)
		synctest.Wait()
		if got := recipient.messages(); !slices.Equal(got, []crypto.MessageID{first, second}) {
			t.Errorf("%d messages came, or not the first first", len(got))
		}
		if sender.heard(first, protocol.ReceiptDelivered) != 1 || sender.heard(second, protocol.ReceiptDelivered) != 1 {
			t.Error("the sender was not told")
		}
	}, hooked(h))
}

// TestNothingOvertakesARefusal: what the relay has got in the same piece as a
// message that it cannot take does not get ahead of it.
func TestNothingOvertakesARefusal(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	first, second := letter("first", bob), letter("second", bob)
	var failed atomic.Bool
	s.set(func(op string) error {
		if op == "relation" && failed.CompareAndSwap(false, true) {
			return errDisk
		}
		return nil
	})
	a.burst(first, second)
	a.refused(first.ID, bob, protocol.CodeUnavailable)
	a.expectClose(websocket.CloseInternalServerErr)
	a = w.online(alice)
	a.send(first)
	a.send(second)
	b.ack(b.takes(first.ID, second.ID))
	delivered(a, bob, first.ID, second.ID)
}

// TestNothingOvertakesAFailedBatch: the same, for a batch that was not appended.
func TestNothingOvertakesAFailedBatch(t *testing.T) {
	w, h := newHookedWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a := w.online(alice)
	var frames []protocol.Frame
	var ids []crypto.MessageID
	for range 100 { // more than a batch, and less than is read at once
		f := letter("x", bob)
		frames, ids = append(frames, f), append(ids, f.ID)
	}
	var failed atomic.Bool
	h.onAppend(func(ds []relay.Delivery) error {
		if len(ds) == 64 && failed.CompareAndSwap(false, true) {
			return errDisk
		}
		return nil
	})
	a.burst(frames...)
	if err := a.untilEnd(); !websocket.IsCloseError(err, websocket.CloseInternalServerErr) {
		t.Fatal(err)
	}
	a = w.login(alice)
	a.burst(frames...)
	a.hearsStored(bob, ids...)
	w.holds(bob, ids...)
}

// TestNothingOvertakesAFailedSpill: nor what was in memory alone when the store
// failed, though its sender has not been told yet.
func TestNothingOvertakesAFailedSpill(t *testing.T) {
	var pass chan struct{}
	h := &hooks{}
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a, b := w.login(alice), w.login(bob)
		b.pump(nil)
		synctest.Wait()
		first, second := letter("first", bob), letter("second", bob)
		in := a.pump(nil)
		a.send(first)
		synctest.Wait()
		h.onAppend(func([]relay.Delivery) error { return errDisk })
		b.ws.Close()
		synctest.Wait()
		h.onAppend(nil)
		a.tryWrite(second)
		synctest.Wait()
		close(pass)
		time.Sleep(5 * time.Second)
		if !in.closed(websocket.CloseInternalServerErr) {
			t.Fatalf("the sender sees %v", in.ended())
		}
		a = w.login(alice)
		a.pump(nil)
		a.send(first)
		a.send(second)
		synctest.Wait()
		w.holds(bob, first.ID, second.ID)
	}, hooked(h), func(c *relay.Config) {
		pass = make(chan struct{})
		c.Logger = slog.New(stuckLog{slog.DiscardHandler, pass})
	})
}

// TestSlowAcks: a device that acks one message each 14 seconds lives; what it
// leaves in memory for long is stored, whatever is in flight before it.
func TestSlowAcks(t *testing.T) {
	const each = protocol.AckTimeout - time.Second
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a, b := w.login(alice), w.login(bob)
		sender, recipient := a.pump(nil), b.pump(nil)
		synctest.Wait()
		sent := map[crypto.MessageID]time.Time{}
		var ids []crypto.MessageID
		send := func() {
			ids = append(ids, a.message("hello", bob))
			sent[ids[len(ids)-1]] = time.Now()
			synctest.Wait()
		}
		for range 10 {
			send()
		}
		acked := 0
		for acked < 15 {
			time.Sleep(each)
			if acked < 5 {
				send() // while others are in flight
			}
			acked++
			b.ack(uint64(acked))
			synctest.Wait()
			if sender.heard(ids[acked-1], protocol.ReceiptDelivered) != 1 {
				t.Fatalf("message %d was not delivered once", acked)
			}
			for i, id := range ids {
				waits := time.Since(sent[id])
				if i >= acked && waits >= 2*protocol.AckTimeout && sender.heard(id, protocol.ReceiptStored) != 1 {
					t.Fatalf("message %d is in memory alone, or so, after %v", i+1, waits)
				}
			}
		}
		if err := recipient.ended(); err != nil {
			t.Errorf("the recipient was cut off: %v", err)
		}
		if got := recipient.messages(); len(got) != len(ids) {
			t.Errorf("%d frames came, of %d messages", len(got), len(ids))
		}
		w.even()
	})
}

// TestOldAcks: who repeats an ack and gives no new one does not read.
func TestOldAcks(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a, b := w.login(alice), w.login(bob)
		a.pump(nil)
		recipient := b.pump(nil)
		synctest.Wait()
		for range 2 {
			a.message("hello", bob)
		}
		synctest.Wait()
		for range 10 {
			b.tryWrite(&protocol.Ack{Seq: 1})
			time.Sleep(5 * time.Second)
		}
		if !recipient.closed(protocol.CloseSlow) {
			t.Errorf("after 50 seconds: %v", recipient.ended())
		}
	})
}

// TestBlindAcks: who acks what it has not read does not fill the relay's memory.
func TestBlindAcks(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		const size, bound = 20_000, 4 << 20
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a, b := w.login(alice), w.login(bob)
		a.pump(nil)
		if _, _, err := b.ws.ReadMessage(); err != nil { // caught_up, and no more
			t.Fatal(err)
		}
		text := string(make([]byte, size))
		for n := uint64(1); ; n++ {
			a.message(text, bob)
			synctest.Wait()
			if n := w.relay.Snapshot(); n[relay.CountSpills]+n[relay.CountMessages] > 0 {
				break
			}
			if n*size > bound {
				t.Fatalf("%d messages wait in memory for one who does not read", n)
			}
			b.ack(n)
		}
		b.ws.Close()
	})
}

// TestSpilledComesOnce: what was handed on, then stored because there was too
// much of it, and acked before the mailbox was read, is not sent again.
func TestSpilledComesOnce(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	var ids []crypto.MessageID
	for range 256 { // as much as may be in flight
		ids = append(ids, a.message("x", bob))
	}
	seq := b.takes(ids...)
	last := a.message("x", bob)
	a.hearsStored(bob, append(ids, last)...)
	b.ack(seq)
	b.ack(b.takes(last))
	heard := map[crypto.MessageID]bool{}
	for len(heard) <= len(ids) { // some twice, see conn.empty
		heard[expect[*protocol.Receipt](a).ID] = true
	}
	b.expectSettled(alice)
	w.holds(bob)
}

// TestSlowStoreIsNotASlowClient: a client that reads is not cut off because
// somebody else's frame, which has an answer for it, hangs in the store.
func TestSlowStoreIsNotASlowClient(t *testing.T) {
	h := &hooks{}
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob, carol := w.insert("alice"), w.insert("bob"), w.insert("carol")
		w.befriend(alice, bob)
		w.befriend(bob, carol)
		a, b, c := w.login(alice), w.login(bob), w.login(carol)
		sender := a.pump(nil)
		b.pump(nil)
		c.pump(nil)
		synctest.Wait()
		for range 256 { // all that carol may leave unacked
			b.message("x", carol)
		}
		id := a.message("hello", bob)
		synctest.Wait()
		pass := make(chan struct{})
		h.onAppend(func([]relay.Delivery) error { <-pass; return nil })
		b.burst(&protocol.Ack{Seq: 1}, letter("one too many", carol))
		for range 1000 {
			a.block(alice)
		}
		time.Sleep(8 * time.Second)
		if err := sender.ended(); err != nil {
			t.Errorf("one who reads was cut off: %v", err)
		}
		close(pass)
		synctest.Wait()
		if sender.heard(id, protocol.ReceiptDelivered) != 1 {
			t.Error("the answer has not come")
		}
	}, hooked(h))
}
