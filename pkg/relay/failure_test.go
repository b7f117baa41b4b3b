package relay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

var noDeadline time.Time

// TestFaults: each operation fails once, before or after it has stored. The
// sender is told, the connection ends, and when the same is sent again after
// that, the recipient gets it exactly once.
func TestFaults(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	for _, op := range []string{"relation", "append", "append, stored", "wait"} {
		t.Run(op, func(t *testing.T) {
			a := w.login(alice)
			a.t = t
			s.set(failing(op, errDisk))
			f := &protocol.SendMessage{ID: crypto.NewMessageID(), Recipients: []crypto.Address{bob.addr()}, EncryptedData: []protocol.Sealed{[]byte(op)}}
			a.send(f)
			a.refused(f.ID, bob, protocol.CodeUnavailable)
			a.expectClose(websocket.CloseInternalServerErr)
			s.set(nil)
			a = w.login(alice)
			a.t = t
			a.send(f)
			a.expectStored(f.ID, bob)
			b := w.login(bob)
			b.t = t
			got := expect[*protocol.EncryptedMessage](b)
			if got.ID != f.ID {
				t.Fatalf("got %s", protocol.Encode(got))
			}
			b.expectNothing()
			b.ack(got.Seq)
			delivered(a, bob, f.ID)
			b.expectStored(b.reject(alice), nil) // its ack has reached the store
			w.leave(b)
		})
	}
	select {
	case <-w.relay.Fatal():
		t.Error("one failed operation has ended the relay")
	default:
	}
}

// TestFaultsOfContacts: the same for what changes relations.
func TestFaultsOfContacts(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	for _, op := range []string{"relation", "set", "append", "append, stored", "wait"} {
		t.Run(op, func(t *testing.T) {
			a := w.login(alice)
			a.t = t
			s.set(failing(op, errDisk))
			f := &protocol.ConnectRequest{ID: crypto.NewMessageID(), Target: bob.addr(), Data: []byte("x")}
			a.send(f)
			a.refused(f.ID, nil, protocol.CodeUnavailable)
			a.expectClose(websocket.CloseInternalServerErr)
			s.set(nil)
			a = w.login(alice)
			a.t = t
			a.send(f)
			a.expectStored(f.ID, nil)
			b := w.login(bob)
			b.t = t
			got := expect[*protocol.ConnectionRequest](b)
			if got.ID != f.ID {
				t.Fatalf("got %s", protocol.Encode(got))
			}
			b.ack(got.Seq)
			b.expectStored(b.reject(alice), nil)
		})
	}
}

// TestFaultsOfAcks: an ack that fails costs the connection and no message. The
// word of it may be lost; the sender has it when it sends the message again.
func TestFaultsOfAcks(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	for _, op := range []string{"append", "append, stored", "wait", "read", "delete"} {
		t.Run(op, func(t *testing.T) {
			w.t = t
			f := &protocol.SendMessage{ID: crypto.NewMessageID(), Recipients: []crypto.Address{bob.addr()}, EncryptedData: []protocol.Sealed{[]byte(op)}}
			a := w.login(alice)
			a.send(f)
			a.expectStored(f.ID, bob)
			w.leave(a)
			b := w.login(bob)
			got := expect[*protocol.EncryptedMessage](b)
			switch op {
			case "read": // the next look into the mailbox
				w.leave(b)
				s.set(failing(op, errDisk))
				b = w.login(bob)
				b.expectClose(websocket.CloseInternalServerErr)
			case "delete": // it comes again, that is all
				s.set(failing(op, errDisk))
				b.ack(got.Seq)
				b.expectSettled(alice)
				w.leave(b)
			default:
				s.set(failing(op, errDisk))
				b.ack(got.Seq)
				b.expectClose(websocket.CloseInternalServerErr)
			}
			s.set(nil)
			a = w.login(alice)
			a.send(f)
			hears := func(state protocol.ReceiptState) {
				t.Helper()
				for {
					r := expect[*protocol.Receipt](a)
					if r.Seq != 0 {
						a.ack(r.Seq)
					}
					if r.ID == f.ID && r.State == state {
						return
					}
				}
			}
			hears(protocol.ReceiptStored)
			b = w.login(bob)
			b.ack(expect[*protocol.EncryptedMessage](b).Seq)
			hears(protocol.ReceiptDelivered)
			b.expectSettled(alice)
			a.expectSettledFrom(bob)
			w.leave(a)
			w.leave(b)
			if len(w.entries(bob)) > 0 {
				t.Error("something is left")
			}
		})
	}
	w.t = t
}

// TestFaultsOfHTTP: a failing store is 503, and a lost answer does no harm.
func TestFaultsOfHTTP(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice := newPerson(w.key.Public(), "alice")
	s.set(failing("user", errDisk))
	w.expectHTTP(w.request("GET", protocol.PathUsers+"?username=alice", ""), http.StatusServiceUnavailable, protocol.CodeUnavailable)
	s.set(failing("ready", errDisk))
	w.expectHTTP(w.request("GET", "/readyz", ""), http.StatusServiceUnavailable, protocol.CodeUnavailable)
	s.set(failing("create", errDisk))
	w.expectHTTP(w.post(w.registration(alice)), http.StatusServiceUnavailable, protocol.CodeUnavailable)
	s.set(failing("user", errDisk))
	w.expectHTTP(w.post(w.registration(alice)), http.StatusServiceUnavailable, protocol.CodeUnavailable)
	s.set(nil)
	if status, _, body := w.do(w.post(w.registration(alice))); status != http.StatusOK {
		t.Fatalf("again: %d %s", status, body)
	}
	w.stop()
	w.start(func(c *relay.Config) { // an empty cache of users
		s.Directory, s.stocks, s.Mailboxes = c.Directory, c.Prekeys, c.Mailboxes
		c.Directory, c.Prekeys, c.Mailboxes = s, s, s
	})
	s.set(failing("user", errDisk))
	c := w.dial()
	c.person = alice
	c.authenticate(c.proof(expect[*protocol.Challenge](c)))
	c.expectError(protocol.CodeUnavailable)
	c.expectClose(websocket.CloseInternalServerErr)
}

// TestStoreFailed: a store that is broken ends the relay and all service.
func TestStoreFailed(t *testing.T) {
	var log safeBuffer
	w, s := newFaultyWorld(t, func(c *relay.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	carol := w.register("carol")
	w.befriend(alice, carol)
	a, b, pending := w.login(alice), w.online(bob), w.dial()
	expect[*protocol.Challenge](pending)
	s.set(failing("wait", fmt.Errorf("%w: fsync", relay.ErrStoreFailed)))
	id := a.message("hello", carol)
	a.refused(id, carol, protocol.CodeUnavailable)
	a.expectClose(websocket.CloseInternalServerErr)
	b.expectClose(websocket.CloseInternalServerErr)
	pending.expectClose(websocket.CloseInternalServerErr)
	<-w.relay.Fatal()
	if err := w.relay.Err(); !errors.Is(err, relay.ErrStoreFailed) {
		t.Errorf("Err: %v", err)
	}
	w.stop()
	for _, secret := range []string{"alice", "bob", "127.0.0.1", alice.addr().Device.String(), id.String(), crypto.Base64([]byte("hello"))} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log names %q:\n%s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the log does not say why:\n%s", log.String())
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestShutdown: who is connected hears 1012, after the receipts of what was
// under way.
func TestShutdown(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b, pending := w.login(alice), w.online(bob), w.dial()
	expect[*protocol.Challenge](pending)
	gate := make(chan struct{})
	s.mu.Lock()
	s.gate = gate
	s.mu.Unlock()
	first, second := a.message("one", bob), a.message("two", bob)
	expect[*protocol.EncryptedMessage](b) // in memory alone
	expect[*protocol.EncryptedMessage](b)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.stop()
	}()
	b.expectClose(websocket.CloseServiceRestart)
	pending.expectClose(websocket.CloseServiceRestart)
	a.expectClose(websocket.CloseServiceRestart)
	select {
	case <-stopped:
		t.Error("Shutdown has not waited for what was in memory")
	default:
	}
	close(gate)
	<-stopped
	for i, id := range []crypto.MessageID{first, second} {
		if e := w.entries(bob)[i]; e.ID != id {
			t.Errorf("message %d is not in the mailbox", i)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.relay.Serve(context.Background(), ln, nil); err == nil {
		t.Error("a relay that was shut down serves")
	}
	if ln.Close() == nil {
		t.Error("the listener was left open")
	}
}

// TestShutdownImpatient: when patience ends, sockets close without ceremony.
func TestShutdownImpatient(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a := w.login(alice)
	gate := make(chan struct{})
	s.mu.Lock()
	s.gate = gate
	s.mu.Unlock()
	a.message("one", bob)
	a.expectNothing() // it waits for the disk
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	result := make(chan error, 1)
	go func() { result <- w.relay.Shutdown(ctx) }()
	if f, err := a.read(); err == nil {
		t.Errorf("got %s", protocol.Encode(f))
	}
	select {
	case err := <-result:
		t.Errorf("Shutdown has not waited for a commit: %v", err)
	default:
	}
	close(gate)
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
}
