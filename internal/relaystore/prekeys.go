package relaystore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

var _ relay.Prekeys = (*Store)(nil)

// AddPrekeys implements relay.Prekeys.
func (s *Store) AddPrekeys(ctx context.Context, owner crypto.Address, signed relay.RawPrekey, oneTime []relay.RawPrekey) error {
	if err := checkPrekeys(owner, append([]relay.RawPrekey{signed}, oneTime...)); err != nil {
		return err
	}
	key := stockKey(owner)
	return s.change(ctx, key, func(b *pebble.Batch) error {
		x, err := s.stock(owner)
		if err != nil {
			return err
		}
		if signed.ID > x.signed.ID {
			x.signed = signed
		}
		for _, p := range slices.SortedFunc(slices.Values(oneTime), byID) {
			if p.ID <= x.highest || x.left >= protocol.MaxPrekeyStock {
				continue
			}
			if x.left == 0 {
				x.first = p.ID
			}
			x.highest = p.ID
			x.left++
			if err := b.Set(oneTimeKey(owner, p.ID), append([]byte{valueVersion}, p.Raw...), nil); err != nil {
				return err
			}
		}
		return b.Set(key, encodeStock(x), nil)
	})
}

func byID(a, b relay.RawPrekey) int { return cmp.Compare(a.ID, b.ID) }

// checkPrekeys refuses what could not be read again.
func checkPrekeys(owner crypto.Address, ps []relay.RawPrekey) error {
	for _, p := range ps {
		if (p.ID == 0) != (len(p.Raw) == 0) {
			return errors.New("a prekey has an id and bytes, or neither")
		}
	}
	return checkNames(owner.User)
}

// Prekeys implements relay.Prekeys.
func (s *Store) Prekeys(ctx context.Context, owner crypto.Address) (relay.PrekeyStock, error) {
	if err := checkNames(owner.User); err != nil {
		return relay.PrekeyStock{}, err
	}
	var left relay.PrekeyStock
	err := s.do(ctx, func() error {
		moment := s.db.NewSnapshot() // count and oldest belong together
		defer moment.Close()
		x, err := stockIn(moment, owner)
		if err != nil {
			return err
		}
		left = relay.PrekeyStock{Signed: x.signed, Left: int(x.left)}
		if x.left > 0 {
			left.OneTime, err = oldest(moment, owner, x)
		}
		return err
	})
	if err != nil {
		return relay.PrekeyStock{}, fmt.Errorf("look for prekeys: %w", err)
	}
	return left, nil
}

// oldest finds the one-time prekey with the lowest id.
func oldest(r pebble.Reader, owner crypto.Address, x stock) (p relay.RawPrekey, err error) {
	it, err := r.NewIter(&pebble.IterOptions{
		LowerBound: oneTimeKey(owner, x.first),
		UpperBound: append(oneTimeKey(owner, x.highest), 0),
	})
	if err != nil {
		return p, err
	}
	defer it.Close()
	if !it.First() {
		return p, errors.Join(errValue, it.Error())
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return p, err
	}
	if len(value) < 2 || value[0] != valueVersion {
		return p, errValue
	}
	return relay.RawPrekey{ID: oneTimeID(it.Key()), Raw: append([]byte(nil), value[1:]...)}, nil
}

// TakePrekey implements relay.Prekeys.
func (s *Store) TakePrekey(ctx context.Context, owner crypto.Address, id crypto.PrekeyID) error {
	if err := checkNames(owner.User); err != nil {
		return err
	}
	key, place := stockKey(owner), oneTimeKey(owner, id)
	return s.change(ctx, key, func(b *pebble.Batch) error {
		x, err := s.stock(owner)
		if err != nil {
			return err
		}
		value, err := s.get(place)
		switch {
		case err != nil:
			return err
		case value == nil:
			return relay.ErrConflict
		case x.left == 0:
			return errValue
		}
		x.left--
		if id == x.first {
			x.first = id + 1
		}
		if err := b.Delete(place, nil); err != nil {
			return err
		}
		return b.Set(key, encodeStock(x), nil)
	})
}

// stock reads the record of a device, the zero one if there is none.
func (s *Store) stock(owner crypto.Address) (stock, error) { return stockIn(s.db, owner) }

func stockIn(r pebble.Reader, owner crypto.Address) (stock, error) {
	value, err := getFrom(r, stockKey(owner))
	if err != nil || value == nil {
		return stock{}, err
	}
	x, err := decodeStock(value)
	if err != nil {
		return stock{}, fmt.Errorf("read a stock of prekeys: %w", err)
	}
	return x, nil
}
