package relay_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

// pipes is a listener whose connections are pipes without any buffer.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// inFakeTime runs a test with a relay behind pipes, in a bubble of fake time.
func inFakeTime(t *testing.T, test func(t *testing.T, w *world), change ...func(*relay.Config)) {
	synctest.Test(t, func(t *testing.T) {
		store, err := relaystore.OpenMem()
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, key: crypto.NewRelayPrivate(), store: store, pipes: newPipes(), addr: "relay"}
		cfg := relay.Config{Key: w.key, Directory: store, Prekeys: store, Mailboxes: store, Limits: ratelimit.Unlimited()}
		for _, f := range change {
			f(&cfg)
		}
		w.relay = relay.New(cfg)
		served := make(chan error, 1)
		go func() { served <- w.relay.Serve(context.Background(), w.pipes, nil) }()
		test(t, w)
		if err := w.relay.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if left := w.relay.Leftovers(); left != "" {
			t.Errorf("after Shutdown: %s", left)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// insert makes a user without HTTP.
func (w *world) insert(name string) *person {
	p := newPerson(w.key.Public(), name)
	if err := w.store.CreateUser(context.Background(), p.cert, relay.RawPrekey{ID: p.signed.ID, Raw: p.signed.Raw()}); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// within runs f and says how long it took.
func within(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

func TestLoginTimeout(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		c := w.dial()
		expect[*protocol.Challenge](c)
		took := within(func() { c.expectClose(websocket.ClosePolicyViolation) })
		if took != protocol.LoginTimeout {
			t.Errorf("closed after %v", took)
		}
		c = w.dial()
		expect[*protocol.Challenge](c)
		var pinging sync.WaitGroup
		pinging.Go(func() { // half a frame, and pings, do not help
			c.ws.NetConn().Write([]byte{0x01, 0x81, 0, 0, 0, 0, '{'})
			for c.ws.WriteControl(websocket.PingMessage, nil, noDeadline) == nil {
				time.Sleep(time.Second)
			}
		})
		if took := within(func() { c.expectClose(websocket.ClosePolicyViolation) }); took != protocol.LoginTimeout {
			t.Errorf("closed after %v", took)
		}
		pinging.Wait()
		if n := w.relay.Snapshot()[relay.CountLoginTimeout]; n != 2 {
			t.Errorf("%d were counted", n)
		}
	})
}

// untilEnd reads, for as long as it takes, why the connection ends.
func (c *peer) untilEnd() error {
	c.ws.SetReadDeadline(noDeadline)
	for {
		if _, _, err := c.ws.ReadMessage(); err != nil {
			return err
		}
	}
}

func TestPings(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		c := w.login(w.insert("alice"))
		var pings []time.Duration
		began := time.Now()
		pong := c.ws.PingHandler()
		c.ws.SetPingHandler(func(data string) error {
			pings = append(pings, time.Since(began))
			if len(pings) <= 3 {
				return pong(data)
			}
			return nil
		})
		if err := c.untilEnd(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
			t.Errorf("ended by %v", err)
		}
		// Three pings were answered; the silence counts from the last answer.
		if took := time.Since(began); took != 3*protocol.PingInterval+protocol.ReadTimeout {
			t.Errorf("ended after %v", took)
		}
		if len(pings) != 5 || pings[0] != protocol.PingInterval {
			t.Errorf("pinged at %v", pings)
		}
		synctest.Wait()
		if n := w.relay.Snapshot()[relay.CountSilent]; n != 1 {
			t.Errorf("%d were counted", n)
		}
	})
}

// TestPingsOfTheClient keep a connection as well.
func TestPingsOfTheClient(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		c := w.login(w.insert("alice"))
		c.ws.SetPingHandler(func(string) error { return nil })
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.untilEnd()
		}()
		for range 10 {
			time.Sleep(protocol.ReadTimeout - time.Second)
			if err := c.ws.WriteControl(websocket.PingMessage, nil, noDeadline); err != nil {
				t.Fatal(err)
			}
		}
		if took := within(func() { <-ended }); took != protocol.ReadTimeout {
			t.Errorf("ended %v after the last ping", took)
		}
	})
}

// flood sends frames that need an answer until the relay takes no more.
func flood(c *peer) (done chan struct{}) {
	done = make(chan struct{})
	text := protocol.Encode(&protocol.Block{ID: crypto.NewMessageID(), Target: c.cert.User})
	go func() {
		defer close(done)
		for c.ws.WriteMessage(websocket.TextMessage, text) == nil {
		}
	}()
	return done
}

// TestSlowClient: who sends and does not read is told so and cut off, and the
// relay has kept no more than its queue for them.
func TestSlowClient(t *testing.T) {
	const patience = 5 * time.Second
	answers := uint64(64<<10) / uint64(len(protocol.Encode(&protocol.Error{Code: protocol.CodeSelf, Message: "that is you", ID: &crypto.MessageID{1}}))) // that fill the queue
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		a, b := w.login(alice), w.login(bob)
		flooding := flood(a)
		synctest.Wait()
		taken := w.relay.Snapshot()["refused_self"]
		time.Sleep(patience - 1)
		synctest.Wait()
		if n := w.relay.Snapshot(); n["refused_self"] != taken || n[relay.CountSlow] != 0 || taken > 2*answers+2 {
			t.Errorf("%d frames were taken, then %d; cut %d", taken, n["refused_self"], n[relay.CountSlow])
		}
		b.refused(b.request(bob), nil, protocol.CodeSelf) // nobody else waits
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		for { // what was being written, then why
			_, err := a.read()
			if websocket.IsCloseError(err, protocol.CloseSlow) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		a.ws.Close()
		<-flooding
	})
}

// TestCommitsUnderWay: while the disk stands, a sender is read only so far.
func TestCommitsUnderWay(t *testing.T) {
	const underWay = 64
	var gate chan struct{}
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a := w.login(alice)
		a.catchUp()
		sent := make(chan []crypto.MessageID)
		go func() {
			var ids []crypto.MessageID
			for range 2 * underWay {
				ids = append(ids, a.message("x", bob))
			}
			sent <- ids
		}()
		synctest.Wait()
		if n := w.relay.Snapshot()[relay.CountMessages]; n != underWay+1 {
			t.Errorf("%d messages were taken", n)
		}
		close(gate)
		received := make(chan []crypto.MessageID)
		go func() {
			var ids []crypto.MessageID
			for range 2 * underWay {
				ids = append(ids, expect[*protocol.Receipt](a).ID)
			}
			received <- ids
		}()
		if ids := <-sent; !slices.Equal(ids, <-received) {
			t.Error("the receipts are out of order")
		}
	}, func(c *relay.Config) {
		gate = make(chan struct{}) // inside the bubble
		s := &faulty{Directory: c.Directory, stocks: c.Prekeys, Mailboxes: c.Mailboxes, gate: gate}
		c.Directory, c.Prekeys, c.Mailboxes = s, s, s
	})
}

// TestStuckClient: who does not even read why loses the socket.
func TestStuckClient(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		a := w.login(w.insert("alice"))
		flooding := flood(a)
		if took := within(func() { <-flooding }); took != 7*time.Second {
			t.Errorf("cut after %v", took)
		}
		if n := w.relay.Snapshot()[relay.CountSlow]; n != 1 {
			t.Errorf("%d were counted", n)
		}
	})
}

// catchUp reads the caught_up of an empty mailbox.
func (c *peer) catchUp() {
	c.t.Helper()
	if _, b, err := c.ws.ReadMessage(); err != nil || string(b) != string(protocol.Encode(&protocol.CaughtUp{})) {
		c.t.Fatalf("got %s %v", b, err)
	}
}

// TestWriteTimeout: a frame of the mailbox that is not taken ends the
// connection, and comes again.
func TestWriteTimeout(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		a, b := w.login(alice), w.login(bob)
		a.catchUp()
		b.catchUp()
		id := a.message("hello", bob)
		time.Sleep(protocol.WriteTimeout)
		a.expectStored(id, bob)
		synctest.Wait()
		if n := w.relay.Snapshot()[relay.CountWriteFailed]; n != 1 {
			t.Fatalf("%d were counted", n)
		}
		if f, err := b.read(); err == nil {
			t.Errorf("got %s", protocol.Encode(f))
		}
		b = w.login(bob)
		if f := expect[*protocol.EncryptedMessage](b); f.ID != id {
			t.Errorf("got %s", protocol.Encode(f))
		}
	})
}

// TestTakeoverOfAStuckClient: a dead socket does not keep its device away for
// longer than the grace of a close.
func TestTakeoverOfAStuckClient(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice := w.insert("alice")
		w.login(alice)
		if took := within(func() { w.login(alice) }); took != 2*time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

// TestStaleNonce: a registration nonce ends after its time.
func TestStaleNonce(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		body := w.registration(newPerson(w.key.Public(), "alice"))
		time.Sleep(crypto.NonceLifetime + time.Second)
		w.expectHTTP(w.post(body), 403, protocol.CodeStale)
	})
}

// TestServeEnds: Serve ends with its context, and with its listener.
func TestServeEnds(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error)
		go func() { served <- w.relay.Serve(ctx, newPipes(), nil) }()
		synctest.Wait()
		cancel()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Errorf("with its context: %v", err)
		}
		broken := newPipes()
		go func() { served <- w.relay.Serve(context.Background(), broken, nil) }()
		synctest.Wait()
		broken.Close()
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("with its listener: %v", err)
		}
	})
}
