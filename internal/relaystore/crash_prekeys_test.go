package relaystore

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// keeper is the device whose prekeys the promises below are about.
var keeper = owners[1]

// prekeyPromises is what a store has told the keeper, and those who asked for
// its prekeys.
type prekeyPromises struct {
	published []relay.RawPrekey         // one-time, by rising ids, acked or not
	acked     map[crypto.PrekeyID]bool  // of them
	signed    crypto.PrekeyID           // acked
	taking    map[crypto.PrekeyID]bool  // may be gone
	taken     map[crypto.PrekeyID]bool  // handed out
	twice     map[crypto.PrekeyID]error // handed out again: a broken promise
}

func newPrekeyPromises() prekeyPromises {
	return prekeyPromises{
		acked:  map[crypto.PrekeyID]bool{},
		taking: map[crypto.PrekeyID]bool{},
		taken:  map[crypto.PrekeyID]bool{},
		twice:  map[crypto.PrekeyID]error{},
	}
}

func (p prekeyPromises) copy() prekeyPromises {
	p.published = slices.Clone(p.published)
	for _, m := range []*map[crypto.PrekeyID]bool{&p.acked, &p.taking, &p.taken} {
		*m = maps.Clone(*m)
	}
	p.twice = maps.Clone(p.twice)
	return p
}

// firstPrekey is that of a user's registration.
func firstPrekey(c crypto.Certificate) relay.RawPrekey {
	h := c.Hash()
	return relay.RawPrekey{ID: 1, Raw: h[:]}
}

// publish adds two prekeys and, as after a lost answer, many that were added
// before. Only one worker publishes, so what it sees is left has room.
func (p *promises) publish(s *Store) error {
	const often, enough = 60, 100
	stock, err := s.Prekeys(context.Background(), keeper)
	if err != nil {
		return err
	}
	p.mu.Lock()
	if ps := &p.prekeys.published; stock.Left < enough {
		*ps = append(*ps, storetest.NewPrekeys(crypto.PrekeyID(len(*ps)+1), 2)...)
	}
	all := slices.Clone(p.prekeys.published)
	p.mu.Unlock()
	all = all[max(0, len(all)-often):]
	signed := storetest.NewPrekey(all[len(all)-1].ID)
	if err := s.AddPrekeys(context.Background(), keeper, signed, all); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prekeys.signed = signed.ID
	for _, k := range all {
		p.prekeys.acked[k.ID] = true
	}
	p.promised()
	return nil
}

// take takes the oldest prekey, if there is any, and nobody was faster.
func (p *promises) take(s *Store) error {
	stock, err := s.Prekeys(context.Background(), keeper)
	id := stock.OneTime.ID
	if err != nil || id == 0 {
		return err
	}
	p.mu.Lock()
	p.prekeys.taking[id] = true
	p.mu.Unlock()
	err = s.TakePrekey(context.Background(), keeper, id)
	if errors.Is(err, relay.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.prekeys.taken[id] {
		p.prekeys.twice[id] = errors.New("it was handed out twice")
	}
	p.prekeys.taken[id] = true
	p.promised()
	return nil
}

// kept compares a store with these promises.
func (p prekeyPromises) kept(t testing.TB, s *Store) {
	t.Helper()
	for id, err := range p.twice {
		t.Errorf("prekey %d: %v", id, err)
	}
	for _, k := range p.published {
		value, err := s.get(oneTimeKey(keeper, k.ID))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case p.taken[k.ID] && value != nil:
			t.Errorf("prekey %d was handed out and is back", k.ID)
		case p.acked[k.ID] && !p.taking[k.ID] && value == nil:
			t.Errorf("prekey %d was acked and is lost", k.ID)
		case value != nil && !bytes.Equal(value[1:], k.Raw):
			t.Errorf("prekey %d has other bytes", k.ID)
		}
	}
	stock, err := s.Prekeys(context.Background(), keeper)
	if err != nil || stock.Signed.ID < p.signed {
		t.Errorf("the signed prekey is %d, %v; %d was acked", stock.Signed.ID, err, p.signed)
	}
}
