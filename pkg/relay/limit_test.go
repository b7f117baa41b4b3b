package relay_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

// TestFlood: who sends too much is read more slowly, then refused with a time
// to try again, and the others notice nothing.
func TestFlood(t *testing.T) {
	const burst = 10
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a, b := w.login(alice), w.login(bob)
		a.catchUp()
		b.catchUp()
		arrived := make(chan crypto.MessageID, 4*burst)
		b.pump(func(f protocol.Frame) {
			if m, ok := f.(*protocol.EncryptedMessage); ok {
				b.ack(m.Seq)
				arrived <- m.ID
			}
		})
		began := time.Now()
		for range burst + 5 { // the burst, and then one a second
			id := a.message("x", bob)
			delivered(a, bob, id)
			<-arrived
		}
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("15 frames took %v", took)
		}
		if n := w.relay.Snapshot()[relay.CountSlowed]; n == 0 {
			t.Error("nobody was slowed")
		}
		var id crypto.MessageID
		var refused *protocol.Error
		for refused == nil && len(arrived) < 2*burst {
			id = a.message("x", bob)
			f, err := a.read()
			if err != nil {
				t.Fatal(err)
			}
			refused, _ = f.(*protocol.Error)
		}
		if refused == nil || refused.Code != protocol.CodeRateLimited || *refused.ID != id || *refused.Recipient != bob.addr() || refused.RetryAfter == 0 {
			t.Fatalf("refused by %+v", refused)
		}
		a.expectClose(websocket.CloseTryAgainLater)

		time.Sleep(time.Duration(refused.RetryAfter) * time.Millisecond)
		a = w.login(alice)
		a.catchUp()
		a.send(&protocol.SendMessage{ID: id, Recipients: []crypto.Address{bob.addr()}, EncryptedData: []protocol.Sealed{[]byte("x")}})
		for <-arrived != id { // it comes behind those before it
		}
		delivered(a, bob, id)
	}, func(c *relay.Config) {
		c.Limits = ratelimit.Unlimited()
		c.Limits.FramesPerUser = ratelimit.Rate{Count: 1, Per: time.Second, Burst: burst}
		c.Limits.SustainedFramesPerUser = ratelimit.Rate{Count: 1, Per: time.Minute, Burst: 2 * burst}
	})
}

// nextMessage reads the next message.
func (c *peer) nextMessage() *protocol.EncryptedMessage {
	c.t.Helper()
	return expect[*protocol.EncryptedMessage](c)
}

// TestRequestsAreCounted: requests of one user and prekeys of one target have
// rates of their own; the connection lives.
func TestRequestsAreCounted(t *testing.T) {
	once := ratelimit.Rate{Count: 1, Per: time.Hour, Burst: 1}
	w := newWorld(t, func(c *relay.Config) {
		c.Limits.ConnectRequestsPerUser, c.Limits.PrekeyFetchesPerUser, c.Limits.PrekeyPublicationsPerUser = once, once, once
	})
	alice, bob := w.register("alice"), w.register("bob")
	a := w.login(alice)
	a.expectStored(a.request(bob), nil)
	a.rateLimited(a.request(bob))
	a.expectPrekeys(a.fetch("bob"), bob, 1)
	a.rateLimited(a.fetch("bob"))
	first := &protocol.PublishPrekeys{ID: crypto.NewMessageID(), Signed: alice.prekey(crypto.PrekeySigned, 2).Raw()}
	a.send(first)
	a.expectStored(first.ID, nil)
	a.send(first)
	a.rateLimited(first.ID)
	a.refused(a.message("x", alice), alice, protocol.CodeSelf)
}

func (c *peer) rateLimited(id crypto.MessageID) {
	c.t.Helper()
	if f := c.expectError(protocol.CodeRateLimited); f.ID == nil || *f.ID != id || f.RetryAfter == 0 {
		c.t.Fatalf("refused by %s", protocol.Encode(f))
	}
}

// TestOneTimePrekeysLast: strangers together do not empty a stock; above the
// rate a handshake does without.
func TestOneTimePrekeysLast(t *testing.T) {
	w := newWorld(t, func(c *relay.Config) {
		c.Limits.OneTimePrekeysPerTarget = ratelimit.Rate{Count: 1, Per: time.Hour, Burst: 2}
	})
	alice, bob := w.register("alice"), w.register("bob")
	w.stock(bob, bob.oneTimes(2, 10))
	a := w.login(alice)
	for i := range 5 {
		a.fetch("bob")
		if f := expect[*protocol.Prekeys](a); (len(f.OneTime) > 0) != (i < 2) {
			t.Errorf("look-up %d has got a one-time prekey of %d bytes", i, len(f.OneTime))
		}
	}
	if _, stock := w.loginStock(bob); stock.OneTime != 8 {
		t.Errorf("%d are left", stock.OneTime)
	}
}

// TestHTTPIsCounted: requests and registrations by address, as a proxy on this
// machine gives it.
func TestHTTPIsCounted(t *testing.T) {
	w := newWorld(t, func(c *relay.Config) {
		c.Proxies = ratelimit.ThisMachine()
		c.Limits.RegistrationsPerAddress = ratelimit.Rate{Count: 1, Per: time.Hour, Burst: 1}
		c.Limits.ConnectionsPerAddress = 1
	})
	from := func(req *http.Request, address string) *http.Request {
		req.Header.Set("X-Forwarded-For", address)
		return req
	}
	register := func(name, address string) int {
		status, header, _ := w.do(from(w.post(w.registration(newPerson(w.key.Public(), name))), address))
		if (header.Get("Retry-After") != "") != (status == http.StatusTooManyRequests) {
			t.Errorf("%d, with Retry-After %q", status, header.Get("Retry-After"))
		}
		return status
	}
	if got := register("alice", "192.0.2.1"); got != http.StatusCreated {
		t.Errorf("the first: %d", got)
	}
	if got := register("bob", "192.0.2.1"); got != http.StatusTooManyRequests {
		t.Errorf("the second: %d", got)
	}
	if got := register("bob", "192.0.2.2"); got != http.StatusCreated {
		t.Errorf("of another address: %d", got)
	}
	dial := func(address string) int {
		ws, resp, err := websocket.DefaultDialer.Dial("ws://"+w.addr+protocol.PathSocket, http.Header{"X-Forwarded-For": {address}})
		if err == nil {
			t.Cleanup(func() { ws.Close() })
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if got := []int{dial("192.0.2.1"), dial("192.0.2.1"), dial("192.0.2.2")}; got[0] != 101 || got[1] != http.StatusTooManyRequests || got[2] != 101 {
		t.Errorf("the sockets: %v", got)
	}
}

// TestExpire: what has waited for too long is dropped, the rest stays, and the
// sender hears of it, once.
func TestExpire(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob, carol := w.insert("alice"), w.insert("bob"), w.insert("carol")
		w.befriend(alice, bob)
		w.befriend(alice, carol)
		a := w.login(alice)
		a.catchUp()
		var old []crypto.MessageID
		for range 300 { // more than are dropped at once
			id := a.message("old", bob)
			a.expectStored(id, bob)
			old = append(old, id)
		}
		other := a.message("old", carol)
		a.expectStored(other, carol)
		a.ws.Close()
		time.Sleep(20 * time.Hour)
		a = w.login(alice)
		a.catchUp()
		young := a.message("young", bob)
		a.expectStored(young, bob)
		a.ws.Close()
		time.Sleep(5 * time.Hour)
		for i, want := range []int{301, 0} {
			if n, err := w.relay.Expire(t.Context()); n != want || err != nil {
				t.Errorf("time %d: %d were dropped, %v", i, n, err)
			}
		}
		b := w.login(bob)
		if f := b.nextMessage(); f.ID != young {
			t.Errorf("bob got %s", protocol.Encode(f))
		}
		b.ws.Close()
		a = w.login(alice)
		for _, id := range append(old, other) {
			f := expect[*protocol.Receipt](a)
			if f.State != protocol.ReceiptExpired || f.ID != id || f.Seq == 0 {
				t.Fatalf("alice heard %s", protocol.Encode(f))
			}
			a.ack(f.Seq)
		}
		a.ws.Close()
	}, func(c *relay.Config) {
		c.Limits = ratelimit.Unlimited()
		c.Limits.MailboxDays = 1
	})
}
