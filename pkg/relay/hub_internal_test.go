package relay

import (
	"net"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
)

// testConn makes a connection without a WebSocket, and its peer's end.
func testConn(t *testing.T, r *Relay, me crypto.Address) (*conn, net.Conn) {
	ours, theirs := net.Pipe()
	t.Cleanup(func() {
		ours.Close()
		theirs.Close()
	})
	c := newConn(r, nil, &gate{Conn: theirs})
	c.me, c.name = me, me.String()
	c.flow = r.limiters.Flows.Enter(time.Now(), me.User)
	c.begun, c.writing = true, true // by nobody: the test looks at what is queued
	return c, ours
}

func testRelay(users ...crypto.Certificate) (*Relay, *memory) {
	store := newMemory(users...)
	return New(Config{Key: crypto.NewRelayPrivate(), Directory: store, Prekeys: store, Mailboxes: store}), store
}

// TestHub: who was taken over does not take its successor along.
func TestHub(t *testing.T) {
	r, _ := testRelay()
	me := crypto.Address{User: "alice"}
	first, _ := testConn(t, r, me)
	second, _ := testConn(t, r, me)
	if r.hub.claim(first, second) || !r.hub.claim(first, nil) {
		t.Error("somebody was there before the first")
	}
	if r.hub.claim(second, nil) || !r.hub.claim(second, first) {
		t.Error("the second does not know of the first")
	}
	r.hub.release(first)
	r.hub.nudge(me)
	if first.mail || !second.mail {
		t.Error("the second was not told of its mail")
	}
	r.hub.runLow(me)
	if first.stock || !second.stock {
		t.Error("the second was not told of its prekeys")
	}
	r.hub.release(second)
	r.hub.runLow(me)
	r.hub.nudge(me) // nobody
	if len(r.hub.conns) != 0 {
		t.Error("the hub is not empty")
	}
}

// TestStockIsToldOnce: however often a stock runs low before the sender gets to
// it, and before what is in the mailbox.
func TestStockIsToldOnce(t *testing.T) {
	r, _ := testRelay()
	c, _ := testConn(t, r, crypto.Address{User: "alice"})
	c.nudge()
	for range 3 {
		c.tellStock()
	}
	if _, _, stock, mail, _ := c.work(); !stock || mail == 0 {
		t.Errorf("the stock %v, mail %d", stock, mail)
	}
	if _, _, stock, mail, _ := c.work(); stock || mail != 0 {
		t.Errorf("then: the stock %v, mail %d", stock, mail)
	}
}

// TestLateConnection: one that was admitted before the relay ended, and is
// known only after, is closed like the others.
func TestLateConnection(t *testing.T) {
	r, _ := testRelay()
	if ok, _ := r.admit(0); !ok {
		t.Fatal("there was no place")
	}
	r.endAll(closeRestart)
	c, _ := testConn(t, r, crypto.Address{})
	r.enter(c)
	if c.why != closeRestart {
		t.Error("it was left open")
	}
	c.grace.Stop()
	if ok, _ := r.admit(0); ok {
		t.Error("a relay that ends has admitted another")
	}
}
