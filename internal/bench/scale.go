package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"secure-messaging/internal/procusage"
	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/relay"
)

// scale measures whether a message costs more where more people are connected,
// and where more waits in the store.
func (b *bench) scale(ctx context.Context) error {
	most := slices.Max(b.connections)
	if err := needFiles(most); err != nil {
		return err
	}
	if err := b.scaleConnections(ctx); err != nil {
		return err
	}
	return b.scaleStore(ctx)
}

func (b *bench) scaleConnections(ctx context.Context) (err error) {
	p, err := b.serve(ctx, relayName, false)
	if err != nil {
		return err
	}
	defer p.end(&err)
	pairs, err := b.pairUp(ctx, p, b.pairs)
	if err != nil {
		return err
	}
	defer func() { hangUp(pairs) }()
	rows := [][]string{{"connections", "cpu/first", "rate/first", "cpu-s/million", "messages/s", "messages", "server busy"}}
	var first result
	idle := 0
	for i, n := range b.connections {
		more := max(0, n-2*b.pairs-idle)
		people, err := b.crowd(ctx, p, idle, more)
		if err != nil {
			return err
		}
		a, err := p.attend(ctx, people)
		defer a.leave()
		if err != nil {
			return err
		}
		idle += more
		r, err := b.traffic(ctx, p, pairs, b.window(), delivered)
		if err != nil {
			return err
		}
		if i == 0 {
			first = r
		}
		rows = append(rows, append([]string{strconv.Itoa(2*b.pairs + idle), ratio(r.cost(), first.cost()), ratio(r.perSecond(), first.perSecond())}, r.cells()...))
	}
	return b.table(fmt.Sprintf("scale: %d pairs write while the other connections are idle", b.pairs), rows)
}

// scaleStore measures online, stored and drained twice: with nothing else in
// the store, and with a million messages of others.
func (b *bench) scaleStore(ctx context.Context) error {
	const data = "scale"
	empty, people, err := b.tour(ctx, data, nil)
	if err != nil {
		return err
	}
	if err := b.fill(ctx, data); err != nil {
		return err
	}
	full, _, err := b.tour(ctx, data, people)
	if err != nil {
		return err
	}
	rows := [][]string{{"", "cpu/empty", "rate/empty", "cpu-s/million", "messages/s", "messages", "server busy"}}
	for i, r := range full {
		e := empty[i]
		rows = append(rows,
			append([]string{e.name + ", empty store", "1.00", "1.00"}, e.cells()...),
			append([]string{fmt.Sprintf("%s, %d waiting", r.name, b.waiting), ratio(r.cost(), e.cost()), ratio(r.perSecond(), e.perSecond())}, r.cells()...))
	}
	return b.table("scale: with an empty store, and with messages of others in it", rows)
}

// tour starts a relay on the data and measures all that a message may cost. It
// returns the pairs, so that they can come back.
func (b *bench) tour(ctx context.Context, data string, known []*pair) (rs []namedResult, pairs []*pair, err error) {
	p, err := b.relay(ctx, data, false)
	if err != nil {
		return nil, nil, err
	}
	defer p.end(&err)
	if known == nil {
		pairs, err = b.pairUp(ctx, p, b.pairs)
	} else {
		pairs, err = known, rejoin(ctx, p, known)
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { hangUp(pairs) }()
	if err := b.quiet(ctx, p); err != nil {
		return nil, nil, err
	}
	online, err := b.traffic(ctx, p, pairs, b.window(), delivered)
	if err != nil {
		return nil, nil, err
	}
	trip, err := b.away(ctx, p, pairs)
	return append([]namedResult{{"online", online}}, trip.rows(false)...), pairs, err
}

// quiet waits until the server does nothing for itself any more, or for the time
// of -settle: after many messages were put in, its store sorts them once.
func (b *bench) quiet(ctx context.Context, p *process) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for until := time.Now().Add(b.settle); time.Now().Before(until); {
		before, err := procusage.Of(p.cmd.Process.Pid)
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if after, err := procusage.Of(p.cmd.Process.Pid); err != nil || after.CPU-before.CPU < quietCPU {
			return err
		}
	}
	return nil
}

// quietCPU is what a server that nobody asks for anything may use in a second.
const quietCPU = 30 * time.Millisecond

// rejoin logs pairs in at another process on the same data.
func rejoin(ctx context.Context, p *process, pairs []*pair) error {
	return eachOf(ctx, len(pairs), func(ctx context.Context, i int) (err error) {
		l := pairs[i]
		l.sender.relay, l.receiver.relay = p, p
		if l.from, err = l.sender.loginDrained(ctx); err != nil {
			return err
		}
		l.to, err = l.receiver.loginDrained(ctx)
		return err
	})
}

// Messages that wait for others: so many for each, below what a mailbox takes,
// in commits of so many.
const (
	fillMailbox = 2000
	fillCommit  = 500
)

// fill puts messages for people who never come into the store of a relay that
// has ended.
func (b *bench) fill(ctx context.Context, name string) error {
	store, err := relaystore.Open(filepath.Join(b.data(name), "store"), relaystore.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	from, data := address("elsewhere", 0), randomData(b.size)
	var ds []relay.Delivery
	to := from
	for i := range b.waiting {
		if i%fillMailbox == 0 {
			to = address("away", i)
		}
		ds = append(ds, delivery(from, to, uint64(i+1), data[i%templates]))
		if len(ds) < fillCommit && i < b.waiting-1 {
			continue
		}
		wait, err := appendAll(store, ds)
		if err == nil {
			err = wait()
		}
		if err != nil {
			return fmt.Errorf("fill the store: %w", err)
		}
		ds = nil
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}
