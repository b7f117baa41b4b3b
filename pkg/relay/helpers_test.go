package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

const host = "127.0.0.1"

// world is a relay on a loopback port over a store in memory.
type world struct {
	t     testing.TB
	key   crypto.RelayPrivate
	store *relaystore.Store
	relay *relay.Relay
	addr  string
	pipes *pipes // in place of a port, in fake time
	stop  func()
}

func newWorld(t testing.TB, change ...func(*relay.Config)) *world {
	t.Helper()
	store, err := relaystore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := &world{t: t, key: crypto.NewRelayPrivate(), store: store}
	w.start(change...)
	t.Cleanup(func() { w.stop() })
	return w
}

// start serves a new relay over the world's store.
func (w *world) start(change ...func(*relay.Config)) {
	w.t.Helper()
	cfg := relay.Config{Key: w.key, Directory: w.store, Prekeys: w.store, Mailboxes: w.store, Limits: ratelimit.Unlimited()}
	for _, f := range change {
		f(&cfg)
	}
	w.relay = relay.New(cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- w.relay.Serve(context.Background(), ln, nil) }()
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := w.relay.Shutdown(ctx); err != nil {
			w.t.Errorf("Shutdown: %v", err)
		}
		if left := w.relay.Leftovers(); left != "" {
			w.t.Errorf("after Shutdown: %s", left)
		}
		if err := <-served; err != w.relay.Err() {
			w.t.Errorf("Serve: %v", err)
		}
	}
}

func (w *world) url(path string) string { return "http://" + w.addr + path }

// do makes one HTTP request without keeping the connection.
func (w *world) do(req *http.Request) (status int, header http.Header, body []byte) {
	w.t.Helper()
	req.Close = true
	transport := http.DefaultTransport
	if w.pipes != nil {
		transport = &http.Transport{DialContext: w.pipes.dial}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

func (w *world) request(method, path, body string) *http.Request {
	w.t.Helper()
	req, err := http.NewRequest(method, w.url(path), bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func decode[T any](t testing.TB, b []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

// person has the keys of one device.
type person struct {
	account crypto.AccountPrivate
	device  crypto.DevicePrivate
	cert    crypto.Certificate
	signed  crypto.Prekey // the first
	host    string
}

func newPerson(relay crypto.RelayPublic, name string) *person {
	p := &person{account: crypto.NewAccountPrivate(), device: crypto.NewDevicePrivate(), host: host}
	p.cert = crypto.NewCertificate(p.account, crypto.Certificate{
		Relay: relay, User: crypto.Username(name), Device: crypto.NewDeviceID(),
		Login: p.device.Public(), Box: crypto.NewBoxPrivate().Public(), Created: time.Now(),
	})
	p.signed = p.prekey(crypto.PrekeySigned, 1)
	return p
}

// prekey makes and signs a prekey.
func (p *person) prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) crypto.Prekey {
	return crypto.NewPrekey(kind, id, time.Now()).Sign(p.cert, p.device)
}

func (p *person) addr() crypto.Address { return p.cert.Address() }

// registration asks for a nonce and makes the body that registers p.
func (w *world) registration(p *person) protocol.RegisterRequest {
	w.t.Helper()
	_, _, body := w.do(w.request("GET", protocol.PathRelay, ""))
	info := decode[protocol.RelayInfo](w.t, body)
	proof := crypto.Registration{Host: p.host, Certificate: p.cert, Prekey: p.signed, RelayNonce: info.Nonce}
	byAccount, byDevice := proof.Sign(p.account, p.device)
	return protocol.RegisterRequest{
		Username: p.cert.User, PublicKey: p.cert.Box, Certificate: p.cert, SignedPrekey: p.signed.Raw(), Host: p.host,
		Nonce: info.Nonce, AccountSignature: byAccount, DeviceSignature: byDevice,
	}
}

// register makes a user.
func (w *world) register(name string) *person {
	w.t.Helper()
	p := newPerson(w.key.Public(), name)
	status, _, body := w.do(w.request("POST", protocol.PathRegister, string(protocol.EncodeBody(w.registration(p)))))
	if status != http.StatusCreated {
		w.t.Fatalf("registration: %d %s", status, body)
	}
	return p
}

// peer is the client's end of a WebSocket.
type peer struct {
	t  testing.TB
	ws *websocket.Conn
	*person
	caughtUp int // caught_up frames that were read
}

func (w *world) dial() *peer {
	w.t.Helper()
	dialer := *websocket.DefaultDialer
	if w.pipes != nil {
		dialer.NetDialContext = w.pipes.dial
	}
	ws, resp, err := dialer.Dial("ws://"+w.addr+protocol.PathSocket, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	w.t.Cleanup(func() { ws.Close() })
	return &peer{t: w.t, ws: ws}
}

// login connects as p, whose prekeys are what comes first.
func (w *world) login(p *person) *peer {
	w.t.Helper()
	c, _ := w.loginStock(p)
	return c
}

// loginStock connects as p and returns what the relay says is left.
func (w *world) loginStock(p *person) (*peer, protocol.PrekeyStock) {
	w.t.Helper()
	c := w.dial()
	c.person = p
	proof := c.proof(expect[*protocol.Challenge](c))
	c.authenticate(proof)
	if f := expect[*protocol.Authenticated](c); !proof.VerifyWelcome(f.Signature) {
		w.t.Fatal("the relay has not proved itself")
	}
	return c, *expect[*protocol.PrekeyStock](c)
}

// online connects as p, whose mailbox holds nothing, and returns once what comes
// is handed on at once.
func (w *world) online(p *person) *peer {
	w.t.Helper()
	c := w.login(p)
	c.catchUp()
	return c
}

// entries returns what waits for somebody.
func (w *world) entries(p *person) []relay.Stored {
	w.t.Helper()
	entries, err := w.store.Read(context.Background(), p.addr(), 0, 1000, 1<<30)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

// leave closes a connection and returns once the relay has forgotten it.
func (w *world) leave(c *peer) {
	w.t.Helper()
	c.ws.Close()
	for w.relay.Connected(c.addr()) {
		runtime.Gosched()
	}
}

// proof is the right answer to a challenge.
func (c *peer) proof(f *protocol.Challenge) crypto.Login {
	c.t.Helper()
	if !crypto.VerifyChallenge(f.Relay, f.Nonce, f.Signature) {
		c.t.Fatal("the challenge is not signed by the relay")
	}
	return crypto.Login{
		Relay: f.Relay, Host: c.host, Certificate: c.cert.Hash(), Address: c.addr(),
		RelayNonce: f.Nonce, ClientNonce: crypto.NewNonce(),
	}
}

func (c *peer) authenticate(l crypto.Login) {
	c.t.Helper()
	c.send(&protocol.Authenticate{Address: l.Address, Host: l.Host, Nonce: l.ClientNonce, Signature: l.Sign(c.device)})
}

func (c *peer) send(f protocol.Frame) { c.t.Helper(); c.write(string(protocol.Encode(f))) }

func (c *peer) write(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next frame. Few tests care when the mailbox was empty for
// the first time: a caught_up is counted and passed over.
func (c *peer) read() (protocol.Frame, error) {
	for {
		c.ws.SetReadDeadline(time.Now().Add(patience))
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			return nil, err
		}
		f, err := protocol.DecodeFromRelay(b)
		if _, ok := f.(*protocol.CaughtUp); !ok {
			return f, err
		}
		c.caughtUp++
	}
}

// expect reads the next frame, which must be an F.
func expect[F protocol.Frame](c *peer) F {
	c.t.Helper()
	f, err := c.read()
	if err != nil {
		c.t.Fatalf("wanted %T, got %v", *new(F), err)
	}
	got, ok := f.(F)
	if !ok {
		c.t.Fatalf("wanted %T, got %s", *new(F), protocol.Encode(f))
	}
	return got
}

// expectError reads an error frame with that code.
func (c *peer) expectError(code protocol.Code) *protocol.Error {
	c.t.Helper()
	f := expect[*protocol.Error](c)
	if f.Code != code {
		c.t.Fatalf("wanted the error %s, got %s", code, protocol.Encode(f))
	}
	return f
}

// expectStored reads the receipt for a frame, or for its part for a recipient.
func (c *peer) expectStored(id crypto.MessageID, to *person) {
	c.t.Helper()
	f := expect[*protocol.Receipt](c)
	ok := f.ID == id && f.State == protocol.ReceiptStored && (f.Recipient == nil) == (to == nil)
	if !ok || to != nil && *f.Recipient != to.addr() {
		c.t.Fatalf("wanted stored for %s, got %s", id, protocol.Encode(f))
	}
}

// expectClose reads until the relay closes, which must be next, with a code.
func (c *peer) expectClose(code int) {
	c.t.Helper()
	f, err := c.read()
	if !websocket.IsCloseError(err, code) {
		c.t.Fatalf("wanted close %d, got %v %v", code, f, err)
	}
	c.ws.Close()
}

func (c *peer) request(to *person) crypto.MessageID {
	id := crypto.NewMessageID()
	c.send(&protocol.ConnectRequest{ID: id, Target: to.addr(), Data: protocol.Sealed("request")})
	return id
}

func (c *peer) accept(to *person) crypto.MessageID {
	id := crypto.NewMessageID()
	c.send(&protocol.AcceptConnection{ID: id, Target: to.addr(), Data: protocol.Sealed("accept")})
	return id
}

// message sends a text; the relay takes it for sealed.
func (c *peer) message(text string, to ...*person) crypto.MessageID {
	f := &protocol.SendMessage{ID: crypto.NewMessageID()}
	for _, p := range to {
		f.Recipients = append(f.Recipients, p.addr())
		f.EncryptedData = append(f.EncryptedData, protocol.Sealed(text))
	}
	c.send(f)
	return f.ID
}

func (c *peer) ack(seq uint64) { c.send(&protocol.Ack{Seq: seq}) }

// befriend makes two people contacts in the store.
func (w *world) befriend(a, b *person) {
	w.t.Helper()
	ctx, p := context.Background(), relay.PairOf(a.cert.User, b.cert.User)
	r, err := w.store.Relation(ctx, p)
	if err == nil {
		r.Accepted = true
		err = w.store.SetRelation(ctx, p, r)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// related reports whether two people are contacts.
func (w *world) related(a, b *person) bool {
	w.t.Helper()
	r, err := w.store.Relation(context.Background(), relay.PairOf(a.cert.User, b.cert.User))
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Accepted
}
