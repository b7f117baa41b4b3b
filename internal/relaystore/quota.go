package relaystore

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"secure-messaging/pkg/relay"
)

// Limits of what waits in all mailboxes together.
const (
	// DefaultMaxBytes fits a small disk. It is what 64 mailboxes hold that are
	// full to the last byte.
	DefaultMaxBytes = 16 << 30
	// entryOverhead is what an entry takes on the disk besides its data, about:
	// two keys with an address or two each, and what tables need to find them.
	entryOverhead = 256
	// minFree is the free space below which the store takes no new messages, and
	// does not call itself ready: a few times what one change of the tables can
	// take. That change is needed for what is deleted to give room.
	minFree = 256 << 20
	// spaceInterval is how long what is known of the free space counts.
	spaceInterval = time.Second
)

// quota bounds what waits in all mailboxes together.
type quota struct {
	max    uint64 // bytes
	used   uint64
	free   uint64    // of the disk
	looked time.Time // at free
}

// cost is what entries count for in a quota.
func cost(u relay.MailboxUse) uint64 { return u.Bytes + entryOverhead*(u.Entries+u.Receipts) }

// admits reports whether a further entry fits. What tells somebody of something
// that has happened already, an acceptance or a receipt, may use the last of it:
// an eighth more of the bytes, and half of the disk's space that is kept free.
func (q *quota) admits(e relay.Entry) bool {
	top, free := q.max, uint64(minFree)
	if e.Kind.IsReceipt() || e.Kind == relay.KindAccept {
		top, free = q.max+q.max/8, minFree/2
	}
	return q.used+uint64(len(e.Data))+entryOverhead <= top && q.free >= free
}

// freeSpace returns how many bytes the disk has left, all there can be if that
// cannot be told.
func (s *Store) freeSpace() (uint64, error) {
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err == nil {
		return usage.AvailBytes, nil
	}
	if err == vfs.ErrUnsupported {
		err = nil
	}
	return 1<<64 - 1, err
}

// lookForSpace looks at the disk, unless it just has.
func (w *writer) lookForSpace() {
	if now := time.Now(); now.Sub(w.quota.looked) >= spaceInterval {
		w.quota.looked = now
		w.quota.free, _ = w.s.freeSpace() // Ready tells of errors
	}
}

// waiting adds up what the mailboxes hold, by their records. One that cannot be
// read counts nothing: nobody can use its mailbox.
func (s *Store) waiting() (total uint64, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{tableBox}, UpperBound: []byte{tableBox + 1}})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	for more := it.First(); more; more = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return 0, err
		}
		if x, err := decodeBox(value); err == nil {
			total += cost(x.use)
			s.held.add(x.use.Entries+x.use.Receipts, x.use.Bytes)
		}
	}
	return total, it.Error()
}

// checkSpace is for Ready.
func (s *Store) checkSpace() error {
	free, err := s.freeSpace()
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if free < minFree {
		return fmt.Errorf("the disk is nearly full: %d MiB left; free some space", free>>20)
	}
	return nil
}
