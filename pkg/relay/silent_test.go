package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// TestAckTimeout: a device that reads and does not ack is cut off, what it got
// is stored, and its next connection gets it again.
func TestAckTimeout(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a, b := w.login(alice), w.login(bob)
		sender, recipient := a.pump(nil), b.pump(nil)
		synctest.Wait()
		ids := []crypto.MessageID{a.message("one", bob), a.message("two", bob)}
		synctest.Wait()
		time.Sleep(protocol.AckTimeout - 1)
		synctest.Wait()
		if recipient.ended() != nil || len(w.entries(bob)) != 0 {
			t.Errorf("too early: %v, %d are stored", recipient.ended(), len(w.entries(bob)))
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !recipient.closed(protocol.CloseSlow) {
			t.Errorf("the recipient sees %v", recipient.ended())
		}
		w.holds(bob, ids...)
		for _, id := range ids {
			if sender.heard(id, protocol.ReceiptStored) != 1 {
				t.Error("the sender has not heard that it is stored")
			}
		}
		if n := w.relay.Snapshot(); n[relay.CountUnacked] != 1 || n[relay.CountSpills] != 1 {
			t.Errorf("counted %v", n)
		}
		w.even()
		b = w.login(bob)
		recipient = b.pump(b.acking)
		synctest.Wait()
		for i, id := range recipient.messages() {
			if id != ids[i] || sender.heard(id, protocol.ReceiptDelivered) != 1 {
				t.Errorf("message %d has not come again, or nobody was told", i)
			}
		}
		time.Sleep(2 * protocol.AckTimeout)
		if err := recipient.ended(); err != nil || len(recipient.messages()) != 2 {
			t.Errorf("then: %d messages, %v", len(recipient.messages()), err)
		}
		w.holds(bob)
	})
}

// TestOneStopsReading: others notice nothing of a device that takes no more.
// What is for it is stored at once, and nothing is lost when it is cut off.
func TestOneStopsReading(t *testing.T) {
	const messages = 1000
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob, carol := w.insert("alice"), w.insert("bob"), w.insert("carol")
		w.befriend(alice, bob)
		w.befriend(alice, carol)
		a, b, c := w.login(alice), w.login(bob), w.login(carol)
		if _, _, err := b.ws.ReadMessage(); err != nil { // caught_up, and no more
			t.Fatal(err)
		}
		sender, other := a.pump(nil), c.pump(c.acking)
		synctest.Wait()
		began := time.Now()
		text := string(make([]byte, 2000))
		var forBob, forCarol []crypto.MessageID
		for range messages {
			forBob, forCarol = append(forBob, a.message(text, bob)), append(forCarol, a.message(text, carol))
			synctest.Wait()
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the sender was held up for %v", took)
		}
		for i, id := range other.messages() {
			if id != forCarol[i] {
				t.Fatalf("message %d of the other is another", i)
			}
		}
		for i := range messages {
			if sender.heard(forCarol[i], protocol.ReceiptDelivered) != 1 {
				t.Fatalf("message %d of the other was not delivered", i)
			}
			if sender.heard(forBob[i], protocol.ReceiptStored) != 1 {
				t.Fatalf("message %d was not stored", i)
			}
		}
		if n := w.relay.Airborne(); n != 0 {
			t.Errorf("%d bytes are in memory alone", n)
		}
		time.Sleep(protocol.WriteTimeout)
		synctest.Wait()
		if w.relay.Connected(bob.addr()) {
			t.Error("who reads nothing is still there")
		}
		b = w.login(bob)
		recipient := b.pump(b.acking)
		synctest.Wait()
		got := recipient.messages()
		if len(got) != messages {
			t.Fatalf("%d messages came", len(got))
		}
		for i, id := range got {
			if id != forBob[i] {
				t.Fatalf("message %d is another", i)
			}
		}
	})
}
