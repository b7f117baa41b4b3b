package relaystore

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"runtime"

	"github.com/cockroachdb/pebble/v2"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// Limits of what the writer does at a time.
const (
	// batchBytes is where it begins another batch. Pebble treats one of half a
	// memory table's size as a table of its own.
	batchBytes = 1 << 20
	// maxUnsynced bounds the groups that wait for an fsync. Whoever comes then
	// gathers in one group.
	maxUnsynced = 64
)

// group is the changes of mailboxes that came while others were written. They
// share a batch, as a rule, and an fsync.
type group struct {
	deletions []*deletion
	appends   []*appending
	applied   chan struct{} // closed when the outcomes are set, and readable
	durable   chan struct{} // closed after the fsync, if there are appends
}

// appending is one Append.
type appending struct {
	ds []relay.Delivery

	// The outcome.
	seqs []uint64
	full bool // the store's quota has refused an entry
	err  error
}

// deletion is a part of one Delete.
type deletion struct {
	owner crypto.Address
	keys  *pebble.Batch    // deletes the records
	last  uint64           // the highest number
	use   relay.MailboxUse // what they took

	err error // the outcome
}

// join puts a change into the next group.
func (s *Store) join(ctx context.Context, put func(*group)) (*group, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.next == nil {
		s.next = &group{applied: make(chan struct{}), durable: make(chan struct{})}
		s.wake <- struct{}{} // never waits: the last one was taken before the group
	}
	put(s.next)
	return s.next, nil
}

// reached waits for a stage of a group.
func (s *Store) reached(stage <-chan struct{}) error {
	select {
	case <-stage:
		return nil
	case <-s.failed:
		return s.cause
	}
}

// writer makes every change of the mailboxes, so that what it has at hand is
// true, and no caller waits for the lock of another.
type writer struct {
	s       *Store
	written chan written // to the goroutine that waits for fsyncs

	b       *pebble.Batch // under construction
	fresh   []fresh       // entries in b that cannot be looked up yet
	touched []*openBox    // that b changes
	boxes   map[crypto.Address]*openBox
	filters int // bytes
	plan    []planned
	numbers numbers
	quota   quota
	key     []byte // scratch
}

// written is a group that is readable, and the last of its batches.
type written struct {
	g *group
	b *pebble.Batch
}

// fresh is an entry that was given a number.
type fresh struct {
	d   *relay.Delivery
	seq uint64
}

// planned is where a delivery goes.
type planned struct {
	x    *openBox
	hash uint64 // of the key that the entry is known by
}

// run writes groups until the store is closed or fails.
func (w *writer) run() {
	defer close(w.written)
	for range w.s.wake {
		runtime.Gosched() // who is ready to join the group does; alone, it costs nothing
		w.s.mu.Lock()
		g := w.s.next
		w.s.next = nil
		w.s.mu.Unlock()
		if w.s.attempt(func() error { w.write(g); return nil }) != nil {
			return
		}
	}
}

// settle says of each group when it is durable.
func (s *Store) settle(written <-chan written) {
	for c := range written {
		if err := c.b.SyncWait(); err != nil {
			s.fail(err)
			return
		}
		close(c.g.durable)
		c.b.Close()
	}
}

// write writes a group. Deletions go first: what they delete is not of this
// group.
func (w *writer) write(g *group) {
	w.b = w.s.db.NewBatch()
	for _, d := range g.deletions {
		w.delete(d)
	}
	if len(g.appends) > 0 {
		w.lookForSpace()
	}
	for _, a := range g.appends {
		w.append(a)
		if w.b.Len() > batchBytes {
			w.flush()
		}
	}
	if len(g.appends) == 0 {
		w.flush()
		close(g.applied)
		return
	}
	w.records()
	if w.b.Empty() {
		// What is there already may not be durable yet. A record of the log alone
		// gives Wait something to wait for, behind it.
		w.must(w.b.LogData([]byte{valueVersion}, nil))
	}
	w.must(w.s.db.ApplyNoSyncWait(w.b, pebble.Sync))
	close(g.applied)
	w.written <- written{g, w.b}
	w.trim()
}

// flush makes the batch readable, and begins another. The log keeps their
// order, so an fsync of that is one of this.
func (w *writer) flush() {
	w.records()
	w.must(w.s.db.Apply(w.b, pebble.NoSync))
	w.b.Close()
	w.b = w.s.db.NewBatch()
}

// must ends the store: what is at hand differs from what is stored.
func (w *writer) must(err error) {
	if err != nil {
		w.s.fail(err)
		freeze()
	}
}

// touch has the record of a mailbox written into the batch.
func (w *writer) touch(x *openBox) {
	if !x.touched {
		x.touched = true
		w.touched = append(w.touched, x)
	}
}

// records completes the batch. Keys that are neighbours go in one after the
// other, for then Pebble finds their places soon.
func (w *writer) records() {
	for _, f := range w.fresh {
		w.setKnown(f)
	}
	clear(w.fresh)
	w.fresh = w.fresh[:0]
	for _, x := range w.touched {
		x.touched = false
		if x.first == 0 {
			w.must(w.b.Delete(boxKey(x.owner), nil))
			continue
		}
		op := w.b.SetDeferred(boxKeySize(x.owner), boxSize)
		appendBoxKey(op.Key[:0], x.owner)
		appendBox(op.Value[:0], x.box)
		w.must(op.Finish())
	}
	w.touched = w.touched[:0]
}

func (w *writer) delete(d *deletion) {
	x, err := w.open(d.owner)
	if err != nil {
		d.err = err
		return
	}
	w.must(w.b.Apply(d.keys, nil))
	w.filters -= x.forget(d.last, d.use)
	w.quota.used -= cost(d.use)
	w.s.held.remove(d.use)
	w.touch(x)
}

// append puts the entries of one call into the batch: all, or none if one
// cannot be looked up.
func (w *writer) append(a *appending) {
	w.plan = w.plan[:0]
	for i, d := range a.ds {
		x, err := w.open(d.To)
		if err != nil {
			a.err = err
			return
		}
		w.key = appendKnownKey(w.key[:0], d.To, d.Entry.Key())
		hash := maphash.Bytes(w.s.seed, w.key)
		if a.seqs[i], err = w.look(x, hash); err != nil {
			a.err = fmt.Errorf("look for an entry: %w", err)
			return
		}
		w.plan = append(w.plan, planned{x, hash})
	}
	for i := range a.ds {
		if a.seqs[i] == 0 {
			a.seqs[i] = w.put(a, i)
		}
	}
}

// look finds the entry that is known by w.key, and returns its number, 0 if
// there is none.
func (w *writer) look(x *openBox, hash uint64) (uint64, error) {
	if !x.mayHold(hash) {
		return 0, nil
	}
	if x.touched { // it may be in the batch, which cannot be read
		w.flush()
	}
	return w.s.getUint64(w.key)
}

// put adds an entry that the mailbox did not hold before this call, and
// returns its number, or 0 if there is no room.
func (w *writer) put(a *appending, i int) uint64 {
	x, hash, d := w.plan[i].x, w.plan[i].hash, a.ds[i]
	if x.known.has(hash) { // perhaps from a moment ago
		for j, same := range a.ds[:i] {
			if a.seqs[j] != 0 && same.To == d.To && same.Entry.Key() == d.Entry.Key() {
				return a.seqs[j]
			}
		}
	}
	if !w.s.limits.Admits(x.use, d.Entry) {
		return 0
	}
	if !w.quota.admits(d.Entry) {
		a.full = true
		return 0
	}
	seq := w.nextNumber()
	if x.first == 0 {
		x.first = seq
	}
	w.filters += x.known.add(hash, seq, x.use.Entries+x.use.Receipts)
	x.use.Add(d.Entry)
	w.quota.used += uint64(len(d.Entry.Data)) + entryOverhead
	w.s.held.add(1, uint64(len(d.Entry.Data)))
	w.touch(x)
	w.setEntry(&a.ds[i], seq)
	return seq
}

// setEntry puts an entry into the batch.
func (w *writer) setEntry(d *relay.Delivery, seq uint64) {
	op := w.b.SetDeferred(entryKeySize(d.To), entrySize(d.Entry))
	appendEntryKey(op.Key[:0], d.To, seq)
	appendEntry(op.Value[:0], d.Entry)
	w.must(op.Finish())
	w.fresh = append(w.fresh, fresh{d, seq})
}

// setKnown puts what an entry is known by into the batch.
func (w *writer) setKnown(f fresh) {
	op := w.b.SetDeferred(knownKeySize(f.d.To, f.d.Entry), 8)
	appendKnownKey(op.Key[:0], f.d.To, f.d.Entry.Key())
	binary.BigEndian.PutUint64(op.Value, f.seq)
	w.must(op.Finish())
}
