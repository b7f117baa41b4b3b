package client

import (
	"context"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// script is a relay that does what a test says, in memory and in fake time. It
// gives each connection in turn to the next function; when there is none,
// nothing listens.
type script struct {
	t    *testing.T
	w    *world
	key  crypto.RelayPrivate
	keys Keys // of the client

	mu    sync.Mutex
	conns []func(*line)
	dials []time.Time
}

// line is the relay's end of a connection.
type line struct {
	*script
	ws *websocket.Conn
}

// newScript makes alice, whose relay it is, and a client of hers.
func newScript(t *testing.T, conns ...func(*line)) (*script, *MemStore, *Client) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	store := alice.store
	store.keys.Server = Server{Host: "localhost", Port: "8443", Plain: true, Pin: w.relay.Public().Fingerprint()}
	c, err := New(store)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, w: w, key: w.relay, keys: store.keys, conns: conns}
	c.netDial = s.dial
	return s, store, c
}

// run runs a client for the rest of a test, or until the returned function is
// called, which waits for its end.
func run(t *testing.T, c *Client) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

func (s *script) dial(context.Context, string, string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials = append(s.dials, time.Now())
	if len(s.conns) == 0 {
		return nil, syscall.ECONNREFUSED
	}
	f := s.conns[0]
	s.conns = s.conns[1:]
	ours, theirs := net.Pipe()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			s.t.Error(err)
			return
		}
		defer ws.Close()
		f(&line{s, ws})
	})}
	ln := make(oneConn, 1)
	ln <- ours
	go server.Serve(ln)
	return theirs, nil
}

func (s *script) dialled() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.dials...)
}

// oneConn is a listener with one connection.
type oneConn chan net.Conn

func (l oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l:
		return c, nil
	default:
		return nil, net.ErrClosed
	}
}

func (l oneConn) Close() error   { return nil }
func (l oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func (l *line) send(f protocol.Frame) { l.raw(websocket.TextMessage, protocol.Encode(f)) }

func (l *line) raw(kind int, b []byte) {
	l.ws.SetWriteDeadline(time.Now().Add(protocol.WriteTimeout))
	l.ws.WriteMessage(kind, b) // a client that has left is for read to find out
}

// read returns the next frame of the client, or nil when it has left. With whom
// it shares its presence is passed over.
func (l *line) read() protocol.Frame {
	for {
		f := l.readAny()
		if _, shares := f.(*protocol.SharePresence); !shares {
			return f
		}
	}
}

func (l *line) readAny() protocol.Frame {
	_, b, err := l.ws.ReadMessage()
	if err != nil {
		return nil
	}
	f, err := protocol.DecodeFromClient(b)
	if err != nil {
		l.t.Errorf("the client sent %s: %v", b, err)
	}
	return f
}

// want reads frames and fails if one is of another type.
func want[F protocol.Frame](l *line) F {
	f, ok := l.read().(F)
	if !ok {
		l.t.Errorf("the client did not send a frame of type %T", f)
	}
	return f
}

// gone waits until the client has left and fails if it says anything before.
func (l *line) gone() {
	for f := l.read(); f != nil; f = l.read() {
		l.t.Errorf("the client said %s", f.Type())
	}
}

func (l *line) challenge() crypto.Nonce {
	n := crypto.NewNonce()
	l.send(&protocol.Challenge{Version: protocol.Version, Relay: l.key.Public(), Nonce: n, Signature: crypto.SignChallenge(l.key, n)})
	return n
}

// proof reads the answer to a challenge and checks it.
func (l *line) proof(n crypto.Nonce) crypto.Login {
	f := want[*protocol.Authenticate](l)
	if f == nil {
		return crypto.Login{}
	}
	p := crypto.Login{
		Relay: l.key.Public(), Host: f.Host, Certificate: l.keys.Certificate.Hash(), Address: f.Address,
		RelayNonce: n, ClientNonce: f.Nonce,
	}
	if f.Host != "localhost" || f.Address != l.keys.Certificate.Address() || !p.Verify(l.keys.Device.Public(), f.Signature) {
		l.t.Errorf("a bad proof: %+v", f)
	}
	return p
}

// login does what a relay does first.
func (l *line) login() {
	p := l.proof(l.challenge())
	l.send(&protocol.Authenticated{Time: 1, Signature: p.SignWelcome(l.key)})
}

func (l *line) close(code int) {
	l.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	l.ws.ReadMessage() // its answer
}

func (l *line) stored(id crypto.MessageID) {
	l.send(&protocol.Receipt{ID: id, State: protocol.ReceiptStored})
}

// fromBob is a message of bob's on its way to alice.
func (s *script) fromBob(seq uint64, text string) *protocol.EncryptedMessage {
	alice, bob := s.w.pair("alice", "bob")
	c := newContent(contentText, text, time.Now())
	return &protocol.EncryptedMessage{Seq: seq, From: bob.cert().Address(), ID: c.ID, Time: 1, Data: sealed(s.t, bob, alice, c)}
}

// status waits until everything has come to rest and returns the status.
func status(c *Client) Status {
	synctest.Wait()
	s, _ := c.Status(context.Background())
	return s
}
