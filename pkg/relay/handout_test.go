package relay_test

import (
	"context"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// TestNoPrekeyTwice has many ask at once, at two relays on one store.
func TestNoPrekeyTwice(t *testing.T) {
	const stock, peers, each = 50, 6, 10 // ten times a stock that is not there any more
	w := newWorld(t)
	second := &world{t: t, key: w.key, store: w.store}
	second.start()
	t.Cleanup(func() { second.stop() })
	bob := w.register("bob")
	w.stock(bob, bob.oneTimes(2, stock))
	var wg sync.WaitGroup
	got := make([][]crypto.PrekeyID, peers)
	for i, name := range []string{"anna", "bert", "carl", "dora", "emil", "fred"} {
		at := []*world{w, second}[i%2]
		c := at.login(at.register(name))
		wg.Go(func() {
			for range each {
				f, err := protocol.Frame(nil), c.tryWrite(&protocol.FetchPrekeys{ID: crypto.NewMessageID(), Target: "bob"})
				if err == nil {
					f, err = c.read()
				}
				answer, ok := f.(*protocol.Prekeys)
				if !ok {
					t.Errorf("answered by %v, %v", f, err)
					return
				}
				id := crypto.PrekeyID(0)
				if p, err := crypto.ParsePrekey(answer.OneTime, bob.cert); err == nil {
					id = p.ID
				}
				got[i] = append(got[i], id)
			}
		})
	}
	wg.Wait()
	times := map[crypto.PrekeyID]int{}
	for _, ids := range got {
		last := crypto.PrekeyID(0)
		for _, id := range ids {
			times[id]++
			if id != 0 && id <= last {
				t.Errorf("prekey %d came after %d", id, last)
			}
			last = id
		}
	}
	for id := range crypto.PrekeyID(stock + 2) {
		want := 1
		switch id {
		case 0:
			want = peers*each - stock // without any
		case 1:
			want = 0 // the signed one
		}
		if times[id] != want {
			t.Errorf("prekey %d was handed out %d times, want %d", id, times[id], want)
		}
	}
	if w.relay.Snapshot()[relay.CountHandedOut] == 0 || second.relay.Snapshot()[relay.CountHandedOut] == 0 {
		t.Error("one of the relays has handed out nothing")
	}
}

// outrun is a store in which others always take a prekey a moment earlier.
type outrun struct {
	*relaystore.Store
	mu    sync.Mutex
	times int // left
}

func (s *outrun) TakePrekey(ctx context.Context, owner crypto.Address, id crypto.PrekeyID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times > 0 {
		s.times--
		if err := s.Store.TakePrekey(ctx, owner, id); err != nil {
			return err
		}
	}
	return s.Store.TakePrekey(ctx, owner, id)
}

// TestOutrun: who comes second takes the next, and who always does goes
// without.
func TestOutrun(t *testing.T) {
	const tries = 16
	s := &outrun{times: 3}
	w := newWorld(t, func(c *relay.Config) {
		s.Store = c.Prekeys.(*relaystore.Store)
		c.Prekeys = s
	})
	alice, bob := w.register("alice"), w.register("bob")
	w.stock(bob, bob.oneTimes(2, 100))
	a := w.login(alice)
	if id := a.expectPrekeys(a.fetch("bob"), bob, 1); id != 5 {
		t.Errorf("behind three others came prekey %d", id)
	}
	s.mu.Lock()
	s.times = 1 << 30
	s.mu.Unlock()
	if id := a.expectPrekeys(a.fetch("bob"), bob, 1); id != 0 {
		t.Errorf("behind all others came prekey %d", id)
	}
	counts := w.relay.Snapshot()
	if counts[relay.CountConflicts] != 3+tries || counts[relay.CountNoOneTime] != 1 {
		t.Errorf("counted %d and %d", counts[relay.CountConflicts], counts[relay.CountNoOneTime])
	}
}

// TestFaultsOfPrekeys: each operation fails once, before or after it has taken
// effect. The peer is told, the connection ends, and the same sent again does
// what it should; no prekey comes twice.
func TestFaultsOfPrekeys(t *testing.T) {
	w, s := newFaultyWorld(t)
	alice, bob := w.register("alice"), w.register("bob")
	first := crypto.PrekeyID(2)
	for _, op := range []string{"add", "add, stored"} {
		b := w.login(bob)
		s.set(failing(op, errDisk))
		ps := bob.oneTimes(first, 30)
		b.refused(b.publish(nil, ps...), nil, protocol.CodeUnavailable)
		b.expectClose(websocket.CloseInternalServerErr)
		s.set(nil)
		b, before := w.loginStock(bob)
		b.expectStored(b.publish(nil, ps...), nil)
		want := int(first) + 28
		if _, after := w.loginStock(bob); after.OneTime != want || op == "add" && before.OneTime != want-30 || op != "add" && before.OneTime != want {
			t.Errorf("%s: %d prekeys before the second try, %d after", op, before.OneTime, after.OneTime)
		}
		first += 30
	}
	next := crypto.PrekeyID(2)
	for _, op := range []string{"prekeys", "take", "take, taken"} {
		a := w.login(alice)
		s.set(failing(op, errDisk))
		a.refused(a.fetch("bob"), nil, protocol.CodeUnavailable)
		a.expectClose(websocket.CloseInternalServerErr)
		s.set(nil)
		if op == "take, taken" {
			next++ // nobody has it
		}
		a = w.login(alice)
		if id := a.expectPrekeys(a.fetch("bob"), bob, 1); id != next {
			t.Errorf("%s: prekey %d came, want %d", op, id, next)
		}
		next++
	}
	a := w.login(alice)
	a.expectNothing()
	s.set(failing("prekeys", errDisk)) // of the stock that a login is told
	c := w.dial()
	c.person = bob
	c.authenticate(c.proof(expect[*protocol.Challenge](c)))
	expect[*protocol.Authenticated](c)
	c.expectClose(websocket.CloseInternalServerErr)
	s.set(nil)
	w.login(bob)
}
