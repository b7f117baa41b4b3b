package relay_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

// another is another device of a person, made so much later.
func (p *person) another(later time.Duration) *person {
	q := &person{account: p.account, device: crypto.NewDevicePrivate(), host: p.host}
	c := p.cert
	q.cert = crypto.NewCertificate(p.account, crypto.Certificate{
		Relay: c.Relay, User: c.User, Device: crypto.NewDeviceID(), Login: q.device.Public(), Box: crypto.NewBoxPrivate().Public(), Created: c.Created.Add(later),
	})
	q.signed = q.prekey(crypto.PrekeySigned, 1)
	return q
}

// TestReplaceDevice: whoever has the account key puts a new device in the place
// of the old one, which is told and not let in again; what waits for the old one
// comes back to its senders, and contacts stay contacts.
func TestReplaceDevice(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	b := w.login(bob)
	b.catchUp()
	waits := b.message("for the old device", alice)
	b.expectStored(waits, alice)
	old := w.login(alice)
	unacked := expect[*protocol.EncryptedMessage](old)
	if unacked.ID != waits {
		t.Fatalf("it got %s", protocol.Encode(unacked))
	}

	fresh := alice.another(time.Second)
	for _, want := range []int{http.StatusCreated, http.StatusOK} { // the second time its answer was lost
		status, _, body := w.do(w.post(w.registration(fresh)))
		if got := decode[protocol.UserInfo](t, body); status != want || got.Certificate.Hash() != fresh.cert.Hash() {
			t.Fatalf("wanted %d and the new device, got %d %s", want, status, body)
		}
	}
	old.expectClose(protocol.CloseReplaced)
	w.refused(alice, protocol.CodeBadProof)
	if f := expect[*protocol.Receipt](b); f.State != protocol.ReceiptExpired || f.ID != waits {
		t.Errorf("bob heard %s", protocol.Encode(f))
	}
	storetest.Left(t, w.store, fresh.addr(), relay.RawPrekey{ID: fresh.signed.ID, Raw: fresh.signed.Raw()})
	storetest.Left(t, w.store, alice.addr(), relay.RawPrekey{})

	b.message("to the old address", alice)
	b.expectError(protocol.CodeUnknownDevice)
	a := w.online(fresh)
	id := b.message("to the new device", fresh)
	if f := expect[*protocol.EncryptedMessage](a); f.ID != id {
		t.Errorf("the new device got %s", protocol.Encode(f))
	}
	if n := w.relay.Snapshot()[relay.CountReplaced]; n != 1 {
		t.Errorf("%d replacements were counted", n)
	}
}

// refused wants a login to fail with a code.
func (w *world) refused(p *person, code protocol.Code) {
	w.t.Helper()
	c := w.dial()
	c.person = p
	c.authenticate(c.proof(expect[*protocol.Challenge](c)))
	c.expectError(code)
}

// TestAttackReplacement: nobody takes a name without its account key, and no old
// certificate brings an old device back.
func TestAttackReplacement(t *testing.T) {
	w := newWorld(t)
	alice := w.register("alice")
	second := alice.another(time.Minute)
	if status, _, body := w.do(w.post(w.registration(second))); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	w.expectHTTP(w.post(w.registration(alice)), http.StatusConflict, protocol.CodeOlderDevice)
	w.expectHTTP(w.post(w.registration(alice.another(time.Minute))), http.StatusConflict, protocol.CodeOlderDevice)
	w.expectHTTP(w.post(w.registration(newPerson(w.key.Public(), "alice"))), http.StatusConflict, protocol.CodeTaken)

	mallory := newPerson(w.key.Public(), "mallory")
	third := second.another(time.Minute)
	forged := w.registration(third)
	proof := crypto.Registration{Host: host, Certificate: third.cert, Prekey: third.signed, RelayNonce: forged.Nonce}
	forged.AccountSignature, _ = proof.Sign(mallory.account, third.device)
	w.expectHTTP(w.post(forged), http.StatusForbidden, protocol.CodeBadProof)
	seen := w.registration(third)
	seen.Nonce[0] ^= 1
	w.expectHTTP(w.post(seen), http.StatusForbidden, protocol.CodeStale)
	status, _, body := w.do(w.request("GET", protocol.PathUsers+"?username=alice", ""))
	if got := decode[protocol.UserInfo](t, body); status != http.StatusOK || got.Certificate.Hash() != second.cert.Hash() {
		t.Errorf("the device is another one: %d %s", status, body)
	}
}

// slowDirectory holds back the next look-up of a user once it has been made.
type slowDirectory struct {
	relay.Directory
	held          atomic.Bool
	reached, pass chan struct{}
}

func (d *slowDirectory) User(ctx context.Context, name crypto.Username) (crypto.Certificate, error) {
	c, err := d.Directory.User(ctx, name)
	if d.held.CompareAndSwap(false, true) {
		close(d.reached)
		<-d.pass
	}
	return c, err
}

// TestAttackReplacedAtLogin: a device that is replaced while it logs in, after its
// proof was looked at, is told like one that was connected.
func TestAttackReplacedAtLogin(t *testing.T) {
	d := &slowDirectory{reached: make(chan struct{}), pass: make(chan struct{})}
	w := newWorld(t, func(c *relay.Config) { d.Directory, c.Directory = c.Directory, d })
	alice := w.register("alice")
	old := w.dial()
	old.person = alice
	old.authenticate(old.proof(expect[*protocol.Challenge](old)))
	<-d.reached
	if status, _, body := w.do(w.post(w.registration(alice.another(time.Minute)))); status != http.StatusCreated {
		t.Errorf("%d %s", status, body)
	}
	close(d.pass)
	old.expectClose(protocol.CloseReplaced)
}

// TestReplacementOfUnknownEnd: where a disk does not say whether it has stored the
// new device, the old one has to log in again, and hears then.
func TestReplacementOfUnknownEnd(t *testing.T) {
	for op, code := range map[string]protocol.Code{"replace": "", "replace, stored": protocol.CodeBadProof} {
		w, s := newFaultyWorld(t)
		alice := w.register("alice")
		old := w.online(alice)
		s.set(failing(op, errDisk))
		w.expectHTTP(w.post(w.registration(alice.another(time.Minute))), http.StatusServiceUnavailable, protocol.CodeUnavailable)
		old.expectClose(websocket.CloseInternalServerErr)
		s.set(nil)
		if code != "" {
			w.refused(alice, code)
		} else {
			w.leave(w.online(alice))
		}
	}
}

// leavingDirectory lets the client of a replacement go once that is stored.
type leavingDirectory struct {
	relay.Directory
	leave context.CancelFunc
}

func (d *leavingDirectory) ReplaceDevice(ctx context.Context, before, c crypto.Certificate, signed relay.RawPrekey) error {
	err := d.Directory.ReplaceDevice(ctx, before, c, signed)
	d.leave()
	<-ctx.Done()
	return err
}

// TestReplacementWithoutClient: senders hear what becomes of their messages, even
// if the client does not wait for its answer.
func TestReplacementWithoutClient(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	w := newWorld(t, func(c *relay.Config) { c.Directory = &leavingDirectory{c.Directory, leave} })
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	b := w.online(bob)
	id := b.message("for the old device", alice)
	b.expectStored(id, alice)
	req := w.post(w.registration(alice.another(time.Second))).WithContext(ctx)
	if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
		resp.Body.Close()
		t.Error("the client has waited")
	}
	if f := expect[*protocol.Receipt](b); f.State != protocol.ReceiptExpired || f.ID != id {
		t.Errorf("bob heard %s", protocol.Encode(f))
	}
}

// slowMailboxes holds back the next message before it is appended.
type slowMailboxes struct {
	relay.Mailboxes
	held          atomic.Bool
	reached, pass chan struct{}
}

func (m *slowMailboxes) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	if ds[0].Entry.Kind == relay.KindMessage && m.held.CompareAndSwap(false, true) {
		close(m.reached)
		<-m.pass
	}
	return m.Mailboxes.Append(ctx, ds)
}

// TestReplacedBeforeAppend: a message that comes into the mailbox of a device after
// that was emptied for good does not stay in it, and its sender hears.
func TestReplacedBeforeAppend(t *testing.T) {
	m := &slowMailboxes{reached: make(chan struct{}), pass: make(chan struct{})}
	w := newWorld(t, func(c *relay.Config) { m.Mailboxes, c.Mailboxes = c.Mailboxes, m })
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	b := w.online(bob)
	id := b.message("on its way", alice)
	<-m.reached
	if status, _, body := w.do(w.post(w.registration(alice.another(time.Second)))); status != http.StatusCreated {
		t.Errorf("%d %s", status, body)
	}
	close(m.pass)
	b.expectStored(id, alice)
	if f := expect[*protocol.Receipt](b); f.State != protocol.ReceiptExpired || f.ID != id {
		t.Errorf("bob heard %s", protocol.Encode(f))
	}
}

// TestReplacedWhileSlowed: what was known of a recipient before a frame had to wait
// for its sender's rate does not count after it.
func TestReplacedWhileSlowed(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.befriend(alice, bob)
		b := w.login(bob)
		b.catchUp()
		var id crypto.MessageID
		for w.relay.Snapshot()[relay.CountSlowed] == 0 {
			id = b.message("x", alice)
			synctest.Wait()
		}
		if status, _, body := w.do(w.post(w.registration(alice.another(time.Second)))); status != http.StatusCreated {
			t.Fatalf("%d %s", status, body)
		}
		for {
			switch f, err := b.read(); f := f.(type) {
			case *protocol.Receipt: // of those before it
				if f.ID == id {
					t.Fatalf("bob heard %s", protocol.Encode(f))
				}
			case *protocol.Error:
				if f.Code != protocol.CodeUnknownDevice || *f.ID != id {
					t.Errorf("bob heard %s", protocol.Encode(f))
				}
				return
			default:
				t.Fatal(f, err)
			}
		}
	}, func(c *relay.Config) {
		c.Limits.FramesPerUser = ratelimit.Rate{Count: 1, Per: time.Second, Burst: 5}
		c.Limits.SustainedFramesPerUser = ratelimit.Rate{Count: 1, Per: time.Minute, Burst: 50}
	})
}
