package relaystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

var _ relay.Directory = (*Store)(nil)

// CreateUser implements relay.Directory.
func (s *Store) CreateUser(ctx context.Context, c crypto.Certificate, signed relay.RawPrekey) error {
	put, err := s.newUser(c, signed)
	if err != nil {
		return err
	}
	return s.change(ctx, userKey(c.User), put)
}

// newUser returns what puts a user into a batch, while the key is locked.
func (s *Store) newUser(c crypto.Certificate, signed relay.RawPrekey) (put func(*pebble.Batch) error, err error) {
	value, err := encodeUser(c)
	if err != nil {
		return nil, err
	}
	if err := checkPrekeys(c.Address(), []relay.RawPrekey{signed}); err != nil {
		return nil, err
	}
	key := userKey(c.User)
	return func(b *pebble.Batch) error {
		old, err := s.get(key)
		if err != nil {
			return fmt.Errorf("look for the user: %w", err)
		}
		if old != nil {
			return relay.ErrExists
		}
		// Nobody else writes the prekeys of a device whose user does not exist.
		if err := b.Set(stockKey(c.Address()), encodeStock(stock{signed: signed}), nil); err != nil {
			return err
		}
		return b.Set(key, value, nil)
	}, nil
}

// ReplaceDevice implements relay.Directory.
func (s *Store) ReplaceDevice(ctx context.Context, before, c crypto.Certificate, signed relay.RawPrekey) error {
	value, err := encodeUser(c)
	if err != nil {
		return err
	}
	if err := checkPrekeys(c.Address(), []relay.RawPrekey{signed}); err != nil {
		return err
	}
	if before.User != c.User || before.Device == c.Device {
		return errors.New("another device of the same user takes the place of one")
	}
	key, old, fresh := userKey(c.User), before.Address(), c.Address()
	wait, err := s.commit(ctx, pebble.Sync, [][]byte{key, stockKey(old), stockKey(fresh)}, func(b *pebble.Batch) error {
		if err := s.sameUser(before); err != nil {
			return err
		}
		if err := s.dropStock(b, old); err != nil {
			return err
		}
		if err := b.Set(stockKey(fresh), encodeStock(stock{signed: signed}), nil); err != nil {
			return err
		}
		return b.Set(key, value, nil)
	})
	if err != nil {
		return err
	}
	return wait()
}

// sameUser returns relay.ErrConflict unless that certificate is stored.
func (s *Store) sameUser(c crypto.Certificate) error {
	value, err := s.get(userKey(c.User))
	if err != nil {
		return fmt.Errorf("look for the user: %w", err)
	}
	if known, err := decodeUser(value); value == nil || err != nil || known.Hash() != c.Hash() {
		return errors.Join(err, relay.ErrConflict)
	}
	return nil
}

// dropStock deletes the prekeys of a device.
func (s *Store) dropStock(b *pebble.Batch, owner crypto.Address) error {
	x, err := s.stock(owner)
	if err != nil {
		return err
	}
	if x.left > 0 {
		if err := b.DeleteRange(oneTimeKey(owner, x.first), append(oneTimeKey(owner, x.highest), 0), nil); err != nil {
			return err
		}
	}
	return b.Delete(stockKey(owner), nil)
}

// User implements relay.Directory.
func (s *Store) User(ctx context.Context, name crypto.Username) (c crypto.Certificate, err error) {
	if checkNames(name) != nil {
		return crypto.Certificate{}, relay.ErrNotFound // nobody can have it
	}
	var value []byte
	err = s.do(ctx, func() (err error) {
		value, err = s.get(userKey(name))
		return err
	})
	if err != nil {
		return crypto.Certificate{}, fmt.Errorf("look for the user: %w", err)
	}
	if value == nil || bytes.Equal(value, removedUser) {
		return crypto.Certificate{}, relay.ErrNotFound
	}
	if c, err = decodeUser(value); err != nil || c.User != name {
		return crypto.Certificate{}, fmt.Errorf("read a certificate: %w", errValue)
	}
	return c, nil
}

// Relation implements relay.Directory.
func (s *Store) Relation(ctx context.Context, p relay.Pair) (relay.Relation, error) {
	if err := checkPair(p); err != nil {
		return relay.Relation{}, err
	}
	var r relay.Relation
	err := s.do(ctx, func() (err error) {
		r, err = s.relation(p)
		return err
	})
	if err != nil {
		return relay.Relation{}, err
	}
	return r, nil
}

// SetRelation implements relay.Directory.
func (s *Store) SetRelation(ctx context.Context, p relay.Pair, r relay.Relation) error {
	if err := checkPair(p); err != nil {
		return err
	}
	key := relationKey(p)
	return s.change(ctx, key, func(b *pebble.Batch) error {
		old, err := s.relation(p)
		if err != nil {
			return err
		}
		if old.Version != r.Version {
			return relay.ErrConflict
		}
		r.Version++
		return b.Set(key, encodeRelation(r), nil)
	})
}

// Relay returns the key of the relay whose data this is, the zero key if that
// was never set.
func (s *Store) Relay(ctx context.Context) (crypto.RelayPublic, error) {
	var key crypto.RelayPublic
	err := s.do(ctx, func() error {
		value, err := s.get([]byte{tableRelay})
		if err != nil || value == nil {
			return err
		}
		return decodeText(value, &key)
	})
	if err != nil {
		return crypto.RelayPublic{}, fmt.Errorf("read whose data this is: %w", err)
	}
	return key, nil
}

// SetRelay says whose data this is. Certificates and what clients have pinned
// name the relay's key, so the data is worth nothing under another.
func (s *Store) SetRelay(ctx context.Context, key crypto.RelayPublic) error {
	value, err := encodeText(key)
	if err != nil {
		return err
	}
	k := []byte{tableRelay}
	return s.change(ctx, k, func(b *pebble.Batch) error { return b.Set(k, value, nil) })
}

// relation reads a relation, the zero one if there is none.
func (s *Store) relation(p relay.Pair) (relay.Relation, error) {
	value, err := s.get(relationKey(p))
	if err != nil || value == nil {
		return relay.Relation{}, err
	}
	r, err := decodeRelation(value)
	if err != nil {
		return relay.Relation{}, fmt.Errorf("read a relation: %w", err)
	}
	return r, nil
}

// change makes a change of one record and waits until it is durable.
func (s *Store) change(ctx context.Context, key []byte, build func(*pebble.Batch) error) error {
	wait, err := s.commit(ctx, pebble.Sync, [][]byte{key}, build)
	if err != nil {
		return err
	}
	return wait()
}
