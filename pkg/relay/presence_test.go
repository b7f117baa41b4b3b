package relay_test

import (
	"fmt"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// share names people, with whom presence is shared from then on.
func (c *peer) share(with ...*person) crypto.MessageID {
	f := &protocol.SharePresence{ID: crypto.NewMessageID(), With: []crypto.Username{}}
	for _, p := range with {
		f.With = append(f.With, p.cert.User)
	}
	c.send(f)
	return f.ID
}

// hears reads a frame that says of somebody whether they are there.
func (c *peer) hears(of *person, state protocol.PresenceState) {
	c.t.Helper()
	if f := expect[*protocol.Presence](c); f.User != of.cert.User || f.State != state {
		c.t.Fatalf("not that %s is %s: %s", of.cert.User, state, protocol.Encode(f))
	}
}

// hearsBoth reads such a frame and an F, in any order.
func hearsBoth[F protocol.Frame](c *peer, of *person, state protocol.PresenceState) (other F) {
	c.t.Helper()
	for told, found := false, false; !told || !found; {
		f, err := c.read()
		switch f := f.(type) {
		case *protocol.Presence:
			if told = !told && f.User == of.cert.User && f.State == state; !told {
				c.t.Fatalf("not once that %s is %s: %s", of.cert.User, state, protocol.Encode(f))
			}
		case F:
			found, other = true, f
		default:
			c.t.Fatalf("heard %v, %v", f, err)
		}
	}
	return other
}

// settled makes sure that everything which c has sent was handled, and that it
// has heard nothing else.
func (c *peer) settled(self *person) {
	c.t.Helper()
	id := crypto.NewMessageID()
	c.send(&protocol.FetchPrekeys{ID: id, Target: self.cert.User})
	c.refused(id, nil, protocol.CodeSelf)
}

func TestPresence(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob, carol, eve := w.insert("alice"), w.insert("bob"), w.insert("carol"), w.insert("eve")
		a, b, c, e := w.online(alice), w.online(bob), w.online(carol), w.online(eve)
		w.befriend(alice, bob)
		w.befriend(alice, carol)

		a.share(bob, carol, eve, alice)
		a.settled(alice) // nobody shares with her
		e.share(alice)
		e.settled(eve)   // is no contact
		b.share(carol)   // is no contact of his
		b.settled(bob)   // and alice he did not name
		a.settled(alice) // nor is she told
		b.share(alice, carol)
		b.hears(alice, protocol.Online)
		a.hears(bob, protocol.Online)
		c.settled(carol)

		// A short loss is none.
		w.leave(b)
		time.Sleep(protocol.PresenceGrace - time.Second)
		b = w.online(bob)
		b.share(alice)
		b.hears(alice, protocol.Online)
		time.Sleep(2 * protocol.PresenceGrace)
		a.settled(alice)

		// A second login takes over, and is no loss either.
		b2 := w.online(bob)
		b2.share(alice)
		b2.hears(alice, protocol.Online)
		time.Sleep(2 * protocol.PresenceGrace)
		a.settled(alice)

		// Whoever stays away has left.
		w.leave(b2)
		began := time.Now()
		a.hears(bob, protocol.Offline)
		if d := time.Since(began); d != protocol.PresenceGrace {
			t.Errorf("it was told after %v", d)
		}

		// Whoever comes back is told of, and so is who stops to share.
		b = w.online(bob)
		b.share(alice)
		b.hears(alice, protocol.Online)
		a.hears(bob, protocol.Online)
		a.share(carol)
		a.hears(bob, protocol.Offline)
		b.hears(alice, protocol.Offline)
		a.share(bob)
		a.hears(bob, protocol.Online)
		b.hears(alice, protocol.Online)
		a.share()
		a.hears(bob, protocol.Offline)
		b.hears(alice, protocol.Offline)
		b.share()
		a.settled(alice)
		b.settled(bob)
		c.settled(carol)
		e.settled(eve)
	})
}

// TestPresenceEndsWithTheRelation: at once, for both, and a new one begins with
// nothing of the old.
func TestPresenceEndsWithTheRelation(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		a, b := w.online(alice), w.online(bob)
		w.befriend(alice, bob)
		a.share(bob)
		a.settled(alice)
		b.share(alice)
		b.hears(alice, protocol.Online)
		a.hears(bob, protocol.Online)

		id := a.reject(bob) // there is no request, and nothing changes
		a.expectStored(id, nil)
		a.settled(alice)
		b.settled(bob)

		id = a.block(bob)
		if f := hearsBoth[*protocol.Receipt](a, bob, protocol.Offline); f.ID != id {
			t.Errorf("not the receipt of the block: %s", protocol.Encode(f))
		}
		b.hears(alice, protocol.Offline)
		b.share(alice)
		b.settled(bob)
		w.leave(b)
		time.Sleep(2 * protocol.PresenceGrace)
		a.settled(alice)
	})
}

// TestSlowPresence: who does not read hears the latest of each, however often
// it has changed.
func TestSlowPresence(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		a, b := w.online(alice), w.online(bob)
		w.befriend(alice, bob)
		a.share(bob)
		a.settled(alice)
		for range 20 {
			b.share(alice)
			b.hears(alice, protocol.Online)
			b.share()
			b.hears(alice, protocol.Offline)
			b.settled(bob)
		}
		b.share(alice)
		b.hears(alice, protocol.Online)
		b.settled(bob)
		heard := 0
		for state := protocol.Offline; state != protocol.Online || heard == 0; heard++ {
			state = expect[*protocol.Presence](a).State
			if heard > 41 {
				t.Fatal("more was told than has changed")
			}
		}
	})
}

// TestManyPresences: a list is bounded, and who is in it twice counts once.
func TestManyPresences(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		alice, bob := w.insert("alice"), w.insert("bob")
		a, b := w.online(alice), w.online(bob)
		w.befriend(alice, bob)
		f := &protocol.SharePresence{ID: crypto.NewMessageID()}
		for i := range protocol.MaxPresence - 2 {
			f.With = append(f.With, crypto.Username(fmt.Sprintf("nobody_%d", i)))
		}
		f.With = append(f.With, "bob", "bob")
		a.send(f)
		a.settled(alice)
		b.share(alice)
		b.hears(alice, protocol.Online)
		a.hears(bob, protocol.Online)
		f.With = append(f.With, "carol")
		a.send(f)
		a.expectError(protocol.CodeTooLarge)
		a.settled(alice)
	})
}
