package relaystore

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

var _ relay.Mailboxes = (*Store)(nil)

// deleteChunk bounds the entries that one commit forgets.
const deleteChunk = 512

// readGuess is for how many entries Read makes room before it knows.
const readGuess = 64

// Append implements relay.Mailboxes.
func (s *Store) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	for _, d := range ds {
		if err := checkDelivery(d); err != nil {
			return relay.Appended{}, fmt.Errorf("store an entry: %w", err)
		}
	}
	a := &appending{ds: ds, seqs: make([]uint64, len(ds))}
	g, err := s.join(ctx, func(g *group) { g.appends = append(g.appends, a) })
	if err == nil {
		err = s.reached(g.applied)
	}
	if err == nil {
		err = a.err
	}
	if err != nil {
		return relay.Appended{}, fmt.Errorf("store %d entries: %w", len(ds), err)
	}
	return relay.Appended{Seqs: a.seqs, StoreFull: a.full, Wait: func() error { return s.reached(g.durable) }}, nil
}

func checkDelivery(d relay.Delivery) error {
	if err := checkNames(d.To.User); err != nil {
		return err
	}
	return checkEntry(d.Entry)
}

// box reads the record of a mailbox, the zero one if it is empty.
func (s *Store) box(owner crypto.Address) (box, error) {
	value, err := s.get(boxKey(owner))
	if err != nil || value == nil {
		return box{}, err
	}
	x, err := decodeBox(value)
	if err != nil {
		return box{}, fmt.Errorf("read a mailbox: %w", err)
	}
	return x, nil
}

// Read implements relay.Mailboxes.
func (s *Store) Read(ctx context.Context, owner crypto.Address, after uint64, max, maxBytes int) ([]relay.Stored, error) {
	if err := checkNames(owner.User); err != nil {
		return nil, err
	}
	var entries []relay.Stored
	err := s.do(ctx, func() error {
		entries = make([]relay.Stored, 0, min(max, readGuess))
		size := 0
		return s.scan(owner, after, math.MaxUint64, func(seq uint64, e relay.Entry) (bool, error) {
			e.Data = append([]byte(nil), e.Data...)
			entries = append(entries, relay.Stored{Seq: seq, Entry: e})
			size += len(e.Data)
			return len(entries) < max && size <= maxBytes, nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read a mailbox: %w", err)
	}
	return entries, nil
}

// scan calls visit for the entries after a number and up to another, oldest
// first, while visit wants more. Data is valid until visit returns.
func (s *Store) scan(owner crypto.Address, after, upTo uint64, visit func(uint64, relay.Entry) (more bool, err error)) error {
	x, err := s.box(owner)
	if err != nil || x.first == 0 || after >= upTo {
		return err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{
		// To begin at first spares a walk over all that was deleted.
		LowerBound: entryKey(owner, max(after+1, x.first)),
		UpperBound: append(entryKey(owner, upTo), 0),
	})
	if err != nil {
		return err
	}
	defer it.Close()
	var e relay.Entry
	for more := it.First(); more; more = more && it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if e, err = decodeEntryAfter(value, e); err != nil {
			return err
		}
		if more, err = visit(entrySeq(it.Key()), e); err != nil {
			return err
		}
	}
	return it.Error()
}

// Delete implements relay.Mailboxes.
func (s *Store) Delete(ctx context.Context, owner crypto.Address, upTo uint64) error {
	if err := checkNames(owner.User); err != nil {
		return err
	}
	err := s.do(ctx, func() error {
		defer s.lockKeys([][]byte{boxKey(owner)})() // against another Delete
		for {
			n, err := s.deleteSome(ctx, owner, upTo)
			if err != nil || n < deleteChunk {
				return err
			}
		}
	})
	if err != nil {
		return fmt.Errorf("empty a mailbox: %w", err)
	}
	return nil
}

// deleteSome forgets the oldest entries up to a number, and says how many.
//
// Each key that it deletes was set once since it was last deleted, as a
// SingleDelete wants, which undoes the set and leaves no tombstone. A range
// would be no cheaper: every entry has to be looked at for its second key, and
// Pebble sorts all ranges anew for the next reader.
func (s *Store) deleteSome(ctx context.Context, owner crypto.Address, upTo uint64) (n int, err error) {
	d := &deletion{owner: owner, keys: s.db.NewBatch()}
	known := s.db.NewBatch() // apart, so that neighbours come one after the other
	defer known.Close()
	err = s.scan(owner, 0, upTo, func(seq uint64, e relay.Entry) (bool, error) {
		n++
		d.use.Add(e)
		d.last = seq
		op := d.keys.SingleDeleteDeferred(entryKeySize(owner))
		appendEntryKey(op.Key[:0], owner, seq)
		if err := op.Finish(); err != nil {
			return false, err
		}
		op = known.SingleDeleteDeferred(knownKeySize(owner, e))
		appendKnownKey(op.Key[:0], owner, e.Key())
		return n < deleteChunk, op.Finish()
	})
	if err != nil || n == 0 {
		return n, err
	}
	if err := d.keys.Apply(known, nil); err != nil {
		return n, err
	}
	g, err := s.join(ctx, func(g *group) { g.deletions = append(g.deletions, d) })
	if err != nil {
		return n, err
	}
	if err := s.reached(g.applied); err != nil {
		return n, err // and the batch stays the writer's
	}
	return n, errors.Join(d.err, d.keys.Close())
}

// Ready implements relay.Mailboxes.
func (s *Store) Ready(ctx context.Context) error { return s.do(ctx, s.checkSpace) }
