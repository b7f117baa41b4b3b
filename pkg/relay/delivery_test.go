package relay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// TestOfflineAndRestart: bob is away when a request and ten messages come, the
// relay restarts, and he gets them in order, and again until he acks.
func TestOfflineAndRestart(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.register("alice"), w.register("bob"), w.register("carol")
	w.befriend(alice, bob)
	c := w.login(carol)
	c.expectStored(c.request(bob), nil)
	a := w.login(alice)
	var ids []crypto.MessageID
	for i := range 10 {
		ids = append(ids, a.message(fmt.Sprint("message ", i), bob))
	}
	for _, id := range ids {
		a.expectStored(id, bob)
	}
	w.stop()
	w.start()

	var last uint64
	readAll := func(b *peer, from int) (seqs []uint64) {
		t.Helper()
		for i := from; i < len(ids); i++ {
			f := expect[*protocol.EncryptedMessage](b)
			if f.ID != ids[i] || string(f.Data) != fmt.Sprint("message ", i) || f.Seq != last+1 {
				t.Fatalf("message %d: got %s", i, protocol.Encode(f))
			}
			last = f.Seq
			seqs = append(seqs, f.Seq)
		}
		return seqs
	}
	b := w.login(bob)
	asked := expect[*protocol.ConnectionRequest](b)
	if asked.From != carol.addr() {
		t.Fatalf("the request is not first: %s", protocol.Encode(asked))
	}
	if asked.Seq != 1 {
		t.Errorf("the first frame has the number %d", asked.Seq)
	}
	last = asked.Seq
	seqs := readAll(b, 0)
	b.ack(seqs[3])
	b.ack(seqs[1]) // older: does nothing
	b.ack(seqs[3]) // again: does nothing
	a = w.login(alice)
	delivered(a, bob, ids[:4]...)

	b = w.login(bob)
	last = 0
	readAll(b, 4)
	b.ack(last)
	delivered(a, bob, ids[4:]...)

	b = w.online(bob)
	id := a.message("the next", bob)
	if f := expect[*protocol.EncryptedMessage](b); f.ID != id || f.Seq != 1 {
		t.Fatalf("not the next: %s", protocol.Encode(f))
	}
}

// delivered reads the receipts for messages in their order and acks them.
func delivered(c *peer, by *person, ids ...crypto.MessageID) {
	c.t.Helper()
	for _, id := range ids {
		f := expect[*protocol.Receipt](c)
		if f.State != protocol.ReceiptDelivered || f.ID != id || f.Recipient == nil || *f.Recipient != by.addr() {
			c.t.Fatalf("wanted delivered for %s, got %s", id, protocol.Encode(f))
		}
		if f.Seq != 0 {
			c.ack(f.Seq)
		}
	}
}

// TestLargeBacklog: a mailbox of large messages comes whole, though one read
// of it does not hold them all.
func TestLargeBacklog(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a := w.login(alice)
	var ids []crypto.MessageID
	for range 5 {
		ids = append(ids, a.message(strings.Repeat("x", protocol.MaxSealed), bob))
		a.expectStored(ids[len(ids)-1], bob)
	}
	b := w.login(bob)
	for _, id := range ids {
		f := expect[*protocol.EncryptedMessage](b)
		if f.ID != id || len(f.Data) != protocol.MaxSealed {
			t.Fatalf("wanted %s, got %s of %d bytes", id, f.ID, len(f.Data))
		}
		b.ack(f.Seq)
	}
}

// TestReceiptsWait: who is away when a message is acked hears of it later.
func TestReceiptsWait(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a := w.login(alice)
	id := a.message("hello", bob)
	a.expectStored(id, bob)
	w.leave(a)
	b := w.login(bob)
	b.ack(expect[*protocol.EncryptedMessage](b).Seq)
	a = w.login(alice)
	delivered(a, bob, id)
}

// TestRecipients: each recipient is checked on its own, the others get it.
func TestRecipients(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol, dave := w.register("alice"), w.register("bob"), w.register("carol"), w.register("dave")
	w.befriend(alice, bob)
	w.befriend(alice, dave)
	a, b, d := w.login(alice), w.online(bob), w.online(dave)
	nobody := newPerson(w.key.Public(), "nobody")

	id := a.message("to all", bob, carol, nobody, alice, dave)
	a.refused(id, carol, protocol.CodeNotContact)
	a.refused(id, nobody, protocol.CodeUnknownUser)
	a.refused(id, alice, protocol.CodeSelf)
	for _, p := range []*peer{b, d} {
		f := expect[*protocol.EncryptedMessage](p)
		if f.ID != id || f.From != alice.addr() {
			t.Fatalf("got %s", protocol.Encode(f))
		}
		p.ack(f.Seq)
		delivered(a, p.person, id)
	}
	id = a.message("to nobody", carol, nobody)
	a.refused(id, carol, protocol.CodeNotContact)
	a.refused(id, nobody, protocol.CodeUnknownUser)
}

// TestResend: what is sent again while it waits is stored once, and answered
// each time.
func TestResend(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a := w.login(alice)
	f := &protocol.SendMessage{ID: crypto.NewMessageID(), Recipients: []crypto.Address{bob.addr()}, EncryptedData: []protocol.Sealed{[]byte("once")}}
	for range 3 {
		a.send(f)
		a.expectStored(f.ID, bob)
	}
	last := a.message("then", bob)
	a.expectStored(last, bob)
	b := w.login(bob)
	for _, id := range []crypto.MessageID{f.ID, last} {
		if got := expect[*protocol.EncryptedMessage](b); got.ID != id {
			t.Fatalf("wanted %s, got %s", id, protocol.Encode(got))
		}
	}
	b.expectNothing()
}

// TestFlightWindow: only so many frames are on the way without an ack.
func TestFlightWindow(t *testing.T) {
	const window, more = 256, 10
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a := w.login(alice)
	var ids []crypto.MessageID
	for range window + more {
		ids = append(ids, a.message("x", bob))
	}
	for _, id := range ids {
		a.expectStored(id, bob)
	}
	b := w.login(bob)
	var seqs []uint64
	take := func() {
		t.Helper()
		f := expect[*protocol.EncryptedMessage](b)
		if f.ID != ids[len(seqs)] {
			t.Fatalf("frame %d is out of order", len(seqs))
		}
		seqs = append(seqs, f.Seq)
	}
	for range window {
		take()
	}
	b.expectNothing()
	b.ack(seqs[0])
	take()
	b.expectNothing()
	b.ack(seqs[len(seqs)-1])
	for len(seqs) < len(ids) {
		take()
	}
}

// expectNothing makes sure that no frame is on its way: what the mailbox holds
// would be written after the first answer and before the second.
func (c *peer) expectNothing() {
	c.t.Helper()
	for range 2 {
		c.refused(c.message("x", c.person), c.person, protocol.CodeSelf)
	}
}

// expectSettled makes sure that all acks before it have had their effect: what
// came with the first rejection, of nothing, has it before the relay waits for
// the second, and the receipt of that comes after.
func (c *peer) expectSettled(other *person) {
	c.t.Helper()
	for range 2 {
		c.expectStored(c.reject(other), nil)
	}
}

// TestAckOfUnsent: an ack of what was not sent here is refused and harmless.
func TestAckOfUnsent(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	b := w.online(bob)
	b.ack(1 << 40)
	b.expectError(protocol.CodeBadFrame)
	a := w.login(alice)
	id := a.message("hello", bob)
	f := expect[*protocol.EncryptedMessage](b)
	b.ack(f.Seq + 1)
	b.expectError(protocol.CodeBadFrame)
	if n := w.relay.Snapshot()[relay.CountAckUnknown]; n != 2 {
		t.Errorf("%d acks were counted", n)
	}
	b = w.login(bob)
	a.expectStored(id, bob)
	if again := expect[*protocol.EncryptedMessage](b); again.ID != id {
		t.Fatalf("it was not kept: %s", protocol.Encode(again))
	}
}

// TestTakeover: the second login of a device ends the first, and goes on where
// that stood.
func TestTakeover(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, old := w.login(alice), w.online(bob)
	id := a.message("hello", bob)
	seq := expect[*protocol.EncryptedMessage](old).Seq
	b := w.login(bob)
	old.expectClose(protocol.CloseTakenOver)
	a.expectStored(id, bob)
	if f := expect[*protocol.EncryptedMessage](b); f.Seq != seq {
		t.Fatalf("not the unacked one: %s", protocol.Encode(f))
	}
	b.expectNothing()
	b.ack(seq)
	delivered(a, bob, id)
	if n := w.relay.Snapshot()[relay.CountTakeovers]; n != 1 {
		t.Errorf("%d takeovers were counted", n)
	}
}

// strange is a store that holds requests of a kind which the relay does not
// know, as one that a later version has written might.
type strange struct{ relay.Mailboxes }

func (s strange) Read(ctx context.Context, owner crypto.Address, after uint64, max, maxBytes int) ([]relay.Stored, error) {
	entries, err := s.Mailboxes.Read(ctx, owner, after, max, maxBytes)
	for i := range entries {
		if entries[i].Kind == relay.KindRequest {
			entries[i].Kind = 99
		}
	}
	return entries, err
}

// TestUnreadableEntry: what makes no frame is passed over, counted, and
// deleted with the next ack.
func TestUnreadableEntry(t *testing.T) {
	w := newWorld(t, func(c *relay.Config) { c.Mailboxes = strange{c.Mailboxes} })
	alice, bob := w.register("alice"), w.register("bob")
	var ds []relay.Delivery
	for _, e := range []relay.Entry{{Kind: relay.KindRequest, From: bob.addr()}, {Kind: relay.KindAccept, From: bob.addr()}} {
		e.ID, e.Time, e.Data = crypto.NewMessageID(), 1, []byte("x")
		ds = append(ds, relay.Delivery{To: alice.addr(), Entry: e})
	}
	appended, err := w.store.Append(t.Context(), ds)
	if err == nil {
		err = appended.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	a := w.login(alice)
	a.ack(expect[*protocol.ConnectionAccepted](a).Seq)
	a.expectSettled(bob)
	if n := w.relay.Snapshot()[relay.CountUnreadable]; n != 1 {
		t.Errorf("%d were counted", n)
	}
	if left, err := w.store.Read(t.Context(), alice.addr(), 0, 10, 1<<20); err != nil || len(left) != 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}

// newSmallWorld has mailboxes for two entries and four receipts.
func newSmallWorld(t *testing.T) *world {
	store, err := relaystore.Open("/store", relaystore.Options{FS: vfs.NewMem(), Limits: relay.MailboxLimits{Entries: 2, Bytes: 1000, Requests: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := &world{t: t, key: crypto.NewRelayPrivate(), store: store}
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// TestReceiptsFull: who lets receipts lie does not keep the mailboxes of
// others from emptying.
func TestReceiptsFull(t *testing.T) {
	w := newSmallWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	var ids []crypto.MessageID
	for range 3 {
		a := w.login(alice)
		pair := []crypto.MessageID{a.message("x", bob), a.message("x", bob)}
		for stored := 0; stored < len(pair); { // delivered for earlier ones comes in between
			if expect[*protocol.Receipt](a).State == protocol.ReceiptStored {
				stored++
			}
		}
		ids = append(ids, pair...)
		w.leave(a)
		b := w.login(bob)
		expect[*protocol.EncryptedMessage](b)
		b.ack(expect[*protocol.EncryptedMessage](b).Seq)
		b.expectSettled(alice)
		w.leave(b)
	}
	if n := w.relay.Snapshot()[relay.CountReceiptDropped]; n != 2 {
		t.Errorf("%d receipts were dropped", n)
	}
	if left, err := w.store.Read(t.Context(), bob.addr(), 0, 10, 1<<20); err != nil || len(left) != 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
	a := w.login(alice)
	delivered(a, bob, ids[:4]...)
	a.expectNothing()
}

// TestMailboxFull: the sender is told, the others get theirs, and the
// connection lives.
func TestMailboxFull(t *testing.T) {
	w := newSmallWorld(t)
	alice, bob, carol := w.register("alice"), w.register("bob"), w.register("carol")
	w.befriend(alice, bob)
	w.befriend(alice, carol)
	a := w.login(alice)
	first, second := a.message("x", bob), a.message("x", bob)
	a.expectStored(first, bob)
	a.expectStored(second, bob)
	id := a.message("x", bob, carol)
	a.refused(id, bob, protocol.CodeMailboxFull)
	a.expectStored(id, carol)
	b := w.login(bob)
	expect[*protocol.EncryptedMessage](b)
	b.ack(expect[*protocol.EncryptedMessage](b).Seq)
	b.expectSettled(alice)
	delivered(a, bob, first, second)
	if n := w.relay.Snapshot()["refused_mailbox_full"]; n != 1 {
		t.Errorf("%d were refused", n)
	}
}
