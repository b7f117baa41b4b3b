package relaystore

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

var _ relay.Invites = (*Store)(nil)

func inviteKey(h crypto.InviteHash) []byte { return append([]byte{tableInvite}, h[:]...) }

func encodeInvite(i relay.Invite) []byte {
	b := binary.BigEndian.AppendUint64([]byte{valueVersion}, uint64(i.Created))
	b = binary.BigEndian.AppendUint64(b, uint64(i.Expires))
	b = binary.BigEndian.AppendUint32(b, i.Uses)
	b = binary.BigEndian.AppendUint32(b, i.Left)
	return append(b, i.Note...)
}

func decodeInvite(key, value []byte) (i relay.Invite, err error) {
	f := readFields(value)
	i.Created, i.Expires = protocol.UnixMilli(f.uint64()), protocol.UnixMilli(f.uint64())
	i.Uses, i.Left = f.uint32(), f.uint32()
	i.Note = string(f.b)
	if !f.ok || len(key) != 1+len(i.Hash) || checkInvite(i) != nil {
		return relay.Invite{}, errValue
	}
	copy(i.Hash[:], key[1:])
	return i, nil
}

// checkInvite refuses what could not be read again.
func checkInvite(i relay.Invite) error {
	if i.Uses == 0 || i.Uses > relay.MaxInviteUses || i.Left > i.Uses || len(i.Note) > relay.MaxInviteNote {
		return fmt.Errorf("an invite has from 1 to %d uses, and a note of at most %d bytes", relay.MaxInviteUses, relay.MaxInviteNote)
	}
	return nil
}

// CreateInvited implements relay.Invites.
func (s *Store) CreateInvited(ctx context.Context, c crypto.Certificate, signed relay.RawPrekey, code crypto.InviteHash, now protocol.UnixMilli) error {
	put, err := s.newUser(c, signed)
	if err != nil {
		return err
	}
	key := inviteKey(code)
	wait, err := s.commit(ctx, pebble.Sync, [][]byte{userKey(c.User), key}, func(b *pebble.Batch) error {
		if err := put(b); err != nil {
			return err
		}
		value, err := s.get(key)
		if err != nil || value == nil {
			return cmp.Or(err, relay.ErrInvite)
		}
		i, err := decodeInvite(key, value)
		if err != nil {
			return err
		}
		if i.Left == 0 || i.Expires <= now {
			return relay.ErrInvite
		}
		i.Left--
		return b.Set(key, encodeInvite(i), nil)
	})
	if err != nil {
		return err
	}
	return wait()
}

// AddInvite implements relay.Invites. One lock for all that add keeps their
// number within its limit.
func (s *Store) AddInvite(ctx context.Context, i relay.Invite) error {
	if err := checkInvite(i); err != nil {
		return err
	}
	key := inviteKey(i.Hash)
	wait, err := s.commit(ctx, pebble.Sync, [][]byte{{tableInvite}, key}, func(b *pebble.Batch) error {
		held, err := s.invites()
		if err != nil {
			return err
		}
		if at := slices.IndexFunc(held, func(h relay.Invite) bool { return h.Hash == i.Hash }); at >= 0 {
			i = held[at]
		} else if len(held) >= relay.MaxInvites {
			return relay.ErrInvitesFull
		}
		return b.Set(key, encodeInvite(i), nil)
	})
	if err != nil {
		return err
	}
	return wait()
}

// Invites implements relay.Invites.
func (s *Store) Invites(ctx context.Context) ([]relay.Invite, error) {
	var held []relay.Invite
	err := s.do(ctx, func() (err error) {
		held, err = s.invites()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for invites: %w", err)
	}
	return held, nil
}

// invites reads all, in the order of their making.
func (s *Store) invites() (all []relay.Invite, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{tableInvite}, UpperBound: []byte{tableInvite + 1}})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for more := it.First(); more; more = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		i, err := decodeInvite(it.Key(), value)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	slices.SortStableFunc(all, func(a, b relay.Invite) int { return cmp.Compare(a.Created, b.Created) })
	return all, it.Error()
}

// RevokeInvite implements relay.Invites.
func (s *Store) RevokeInvite(ctx context.Context, id crypto.InviteID) error {
	held, err := s.Invites(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(held, func(i relay.Invite) bool { return i.Hash.ID() == id })
	if at < 0 {
		return relay.ErrInvite
	}
	key := inviteKey(held[at].Hash)
	return s.change(ctx, key, func(b *pebble.Batch) error {
		value, err := s.get(key)
		if err == nil && value == nil {
			err = relay.ErrInvite // somebody else has just
		}
		return errors.Join(err, b.Delete(key, nil))
	})
}
