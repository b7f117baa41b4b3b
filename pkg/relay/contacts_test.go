package relay_test

import (
	"context"
	"sync/atomic"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

func (c *peer) reject(to *person) crypto.MessageID {
	id := crypto.NewMessageID()
	c.send(&protocol.RejectConnection{ID: id, Target: to.cert.User})
	return id
}

func (c *peer) block(to *person) crypto.MessageID {
	id := crypto.NewMessageID()
	c.send(&protocol.Block{ID: id, Target: to.cert.User})
	return id
}

// refused reads the error that answers a frame.
func (c *peer) refused(id crypto.MessageID, to *person, code protocol.Code) {
	c.t.Helper()
	f := c.expectError(code)
	if f.ID == nil || *f.ID != id || (f.Recipient == nil) != (to == nil) || to != nil && *f.Recipient != to.addr() {
		c.t.Fatalf("not the frame or recipient that was refused: %s", protocol.Encode(f))
	}
}

func TestBlock(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	a, b := w.login(alice), w.login(bob)
	w.befriend(alice, bob)

	b.expectStored(b.block(alice), nil)
	a.refused(a.message("hello", bob), bob, protocol.CodeNotContact)
	b.refused(b.message("hello", alice), alice, protocol.CodeBlocked)
	b.refused(b.accept(alice), nil, protocol.CodeNoRequest)
	a.expectStored(a.request(bob), nil) // like any other, and bob gets nothing
	b.refused(b.accept(alice), nil, protocol.CodeNoRequest)
	b.expectStored(b.block(alice), nil) // again

	b.expectStored(b.request(alice), nil) // lifts it
	asked := expect[*protocol.ConnectionRequest](a)
	a.ack(asked.Seq)
	a.expectStored(a.accept(bob), nil)
	accepted := expect[*protocol.ConnectionAccepted](b) // the first that bob gets at all
	b.ack(accepted.Seq)
	id := a.message("hello again", bob)
	got := expect[*protocol.EncryptedMessage](b)
	if got.ID != id {
		t.Fatalf("not the message: %s", protocol.Encode(got))
	}
	b.ack(got.Seq)
	delivered(a, bob, id)
	if n := w.relay.Snapshot()[relay.CountSwallowed]; n != 1 {
		t.Errorf("%d requests were swallowed", n)
	}
}

func TestRejectAndCrossedRequests(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	a, b := w.login(alice), w.login(bob)

	a.expectStored(a.reject(bob), nil) // nothing to reject: does nothing
	a.expectStored(a.request(bob), nil)
	b.ack(expect[*protocol.ConnectionRequest](b).Seq)
	b.expectStored(b.reject(alice), nil)
	b.refused(b.accept(alice), nil, protocol.CodeNoRequest)
	a.refused(a.accept(bob), nil, protocol.CodeNoRequest)

	a.expectStored(a.request(bob), nil)
	b.expectCrossed(b.request(alice))
	a.expectCrossed(a.accept(bob))
	b.ack(expect[*protocol.ConnectionAccepted](b).Seq)
	id := b.message("hello", alice)
	a.ack(expect[*protocol.EncryptedMessage](a).Seq)
	delivered(b, alice, id)
}

// expectCrossed reads a mailbox frame, which it acks, and the receipt of a
// frame, in whichever order they come.
func (c *peer) expectCrossed(id crypto.MessageID) {
	c.t.Helper()
	var asked, stored bool
	for !asked || !stored {
		f, err := c.read()
		switch f := f.(type) {
		case *protocol.ConnectionRequest:
			c.ack(f.Seq)
			asked = true
		case *protocol.Receipt:
			stored = f.ID == id
		default:
			c.t.Fatalf("got %T %v", f, err)
		}
	}
}

func TestTargets(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	a := w.login(alice)
	w.befriend(alice, bob)
	nobody := newPerson(w.key.Public(), "nobody")
	otherDevice := newPerson(w.key.Public(), "bob")
	for _, c := range []struct {
		to   *person
		code protocol.Code
	}{{alice, protocol.CodeSelf}, {nobody, protocol.CodeUnknownUser}, {otherDevice, protocol.CodeUnknownDevice}} {
		a.refused(a.request(c.to), nil, c.code)
		a.refused(a.accept(c.to), nil, c.code)
		a.refused(a.message("x", c.to), c.to, c.code)
		if c.to == otherDevice {
			continue // a block and a rejection concern the person
		}
		a.refused(a.reject(c.to), nil, c.code)
		a.refused(a.block(c.to), nil, c.code)
	}
	if n := w.relay.Snapshot()["refused_unknown_user"]; n != 5 {
		t.Errorf("%d unknown users were counted", n)
	}
}

// racing is a directory in which another relay is always a moment faster.
type racing struct {
	relay.Directory
	races atomic.Int64 // left to be lost
}

func (d *racing) SetRelation(ctx context.Context, p relay.Pair, r relay.Relation) error {
	if d.races.Add(-1) >= 0 {
		now, err := d.Directory.Relation(ctx, p)
		if err == nil {
			err = d.Directory.SetRelation(ctx, p, now) // the version moves on
		}
		if err != nil {
			return err
		}
	}
	return d.Directory.SetRelation(ctx, p, r)
}

func TestCompareAndSet(t *testing.T) {
	var d *racing
	w := newWorld(t, func(c *relay.Config) {
		d = &racing{Directory: c.Directory}
		c.Directory = d
	})
	alice, bob := w.register("alice"), w.register("bob")
	a := w.login(alice)
	d.races.Store(3)
	a.expectStored(a.request(bob), nil)
	if n := w.relay.Snapshot()[relay.CountConflicts]; n != 3 {
		t.Errorf("%d conflicts were counted", n)
	}
	d.races.Store(1 << 40) // more than anybody tries
	a.refused(a.block(bob), nil, protocol.CodeUnavailable)
	a.expectClose(1011)
}
