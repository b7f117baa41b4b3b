package relay_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

func (c *peer) publish(signed *crypto.Prekey, oneTime ...crypto.Prekey) crypto.MessageID {
	f := &protocol.PublishPrekeys{ID: crypto.NewMessageID()}
	if signed != nil {
		f.Signed = signed.Raw()
	}
	for _, p := range oneTime {
		f.OneTime = append(f.OneTime, p.Raw())
	}
	c.send(f)
	return f.ID
}

func (c *peer) fetch(name crypto.Username) crypto.MessageID {
	id := crypto.NewMessageID()
	c.send(&protocol.FetchPrekeys{ID: id, Target: name})
	return id
}

// expectPrekeys reads an answer to fetch, checks it as a client does, and
// returns the id of the one-time prekey, 0 for none.
func (c *peer) expectPrekeys(id crypto.MessageID, of *person, signed crypto.PrekeyID) crypto.PrekeyID {
	c.t.Helper()
	f := expect[*protocol.Prekeys](c)
	if f.ID != id || f.Certificate.Hash() != of.cert.Hash() {
		c.t.Fatalf("not the answer to %s: %s", id, protocol.Encode(f))
	}
	p, err := crypto.ParsePrekey(f.Signed, f.Certificate)
	if err != nil || p.Kind != crypto.PrekeySigned || p.ID != signed {
		c.t.Fatalf("the signed prekey is %d of kind %d, %v", p.ID, p.Kind, err)
	}
	if f.OneTime == nil {
		return 0
	}
	p, err = crypto.ParsePrekey(f.OneTime, f.Certificate)
	if err != nil || p.Kind != crypto.PrekeyOneTime {
		c.t.Fatalf("the one-time prekey is of kind %d, %v", p.Kind, err)
	}
	return p.ID
}

func (c *peer) expectStock(signed crypto.PrekeyID, oneTime int) {
	c.t.Helper()
	if f := *expect[*protocol.PrekeyStock](c); f != (protocol.PrekeyStock{Signed: signed, OneTime: oneTime}) {
		c.t.Fatalf("the stock is %d and %d, want %d and %d", f.Signed, f.OneTime, signed, oneTime)
	}
}

// oneTimes makes n one-time prekeys.
func (p *person) oneTimes(first crypto.PrekeyID, n int) (ps []crypto.Prekey) {
	for i := range n {
		ps = append(ps, p.prekey(crypto.PrekeyOneTime, first+crypto.PrekeyID(i)))
	}
	return ps
}

// stock puts one-time prekeys into the store.
func (w *world) stock(p *person, oneTime []crypto.Prekey) {
	w.t.Helper()
	var raw []relay.RawPrekey
	for _, k := range oneTime {
		raw = append(raw, relay.RawPrekey{ID: k.ID, Raw: k.Raw()})
	}
	storetest.Publish(w.t, w.store, p.addr(), relay.RawPrekey{}, raw...)
}

func TestPublish(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	a, stock := w.loginStock(alice)
	if stock != (protocol.PrekeyStock{Signed: 1}) {
		t.Fatalf("after the registration there are %+v", stock)
	}
	ps := alice.oneTimes(2, 3)
	a.expectStored(a.publish(nil, ps...), nil)
	second := alice.prekey(crypto.PrekeySigned, 5)
	a.expectStored(a.publish(&second), nil)
	a, stock = w.loginStock(alice)
	if stock != (protocol.PrekeyStock{Signed: 5, OneTime: 3}) {
		t.Fatalf("there are %+v", stock)
	}
	b := w.login(bob)
	if id := b.expectPrekeys(b.fetch("alice"), alice, 5); id != 2 {
		t.Errorf("prekey %d came first", id)
	}
	a.expectStock(5, 2)
	more := alice.oneTimes(6, 1)
	a.expectStored(a.publish(&alice.signed, append(ps, more...)...), nil) // what was there, and the older signed one
	for _, want := range []crypto.PrekeyID{3, 4, 6, 0} {
		if id := b.expectPrekeys(b.fetch("alice"), alice, 5); id != want {
			t.Errorf("prekey %d came, want %d", id, want)
		}
	}
	counts := w.relay.Snapshot()
	if counts[relay.CountPublished] != 3 || counts[relay.CountHandedOut] != 5 || counts[relay.CountNoOneTime] != 1 {
		t.Errorf("counted %d, %d and %d", counts[relay.CountPublished], counts[relay.CountHandedOut], counts[relay.CountNoOneTime])
	}
}

// TestPublishInOrder: a receipt of prekeys does not overtake that of a message.
func TestPublishInOrder(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a := w.login(alice)
	gate := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(gate) })
	defer goOn()
	s.mu.Lock()
	s.gate = gate
	s.mu.Unlock()
	first := a.message("one", bob)
	second := a.publish(nil, alice.oneTimes(2, 1)...)
	third := a.message("two", bob)
	a.expectNothing()
	goOn()
	a.expectStored(first, bob)
	a.expectStored(second, nil)
	a.expectStored(third, bob)
}

// TestPublishRefuses: one prekey that is not right, and none is taken.
func TestPublishRefuses(t *testing.T) {
	w := newWorld(t)
	alice, mallory := w.register("alice"), w.register("mallory")
	a := w.login(alice)
	signed, oneTime := alice.prekey(crypto.PrekeySigned, 5), alice.prekey(crypto.PrekeyOneTime, 6)
	forged := crypto.NewPrekey(crypto.PrekeyOneTime, 7, alice.signed.Created).Sign(alice.cert, mallory.device)
	otherSigned, otherOneTime := mallory.prekey(crypto.PrekeySigned, 5), mallory.prekey(crypto.PrekeyOneTime, 6)
	flipped := append(protocol.RawPrekey{}, oneTime.Raw()...)
	flipped[len(flipped)-1] ^= 1
	refused := 0
	for name, f := range map[string]*protocol.PublishPrekeys{
		"one-time for signed":        {Signed: oneTime.Raw()},
		"signed for one-time":        {Signed: signed.Raw(), OneTime: []protocol.RawPrekey{oneTime.Raw(), signed.Raw()}},
		"another's signed":           {Signed: otherSigned.Raw(), OneTime: []protocol.RawPrekey{oneTime.Raw()}},
		"another's one-time":         {OneTime: []protocol.RawPrekey{oneTime.Raw(), otherOneTime.Raw()}},
		"signed by another":          {OneTime: []protocol.RawPrekey{forged.Raw()}},
		"one bit off":                {Signed: signed.Raw(), OneTime: []protocol.RawPrekey{flipped}},
		"with something behind":      {OneTime: []protocol.RawPrekey{append(oneTime.Raw()[:len(oneTime.Raw()):len(oneTime.Raw())], 0)}},
		"no prekey at all":           {Signed: protocol.RawPrekey("prekey")},
		"a certificate for a prekey": {Signed: protocol.RawPrekey(crypto.Base64(signed.Raw()))[:1000]},
	} {
		f.ID = crypto.NewMessageID()
		a.send(f)
		if got := a.expectError(protocol.CodeBadPrekey); got.ID == nil || *got.ID != f.ID || got.Recipient != nil {
			t.Errorf("%s: answered by %s", name, protocol.Encode(got))
		}
		refused++
	}
	tooMany := &protocol.PublishPrekeys{ID: crypto.NewMessageID()}
	for range protocol.MaxPrekeys + 1 {
		tooMany.OneTime = append(tooMany.OneTime, oneTime.Raw())
	}
	a.send(tooMany)
	a.expectError(protocol.CodeTooLarge)
	storetest.Left(t, w.store, alice.addr(), relay.RawPrekey{ID: 1, Raw: alice.signed.Raw()})
	a.expectStored(a.publish(&signed, oneTime), nil) // the connection lives
	counts := w.relay.Snapshot()
	if counts["refused_bad_prekey"] != uint64(refused) || counts[relay.CountPublished] != 1 {
		t.Errorf("counted %d and %d", counts["refused_bad_prekey"], counts[relay.CountPublished])
	}
}

func TestFetchRefuses(t *testing.T) {
	w := newWorld(t)
	alice := w.register("alice")
	old := newPerson(w.key.Public(), "old") // from before there were prekeys
	if err := w.store.CreateUser(context.Background(), old.cert, relay.RawPrekey{}); err != nil {
		t.Fatal(err)
	}
	a := w.login(alice)
	a.refused(a.fetch("alice"), nil, protocol.CodeSelf)
	a.refused(a.fetch("nobody"), nil, protocol.CodeUnknownUser)
	a.refused(a.fetch("old"), nil, protocol.CodeNoPrekeys)

	o := w.dial() // who hears of no stock
	o.person = old
	o.authenticate(o.proof(expect[*protocol.Challenge](o)))
	expect[*protocol.Authenticated](o)
	o.expectNothing()
	o.expectStored(o.publish(nil, old.oneTimes(2, 1)...), nil)
	a.refused(a.fetch("old"), nil, protocol.CodeNoPrekeys) // without a signed one, the others are no use
	o.expectStored(o.publish(&old.signed), nil)
	a.expectPrekeys(a.fetch("old"), old, 1)
	counts := w.relay.Snapshot()
	if counts["refused_no_prekeys"] != 2 || counts[relay.CountHandedOut] != 1 {
		t.Errorf("counted %d and %d", counts["refused_no_prekeys"], counts[relay.CountHandedOut])
	}
}

// TestFetchOfWhoHasBlocked: the answer must not tell that one is blocked, nor
// is the owner told who asks.
func TestFetchOfWhoHasBlocked(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.stock(bob, bob.oneTimes(2, 40))
	a, b := w.login(alice), w.login(bob)
	before := a.expectPrekeys(a.fetch("bob"), bob, 1)
	b.expectStored(b.block(alice), nil)
	after := a.expectPrekeys(a.fetch("bob"), bob, 1)
	if before != 2 || after != 3 {
		t.Errorf("got prekey %d before and %d after", before, after)
	}
	b.expectNothing()
}

// TestStockRunsLow: who is connected hears of it from the twentieth on, before
// that of nothing; who is not, at the next login.
func TestStockRunsLow(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.stock(bob, bob.oneTimes(2, protocol.LowPrekeys+3))
	a, b := w.login(alice), w.login(bob)
	for range 2 {
		a.expectPrekeys(a.fetch("bob"), bob, 1)
	}
	b.expectNothing()
	for left := protocol.LowPrekeys; left > protocol.LowPrekeys-2; left-- {
		a.expectPrekeys(a.fetch("bob"), bob, 1)
		b.expectStock(1, left)
	}
	a.expectNothing() // it is no business of the one who asks
	b.ws.Close()
	for range 2 * protocol.LowPrekeys {
		a.expectPrekeys(a.fetch("bob"), bob, 1)
	}
	_, stock := w.loginStock(bob)
	if stock != (protocol.PrekeyStock{Signed: 1}) {
		t.Errorf("there are %+v", stock)
	}
}

// TestStockComesOnce: to a device that takes its time, however often others
// ask. They wait for nothing.
func TestStockComesOnce(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		w.stock(bob, bob.oneTimes(2, 10))
		w.befriend(alice, bob)
		a, b := w.login(alice), w.login(bob)
		a.catchUp()
		b.catchUp()
		for left := 9; left > 0; left-- {
			a.expectPrekeys(a.fetch("bob"), bob, 1)
			synctest.Wait() // the first notice stands in the pipe
		}
		b.expectStock(1, 9)
		b.expectStock(1, 1) // as it is now
		b.expectNothing()
	})
}
