package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
)

// crew is how many connections are made or accounts registered at a time.
const crew = 16

// pair is a sender and its recipient. At a floor they are names alone.
type pair struct {
	from, to         *conn
	sender, receiver *person // nil at a floor
	out, back        *mold   // messages to the recipient, and back

	heard uint64       // number of the last message that the recipient has; its reader's
	again atomic.Int64 // messages that it had already
}

// pairUp makes n pairs who are connected and may write to each other.
func (b *bench) pairUp(ctx context.Context, p *process, n int) ([]*pair, error) {
	pairs := make([]*pair, n)
	err := eachOf(ctx, n, func(ctx context.Context, i int) (err error) {
		if p.name == relayName {
			pairs[i], err = b.acquaint(ctx, p, i)
		} else {
			pairs[i], err = b.connect(ctx, p, i)
		}
		return err
	})
	if err != nil {
		hangUp(pairs)
		return nil, fmt.Errorf("make pairs at the %s: %w", p.name, err)
	}
	return pairs, nil
}

// connect makes a pair at a floor, under names as long as the relay's.
func (b *bench) connect(ctx context.Context, p *process, i int) (*pair, error) {
	names := [2]string{fmt.Sprintf("sender_%04d/0123456789abcdef", i), fmt.Sprintf("recipient_%04d/0123456789abcdef", i)}
	var conns [2]*conn
	for n, name := range names {
		c, err := dial(ctx, p, "/?name="+url.QueryEscape(name), busyBuffer)
		if err == nil {
			_, err = c.read(1) // it is in the map
		}
		if err != nil {
			return nil, err
		}
		c.on(func([][]byte) error { return nil })
		c.start()
		conns[n] = c
	}
	return &pair{from: conns[0], to: conns[1], out: newMold(names[1], b.size), back: newMold(names[0], b.size)}, nil
}

// acquaint makes two accounts at the relay, and contacts of them.
func (b *bench) acquaint(ctx context.Context, p *process, i int) (*pair, error) {
	a, err := register(ctx, p, fmt.Sprintf("sender_%04d", i))
	if err != nil {
		return nil, err
	}
	z, err := register(ctx, p, fmt.Sprintf("recipient_%04d", i))
	if err != nil {
		return nil, err
	}
	from, err := a.loginDrained(ctx)
	if err != nil {
		return nil, err
	}
	to, err := z.loginDrained(ctx)
	if err != nil {
		from.close()
		return nil, err
	}
	l := &pair{from: from, to: to, sender: a, receiver: z, out: newMold(z.addr(), b.size), back: newMold(a.addr(), b.size)}
	if err := befriend(ctx, from, to, a, z); err != nil {
		hangUp([]*pair{l})
		return nil, err
	}
	return l, nil
}

// hangUp closes the connections that there are.
func hangUp(pairs []*pair) {
	for _, l := range pairs {
		if l == nil {
			continue
		}
		for _, c := range []*conn{l.from, l.to} {
			if c != nil {
				c.close()
			}
		}
	}
}

// eachOf calls do for 0 to n-1, crew at a time, until one fails.
func eachOf(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(crew, n) {
		workers.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// returning logs the recipients in again, with a handler for each.
func returning(ctx context.Context, pairs []*pair, handle func(l *pair, c *conn) handler) error {
	return eachOf(ctx, len(pairs), func(ctx context.Context, i int) (err error) {
		pairs[i].to, err = pairs[i].receiver.login(ctx, busyBuffer, func(c *conn) handler { return handle(pairs[i], c) })
		return err
	})
}
