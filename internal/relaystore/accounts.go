package relaystore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

var _ relay.Accounts = (*Store)(nil)

// removedUser stands in the place of a certificate, and keeps the name. It is no
// value that a program of before can read, which so lets nobody in.
var removedUser = []byte{valueVersion + 1}

// relationChunk bounds the relations that one commit forgets.
const relationChunk = 512

func suspensionKey(name crypto.Username) []byte { return append([]byte{tableSuspension}, name...) }

func encodeSuspension(since protocol.UnixMilli) []byte {
	return binary.BigEndian.AppendUint64([]byte{valueVersion}, uint64(since))
}

func decodeSuspension(value []byte) (protocol.UnixMilli, error) {
	f := readFields(value)
	since := protocol.UnixMilli(f.uint64())
	if !f.end() || since == 0 {
		return 0, errValue
	}
	return since, nil
}

// Accounts implements relay.Accounts.
func (s *Store) Accounts(ctx context.Context, after crypto.Username, max int) ([]relay.Account, error) {
	var found []relay.Account
	err := s.do(ctx, func() error {
		moment := s.db.NewSnapshot()
		defer moment.Close()
		it, err := moment.NewIter(&pebble.IterOptions{LowerBound: append(userKey(after), 0), UpperBound: []byte{tableUser + 1}})
		if err != nil {
			return err
		}
		defer it.Close()
		for more := it.First(); more && len(found) < max; more = it.Next() {
			value, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			if bytes.Equal(value, removedUser) {
				continue
			}
			a, err := accountIn(moment, value)
			if err != nil {
				return err
			}
			found = append(found, a)
		}
		return it.Error()
	})
	if err != nil {
		return nil, fmt.Errorf("look for users: %w", err)
	}
	return found, nil
}

// Account implements relay.Accounts.
func (s *Store) Account(ctx context.Context, name crypto.Username) (relay.Account, error) {
	if checkNames(name) != nil {
		return relay.Account{}, relay.ErrNotFound // nobody can have it
	}
	var a relay.Account
	err := s.do(ctx, func() error {
		moment := s.db.NewSnapshot() // both records belong together
		defer moment.Close()
		value, err := getFrom(moment, userKey(name))
		if err != nil {
			return err
		}
		if value == nil || bytes.Equal(value, removedUser) {
			return relay.ErrNotFound
		}
		a, err = accountIn(moment, value)
		return err
	})
	if err != nil {
		return relay.Account{}, fmt.Errorf("look for a user: %w", err)
	}
	return a, nil
}

// accountIn reads what belongs to the value of a user.
func accountIn(r pebble.Reader, value []byte) (a relay.Account, err error) {
	if a.Certificate, err = decodeUser(value); err != nil {
		return relay.Account{}, err
	}
	since, err := getFrom(r, suspensionKey(a.Certificate.User))
	if err != nil || since == nil {
		return a, err
	}
	a.Suspended, err = decodeSuspension(since)
	return a, err
}

// Suspend implements relay.Accounts.
func (s *Store) Suspend(ctx context.Context, name crypto.Username, since protocol.UnixMilli) error {
	if checkNames(name) != nil {
		return relay.ErrNotFound
	}
	return s.change(ctx, userKey(name), func(b *pebble.Batch) error {
		value, err := s.get(userKey(name))
		switch {
		case err != nil:
			return err
		case value == nil || bytes.Equal(value, removedUser):
			return relay.ErrNotFound
		case since == 0:
			return b.Delete(suspensionKey(name), nil)
		}
		return b.Set(suspensionKey(name), encodeSuspension(since), nil)
	})
}

// Remove implements relay.Accounts. How the user stands to others goes first, for
// the certificate is what a second try begins with.
func (s *Store) Remove(ctx context.Context, c crypto.Certificate) error {
	if err := s.forgetRelations(ctx, c.User); err != nil {
		return err
	}
	key, stock := userKey(c.User), stockKey(c.Address())
	wait, err := s.commit(ctx, pebble.Sync, [][]byte{key, stock}, func(b *pebble.Batch) error {
		if err := s.sameUser(c); err != nil {
			return err
		}
		if err := s.dropStock(b, c.Address()); err != nil {
			return err
		}
		if err := b.Delete(suspensionKey(c.User), nil); err != nil {
			return err
		}
		return b.Set(key, removedUser, nil)
	})
	if err != nil {
		return err
	}
	return wait()
}

// forgetRelations deletes every relation of a user, who may be the later of the
// two: all have to be looked at. A change of one at the same time is a conflict
// for whoever makes it.
func (s *Store) forgetRelations(ctx context.Context, name crypto.Username) error {
	for {
		var keys [][]byte
		err := s.do(ctx, func() (err error) {
			keys, err = s.relationsOf(ctx, name, relationChunk)
			return err
		})
		if err != nil || len(keys) == 0 {
			return err
		}
		wait, err := s.commit(ctx, pebble.Sync, keys, func(b *pebble.Batch) error {
			for _, k := range keys {
				if err := b.Delete(k, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = wait()
		}
		if err != nil {
			return err
		}
	}
}

// relationsOf finds the keys of at most max relations of a user.
func (s *Store) relationsOf(ctx context.Context, name crypto.Username, max int) (keys [][]byte, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{tableRelation}, UpperBound: []byte{tableRelation + 1}})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for more := it.First(); more && len(keys) < max; more = it.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err // there may be many more
		}
		low, high, _ := bytes.Cut(it.Key()[1:], []byte{0})
		if string(low) == string(name) || string(high) == string(name) {
			keys = append(keys, bytes.Clone(it.Key()))
		}
	}
	return keys, it.Error()
}

// FilesOf implements relay.Accounts.
func (s *Store) FilesOf(ctx context.Context, owner crypto.Username) (all []relay.File, err error) {
	var found []relay.File
	err = s.do(ctx, func() error {
		return s.eachFile(func(f relay.File) {
			if f.Owner == owner {
				found = append(found, f)
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look for files: %w", err)
	}
	return found, nil
}

// MailboxUse implements relay.Accounts.
func (s *Store) MailboxUse(ctx context.Context, owner crypto.Address) (relay.MailboxUse, error) {
	if err := checkNames(owner.User); err != nil {
		return relay.MailboxUse{}, err
	}
	var x box
	err := s.do(ctx, func() (err error) {
		x, err = s.box(owner)
		return err
	})
	if err != nil {
		return relay.MailboxUse{}, err
	}
	return x.use, nil
}
