package relaystore

import (
	"bytes"
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// Expired implements relay.Mailboxes. Its order is that of names, and then of
// devices.
func (s *Store) Expired(ctx context.Context, after crypto.Address, before protocol.UnixMilli, max int) (crypto.Address, []relay.Stored, error) {
	var x expiry
	err := s.do(ctx, func() error { return x.find(ctx, s.db, after, before, max) })
	if err != nil {
		return crypto.Address{}, nil, fmt.Errorf("look for what has expired: %w", err)
	}
	return x.owner, x.entries, nil
}

// expiry is what Expired finds.
type expiry struct {
	owner   crypto.Address
	entries []relay.Stored
}

func (x *expiry) find(ctx context.Context, db *pebble.DB, after crypto.Address, before protocol.UnixMilli, max int) error {
	from := []byte{tableBox}
	if after != (crypto.Address{}) {
		from = append(boxKey(after), 0)
	}
	boxes, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{tableBox + 1}})
	if err != nil {
		return err
	}
	defer boxes.Close()
	entries, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{tableEntry}, UpperBound: []byte{tableEntry + 1}})
	if err != nil {
		return err
	}
	defer entries.Close()
	for more := boxes.First(); more; more = boxes.Next() {
		if err := ctx.Err(); err != nil {
			return err // there may be many more
		}
		value, err := boxes.ValueAndErr()
		if err != nil {
			return err
		}
		b, err := decodeBox(value)
		f := fields{b: boxes.Key()[1:], ok: true}
		owner := f.address()
		if err != nil || !f.end() {
			continue // whoever opens this mailbox hears of it; the others go on
		}
		if err := x.front(entries, owner, b.first, before, max); err != nil || len(x.entries) > 0 {
			return err
		}
	}
	return boxes.Error()
}

// front takes the entries at the front of a mailbox that are old.
func (x *expiry) front(it *pebble.Iterator, owner crypto.Address, first uint64, before protocol.UnixMilli, max int) error {
	key := entryKey(owner, first)
	mailbox := key[:len(key)-8]
	for more := it.SeekGE(key); more && len(x.entries) < max && bytes.HasPrefix(it.Key(), mailbox); more = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		e, err := decodeEntry(value)
		if err != nil {
			return err
		}
		if e.Time >= before {
			break
		}
		e.Data = bytes.Clone(e.Data)
		x.owner = owner
		x.entries = append(x.entries, relay.Stored{Seq: entrySeq(it.Key()), Entry: e})
	}
	return it.Error()
}
