package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// offline measures how fast messages become durable for recipients that are
// away, beside the store alone, and how fast those fetch them.
func (b *bench) offline(ctx context.Context) (err error) {
	floor, err := b.storeAlone(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{
		{"", "rate/store", "cpu-s/million", "messages/s", "messages", "server busy"},
		{"the store alone", "1.00", "-", whole(floor.perSecond()), strconv.Itoa(floor.messages), "-"},
	}
	for _, withTLS := range []bool{false, true} {
		trip, err := b.offlineOnce(ctx, withTLS)
		if err != nil {
			return err
		}
		for _, r := range trip.rows(withTLS) {
			rows = append(rows, append([]string{r.name, ratio(r.perSecond(), floor.perSecond())}, r.cells()...))
		}
	}
	return b.table(fmt.Sprintf("offline: %d senders, %d bytes, recipients away and then back", b.pairs, b.size), rows)
}

// roundTrip is what it costs to store messages and to fetch them.
type roundTrip struct {
	stored  result // from the sender to the fsync
	drained result // from the recipients' logins until they have everything
	receipt result // from there until the senders have heard of it
}

type namedResult struct {
	name string
	result
}

func (t roundTrip) rows(withTLS bool) []namedResult {
	suffix := ""
	if withTLS {
		suffix = " (TLS)"
	}
	return []namedResult{
		{"stored" + suffix, t.stored}, {"drained" + suffix, t.drained}, {"and receipted" + suffix, t.receipt},
	}
}

func (r result) cells() []string {
	return []string{fmt.Sprintf("%.2f", r.cost()), whole(r.perSecond()), strconv.Itoa(r.messages), r.busy()}
}

func (b *bench) offlineOnce(ctx context.Context, withTLS bool) (t roundTrip, err error) {
	p, err := b.serve(ctx, relayName, withTLS)
	if err != nil {
		return t, err
	}
	defer p.end(&err)
	pairs, err := b.pairUp(ctx, p, b.pairs)
	if err != nil {
		return t, err
	}
	defer func() { hangUp(pairs) }()
	return b.away(ctx, p, pairs)
}

// away sends to recipients that have left, and lets them come back. The
// senders stay.
func (b *bench) away(ctx context.Context, p *process, pairs []*pair) (t roundTrip, err error) {
	for _, l := range pairs {
		l.to.close()
		l.to = nil
	}
	if t.stored, err = b.traffic(ctx, p, pairs, b.window(), stored); err != nil {
		return t, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	total := t.stored.all
	fetched, told := newMeter(1, total), newMeter(1, total)
	for _, l := range pairs {
		l.from.on(l.from.receiptCounter(told))
	}
	before, err := p.usage()
	if err != nil {
		return t, err
	}
	began := time.Now()
	err = returning(ctx, pairs, func(_ int, c *conn) handler {
		return c.acker(func([]byte) { fetched.add(1) })
	})
	if err != nil {
		return t, fmt.Errorf("come back: %w", err)
	}
	for _, l := range pairs {
		defer watch(cancel, l.conns()...)()
	}
	for i, m := range []*meter{fetched, told} {
		select {
		case <-m.events[1]:
		case <-ctx.Done():
			return t, fmt.Errorf("%d of %d messages fetched, %d told: %w", fetched.count.Load(), total, told.count.Load(), context.Cause(ctx))
		}
		after, err := p.usage()
		if err != nil {
			return t, err
		}
		*[]*result{&t.drained, &t.receipt}[i] = result{messages: total, all: total, elapsed: time.Since(began), cpu: after.cpu - before.cpu}
	}
	return t, nil
}

// receiptCounter is the part of a sender that only listens.
func (c *conn) receiptCounter(m *meter) handler {
	return func(frames [][]byte) error {
		n := 0
		for _, f := range frames {
			if bytes.HasPrefix(f, headReceipt) && bytes.Contains(f, delivered) {
				n++
			}
		}
		m.add(n)
		return c.ackAll(frames)
	}
}

// storeAlone makes messages durable without a relay around the store: as many
// writers as there are pairs, each waiting for its message before the next.
func (b *bench) storeAlone(ctx context.Context) (r result, err error) {
	store, err := relaystore.Open(filepath.Join(b.dir, "store-alone"), relaystore.Options{})
	if err != nil {
		return r, err
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(ctx, b.span)
	defer cancel()
	var left, done atomic.Int64
	left.Store(int64(b.messages))
	var failure atomic.Pointer[error]
	var writers sync.WaitGroup
	began := time.Now()
	for i := range b.pairs {
		writers.Go(func() {
			from, to, data := address("sender", i), address("recipient", i), randomData(b.size)
			for n := uint64(1); left.Add(-1) >= 0 && ctx.Err() == nil; n++ {
				if err := storeOne(store, []relay.Delivery{delivery(from, to, n, data[n%templates])}); err != nil {
					failure.Store(&err)
					cancel()
					return
				}
				done.Add(1)
			}
		})
	}
	writers.Wait()
	if f := failure.Load(); f != nil {
		return r, *f
	}
	return result{messages: int(done.Load()), elapsed: time.Since(began)}, nil
}

func address(role string, i int) crypto.Address {
	return crypto.Address{User: crypto.Username(fmt.Sprintf("%s_%d", role, i)), Device: crypto.NewDeviceID()}
}

func delivery(from, to crypto.Address, n uint64, data []byte) relay.Delivery {
	return relay.Delivery{To: to, Entry: relay.Entry{
		Kind: relay.KindMessage, From: from, ID: numberID(0, n), Time: protocol.Milli(time.Now()), Data: data,
	}}
}

func storeOne(store *relaystore.Store, ds []relay.Delivery) error {
	a, err := store.Append(context.Background(), ds)
	if err != nil {
		return err
	}
	for _, seq := range a.Seqs {
		if seq == 0 {
			return errors.New("a mailbox, or the store, is full: let fewer messages wait")
		}
	}
	return a.Wait()
}
