package relay_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// tight is a store that has no room for large entries while it is tight.
type tight struct {
	relay.Mailboxes
	tight atomic.Bool
}

func (s *tight) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	var fit []relay.Delivery
	for _, d := range ds {
		if !s.tight.Load() || len(d.Entry.Data) < 100 {
			fit = append(fit, d)
		}
	}
	a, err := s.Mailboxes.Append(ctx, fit)
	if err != nil || len(fit) == len(ds) {
		return a, err
	}
	seqs := make([]uint64, len(ds))
	for i, j := 0, 0; i < len(ds); i++ {
		if len(ds[i].Entry.Data) < 100 {
			seqs[i] = a.Seqs[j]
			j++
		}
	}
	return relay.Appended{Seqs: seqs, StoreFull: true, Wait: a.Wait}, nil
}

// TestNothingOvertakesWhatHasNoRoom: what stays in memory because there is no
// room for it is not stored behind what was sent after it.
func TestNothingOvertakesWhatHasNoRoom(t *testing.T) {
	for _, one := range []bool{true, false} { // the second message is spilled too, or is the one too many
		var s *tight
		w := newWorld(t, func(c *relay.Config) {
			s = &tight{Mailboxes: c.Mailboxes}
			c.Mailboxes = s
		})
		alice, bob := w.register("alice"), w.register("bob")
		w.befriend(alice, bob)
		a, b := w.online(alice), w.online(bob)
		s.tight.Store(true)
		first, second, third := letter(strings.Repeat("x", 200), bob), letter("x", bob), letter("x", bob)
		w.relay.SetBudget(250)
		if !one {
			w.relay.SetBudget(268) // the first, as text, and the second
		}
		a.send(first)
		a.send(second)
		a.send(third)
		a.expectSettledFrom(bob)
		s.tight.Store(false)
		w.leave(b)
		var places []int
		entries := w.entries(bob)
		for _, f := range []*protocol.SendMessage{first, second, third} {
			if i := slices.IndexFunc(entries, func(e relay.Stored) bool { return e.ID == f.ID }); i >= 0 {
				places = append(places, i)
			}
		}
		if !slices.IsSorted(places) {
			t.Errorf("stored in the order %v", places)
		}
	}
}

// expectSettledFrom makes sure that all that c has sent was handled, whatever it
// hears of it.
func (c *peer) expectSettledFrom(other *person) {
	c.t.Helper()
	for range 2 {
		id := c.reject(other)
		for {
			f, err := c.read()
			if err != nil {
				c.t.Fatal(err)
			}
			if r, ok := f.(*protocol.Receipt); ok && r.ID == id {
				break
			}
		}
	}
}
