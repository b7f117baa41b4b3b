package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"secure-messaging/internal/procusage"
	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// offline measures how fast messages become durable for recipients that are
// away, beside the store alone, and how fast those fetch them.
func (b *bench) offline(ctx context.Context) (err error) {
	rows := [][]string{{"", "rate/store", "cpu-s/million", "messages/s", "messages", "server busy"}}
	var floor result // the last: as much on the way as at the relay
	for _, window := range []int{1, b.window()} {
		if floor, err = b.storeAlone(ctx, window); err != nil {
			return err
		}
		rows = append(rows, []string{
			fmt.Sprintf("the store alone, %d on the way", window), "", "", whole(floor.perSecond()), strconv.Itoa(floor.messages), "",
		})
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
	before, err := procusage.Of(p.cmd.Process.Pid)
	if err != nil {
		return t, err
	}
	began := time.Now()
	err = returning(ctx, pairs, func(l *pair, c *conn) handler {
		return l.acker(c, func([]byte) { fetched.add(1) })
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
		after, err := procusage.Of(p.cmd.Process.Pid)
		if err != nil {
			return t, err
		}
		*[]*result{&t.drained, &t.receipt}[i] = result{messages: total, all: total, elapsed: time.Since(began), cpu: after.CPU - before.CPU}
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
// writers as there are pairs, each with so many messages on the way.
func (b *bench) storeAlone(ctx context.Context, window int) (r result, err error) {
	store, err := relaystore.Open(filepath.Join(b.dir, fmt.Sprintf("store-alone-%d", window)), relaystore.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ctx, cancel := context.WithTimeoutCause(ctx, b.span, errEnough)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var left, done atomic.Int64
	left.Store(int64(b.messages))
	var writers sync.WaitGroup
	began := time.Now()
	for i := range b.pairs {
		writers.Go(func() {
			w := storeWriter{store: store, from: address("sender", i), to: address("recipient", i), data: randomData(b.size)}
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				n, err := w.put(window)
				if err != nil {
					fail(err)
				}
				done.Add(int64(n))
			}
			n, err := w.wait(0)
			if err != nil {
				fail(err)
			}
			done.Add(int64(n))
		})
	}
	writers.Wait()
	r = result{messages: int(done.Load()), elapsed: time.Since(began)}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errEnough) {
		return r, cause
	}
	return r, nil
}

var errEnough = errors.New("the time of -span is over")

// storeWriter appends without waiting for each message.
type storeWriter struct {
	store    *relaystore.Store
	from, to crypto.Address
	data     [][]byte
	next     uint64
	pending  []func() error
}

// put appends a message, and waits until fewer than window are on the way.
func (w *storeWriter) put(window int) (durable int, err error) {
	w.next++
	wait, err := appendAll(w.store, []relay.Delivery{delivery(w.from, w.to, w.next, w.data[w.next%templates])})
	if err != nil {
		return 0, err
	}
	w.pending = append(w.pending, wait)
	return w.wait(window - 1)
}

// wait waits until at most rest are on the way, and says how many are durable.
func (w *storeWriter) wait(rest int) (durable int, err error) {
	for ; len(w.pending) > rest; durable++ {
		if err := w.pending[0](); err != nil {
			return durable, err
		}
		w.pending = w.pending[1:]
	}
	return durable, nil
}

func address(role string, i int) crypto.Address {
	return crypto.Address{User: crypto.Username(fmt.Sprintf("%s_%d", role, i)), Device: crypto.NewDeviceID()}
}

func delivery(from, to crypto.Address, n uint64, data []byte) relay.Delivery {
	return relay.Delivery{To: to, Entry: relay.Entry{
		Kind: relay.KindMessage, From: from, ID: numberID(0, n), Time: protocol.Milli(time.Now()), Data: data,
	}}
}

// appendAll puts messages into a store that has room for all of them.
func appendAll(store *relaystore.Store, ds []relay.Delivery) (wait func() error, err error) {
	a, err := store.Append(context.Background(), ds)
	if err != nil {
		return nil, err
	}
	if slices.Contains(a.Seqs, 0) {
		return nil, errors.New("a mailbox, or the store, is full: let fewer messages wait")
	}
	return a.Wait, nil
}
