package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// blocks is how often ping-pong goes from one server to the next: what else
// the machine does meets all of them.
const blocks = 5

// pingPong lets one pair throw one message to and fro, at each server in turn.
func (b *bench) pingPong(ctx context.Context) (err error) {
	kinds := []string{floorDirect, floorScan, relayName}
	trips := make([][]time.Duration, len(kinds))
	games := make([]*game, len(kinds))
	for i, kind := range kinds {
		p, startErr := b.serve(ctx, kind, false)
		if startErr != nil {
			return startErr
		}
		defer p.end(&err)
		pairs, pairErr := b.pairUp(ctx, p, 1)
		if pairErr != nil {
			return pairErr
		}
		defer hangUp(pairs)
		games[i] = newGame(pairs[0])
	}
	for range blocks {
		for i, g := range games {
			if err := g.play(ctx, max(1, b.rounds/blocks)); err != nil {
				return fmt.Errorf("%s: %w", kinds[i], err)
			}
			trips[i] = append(trips[i], g.trips[len(g.trips)/10:]...) // the first ones warm up
		}
	}
	rows := [][]string{{"", "p50/direct", "p50", "p99", "round trips"}}
	for i, t := range trips {
		slices.Sort(t)
		rows = append(rows, []string{
			kinds[i], ratio(float64(percentile(t, 0.5)), float64(percentile(trips[0], 0.5))),
			ms(percentile(t, 0.5)), ms(percentile(t, 0.99)), fmt.Sprint(len(t)),
		})
	}
	return b.table("ping-pong: there and back in ms, one pair, one message on the way", rows)
}

// game is one pair with one message on the way.
type game struct {
	*pair
	left  atomic.Int64
	trips []time.Duration // the sender's reader's until over, then the player's
	over  chan struct{}
}

func newGame(l *pair) *game {
	g := &game{pair: l, over: make(chan struct{}, 1)}
	l.to.on(g.answer(l.to, l.back, func(at time.Duration) (time.Duration, bool) { return at, true }))
	l.from.on(g.answer(l.from, l.out, func(at time.Duration) (time.Duration, bool) {
		now, again := clock(), g.left.Add(-1) > 0
		if g.trips = append(g.trips, now-at); !again {
			g.over <- struct{}{}
		}
		return now, again
	}))
	return g
}

// answer throws back what arrives, and acks what has a number in the same
// write.
func (g *game) answer(c *conn, m *mold, arrived func(at time.Duration) (now time.Duration, again bool)) handler {
	var buf []byte
	return func(frames [][]byte) error {
		buf = buf[:0]
		for _, f := range frames {
			if bytes.HasPrefix(f, headError) {
				return refusal(f)
			}
			if bytes.HasPrefix(f, headMessage) {
				at, _, err := idOf(f)
				if err != nil {
					return err
				}
				if now, again := arrived(at); again {
					buf = m.append(buf, now)
				}
			}
			if seq := seqOf(f); seq > 0 {
				buf = appendAck(buf, seq)
			}
		}
		return c.send(buf)
	}
}

// play makes n round trips.
func (g *game) play(ctx context.Context, n int) error {
	g.trips = make([]time.Duration, 0, n)
	g.left.Store(int64(n))
	if err := g.from.send(g.out.append(nil, clock())); err != nil {
		return err
	}
	return await(ctx, g.over, g.from, g.to)
}
