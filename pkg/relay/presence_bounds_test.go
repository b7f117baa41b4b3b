package relay_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

// TestPresenceLimit: a list too many adds nobody, and its sender hears when to
// come again. It drops people all the same, and a new connection keeps what was.
func TestPresenceLimit(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob, carol := w.insert("alice"), w.insert("bob"), w.insert("carol")
		a, b, c := w.online(alice), w.online(bob), w.online(carol)
		w.befriend(alice, bob)
		w.befriend(alice, carol)
		a.share(bob, carol)
		a.settled(alice)
		c.share(alice)
		c.hears(alice, protocol.Online)
		a.hears(carol, protocol.Online)
		tooMany := func(with ...*person) {
			t.Helper()
			id := a.share(with...)
			f := a.expectError(protocol.CodeRateLimited)
			if f.ID == nil || *f.ID != id || f.RetryAfter == 0 {
				t.Errorf("refused with %s", protocol.Encode(f))
			}
		}
		a = w.online(alice)
		a.share(bob, carol) // the last that she may
		a.hears(carol, protocol.Online)
		c.settled(carol)

		a = w.online(alice)
		id := a.share(bob, carol)
		if f := hearsBoth[*protocol.Error](a, carol, protocol.Online); *f.ID != id {
			t.Errorf("not the list that was one too many: %s", protocol.Encode(f))
		}
		time.Sleep(2 * protocol.PresenceGrace)
		c.settled(carol) // it is no loss

		id = a.share(bob)
		c.hears(alice, protocol.Offline)
		if f := hearsBoth[*protocol.Error](a, carol, protocol.Offline); f.Code != protocol.CodeRateLimited || *f.ID != id {
			t.Errorf("not the list that was one too many: %s", protocol.Encode(f))
		}
		tooMany(bob, carol)
		c.settled(carol)
		b.share(alice)
		b.hears(alice, protocol.Online)
		a.hears(bob, protocol.Online)
		a.share() // is never one too many
		a.hears(bob, protocol.Offline)
		b.hears(alice, protocol.Offline)
		a.settled(alice)
		tooMany(bob)
		b.settled(bob)

		time.Sleep(time.Hour) // in which nobody answers pings
		a, b = w.online(alice), w.online(bob)
		a.share(bob)
		a.settled(alice)
		b.share(alice)
		b.hears(alice, protocol.Online)
		a.hears(bob, protocol.Online)
	}, func(c *relay.Config) {
		c.Limits = ratelimit.Default()
		c.Limits.PresencePerUser = ratelimit.Rate{Count: 1, Per: time.Hour, Burst: 2}
	})
}

// TestPresenceRoom: the lists of all together are bounded, and what somebody no
// longer needs is there for others.
func TestPresenceRoom(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		w.relay.SetFollowed(3)
		alice, bob, carol, dan := w.insert("alice"), w.insert("bob"), w.insert("carol"), w.insert("dan")
		a, b := w.online(alice), w.online(bob)
		for _, pair := range [][2]*person{{alice, bob}, {alice, carol}, {bob, carol}, {bob, dan}} {
			w.befriend(pair[0], pair[1])
		}
		a.share(bob, carol)
		a.settled(alice)
		b.share(alice)
		b.hears(alice, protocol.Online)
		a.hears(bob, protocol.Online)
		a.share(bob, carol) // no more than before
		a.hears(bob, protocol.Online)
		id := b.share(carol, dan)
		if f := hearsBoth[*protocol.Error](b, alice, protocol.Offline); f.Code != protocol.CodeRateLimited || *f.ID != id {
			t.Errorf("not the list that was one too many: %s", protocol.Encode(f))
		}
		a.hears(bob, protocol.Offline) // who is dropped all the same
		a.share(bob)
		a.settled(alice)
		b.share(alice, carol)
		b.hears(alice, protocol.Online)
		a.hears(bob, protocol.Online)
		w.leave(b)
		a.hears(bob, protocol.Offline)
		if n, counted := w.relay.Followed(); n != 1 || counted != 1 {
			t.Errorf("%d names are left, counted %d", n, counted)
		}
	})
}

// TestBlockUnseen: a block tells nothing to those who did not see each other.
func TestBlockUnseen(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob, carol, dan := w.insert("alice"), w.insert("bob"), w.insert("carol"), w.insert("dan")
		a, b, c, d := w.online(alice), w.online(bob), w.online(carol), w.online(dan)
		for _, p := range []*person{bob, carol, dan} {
			w.befriend(alice, p)
		}
		a.share(dan)
		b.share(alice)
		d.settled(dan)
		for _, p := range []*person{bob, carol, dan} { // who was not named; who names nobody; who does not name her
			a.expectStored(a.block(p), nil)
		}
		a.settled(alice)
		b.settled(bob)
		c.settled(carol)
		d.settled(dan)
		if n, counted := w.relay.Followed(); n != 0 || counted != 0 {
			t.Errorf("%d names are left, counted %d", n, counted)
		}
	})
}

// late runs a function after the next look at a relation.
type late struct {
	relay.Directory
	after atomic.Pointer[func()]
}

func (d *late) Relation(ctx context.Context, p relay.Pair) (relay.Relation, error) {
	r, err := d.Directory.Relation(ctx, p)
	if after := d.after.Swap(nil); after != nil {
		(*after)()
	}
	return r, err
}

// TestBlockedMeanwhile: whoever is blocked between the look-up and the list does
// not stay in it.
func TestBlockedMeanwhile(t *testing.T) {
	d := &late{}
	w := newWorld(t, func(c *relay.Config) { d.Directory, c.Directory = c.Directory, d })
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	a.share(bob)
	a.settled(alice)
	b.settled(bob)
	block := func() { a.expectStored(a.block(bob), nil) }
	d.after.Store(&block)
	b.share(alice)
	b.settled(bob)
	a.settled(alice)
	if n, counted := w.relay.Followed(); n != 0 || counted != 0 {
		t.Errorf("%d names are left, counted %d", n, counted)
	}
}

// TestPresenceStoreFails: as with any frame, and on the first look as on the
// second.
func TestPresenceStoreFails(t *testing.T) {
	w, disk := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	a.share(bob)
	a.settled(alice)
	disk.set(failing("relation", errDisk))
	id := b.share(alice)
	if f := b.expectError(protocol.CodeUnavailable); f.ID == nil || *f.ID != id {
		t.Errorf("refused with %s", protocol.Encode(f))
	}
	b.expectClose(websocket.CloseInternalServerErr)
	disk.set(nil)
	a.settled(alice)
}

// TestPresenceOfARestart: a relay that ends does not tell those who leave last
// that the others have left.
func TestPresenceOfARestart(t *testing.T) {
	w := newWorld(t)
	var peers []*peer
	for _, name := range []string{"alice", "bob"} {
		peers = append(peers, w.online(w.register(name)))
	}
	a, b := peers[0], peers[1]
	w.befriend(a.person, b.person)
	a.share(b.person)
	a.settled(a.person)
	b.share(a.person)
	b.hears(a.person, protocol.Online)
	a.hears(b.person, protocol.Online)
	w.leave(b)
	var stopping sync.WaitGroup
	stopping.Go(w.stop)
	a.expectClose(websocket.CloseServiceRestart)
	stopping.Wait()
}
