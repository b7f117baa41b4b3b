package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// latency measures how long a message is on its way at half load, and a lone
// one there and back.
func (b *bench) latency(ctx context.Context) error {
	rate, of := b.rate, "as -rate says"
	if rate == 0 {
		// With few on the way little gathers, as where nobody waits for anybody.
		full, err := b.onlineOnce(ctx, relayName, b.windows[0], false)
		if err != nil {
			return err
		}
		if full.perSecond() == 0 {
			return errors.New("nothing has arrived in the window; give a longer -span, or the -rate")
		}
		rate, of = full.perSecond()/2, fmt.Sprintf("half of what it was with %d of each pair on the way", b.windows[0])
	}
	title := fmt.Sprintf("latency: one way in ms, %.0f messages/s of %d pairs, %s", rate, b.pairs, of)
	if err := b.oneWay(ctx, rate, title); err != nil {
		return err
	}
	return b.pingPong(ctx)
}

// oneWay sends at a rate that does not wait for anybody, at each server in turn.
func (b *bench) oneWay(ctx context.Context, rate float64, title string) (err error) {
	kinds := []string{floorScan, relayName}
	pairs := make([][]*pair, len(kinds))
	way, late := make([][]time.Duration, len(kinds)), make([][]time.Duration, len(kinds))
	for i, kind := range kinds {
		p, startErr := b.serve(ctx, kind, false)
		if startErr != nil {
			return startErr
		}
		defer p.end(&err)
		if pairs[i], err = b.pairUp(ctx, p, b.pairs); err != nil {
			return err
		}
		defer hangUp(pairs[i])
	}
	each := max(1, min(b.messages, int(rate*b.span.Seconds()))/b.pairs/blocks)
	for range blocks {
		for i, kind := range kinds {
			w, l, err := steadyOnce(ctx, pairs[i], kind == relayName, rate, each)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			way[i], late[i] = append(way[i], w...), append(late[i], l...)
		}
	}
	rows := [][]string{{"", "p99/scan", "p50", "p99", "p99.9", "longest", "messages", "again", "late p50", "late p99"}}
	for i, kind := range kinds {
		w, l := way[i], late[i]
		slices.Sort(w)
		slices.Sort(l)
		rows = append(rows, []string{
			kind, ratio(float64(percentile(w, 0.99)), float64(percentile(way[0], 0.99))), ms(percentile(w, 0.5)), ms(percentile(w, 0.99)),
			ms(percentile(w, 0.999)), ms(w[len(w)-1]), fmt.Sprint(len(w)), fmt.Sprint(heardAgain(pairs[i])), ms(percentile(l, 0.5)), ms(percentile(l, 0.99)),
		})
	}
	return b.table(title, rows)
}

// steadyOnce lets each sender write so many messages, and returns how long each
// took from when it should have left, and how late it left.
func steadyOnce(ctx context.Context, pairs []*pair, atRelay bool, rate float64, each int) (way, late []time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	apart := time.Duration(float64(time.Second) / rate)
	start := clock() + 10*time.Millisecond // all are ready by then
	steps := make([]*steady, len(pairs))
	for i, l := range pairs {
		defer watch(cancel, l.conns()...)()
		steps[i] = &steady{
			pair: l, start: start + time.Duration(i)*apart, every: time.Duration(len(pairs)) * apart, each: each,
			done: make(chan struct{}), sent: make(chan struct{}),
		}
		steps[i].listen(atRelay)
		go steps[i].send(ctx, cancel)
	}
	for _, s := range steps {
		select {
		case <-s.done:
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
		<-s.sent
		way, late = append(way, s.way...), append(late, s.late...)
	}
	return way, late, nil
}

// steady is one pair whose sender keeps to a timetable.
type steady struct {
	*pair
	start, every time.Duration
	each         int
	done         chan struct{} // closed when all have arrived
	sent         chan struct{} // closed when all have left
	way          []time.Duration
	late         []time.Duration
}

func (s *steady) listen(atRelay bool) {
	s.way = make([]time.Duration, 0, s.each)
	var now time.Duration
	arrived := func(frame []byte) error {
		at, _, err := idOf(frame)
		if s.way = append(s.way, now-at); len(s.way) == s.each {
			close(s.done)
		}
		return err
	}
	if !atRelay {
		s.to.on(func(frames [][]byte) error {
			now = clock()
			for _, f := range frames {
				if err := arrived(f); err != nil {
					return err
				}
			}
			return nil
		})
		return
	}
	s.from.on(s.from.ackAll)
	var failed error
	ack := s.acker(s.to, func(frame []byte) { failed = errors.Join(failed, arrived(frame)) })
	s.to.on(func(frames [][]byte) error {
		now = clock()
		return errors.Join(ack(frames), failed)
	})
}

// send writes what is due, and sleeps until more is.
func (s *steady) send(ctx context.Context, cancel context.CancelCauseFunc) {
	defer close(s.sent)
	var buf []byte
	for next := 0; next < s.each && ctx.Err() == nil; {
		due := s.start + time.Duration(next)*s.every
		time.Sleep(due - clock())
		now := clock()
		for buf = buf[:0]; due <= now && next < s.each; due += s.every {
			buf = s.out.append(buf, due)
			s.late = append(s.late, now-due)
			next++
		}
		if err := s.from.send(buf); err != nil {
			cancel(err)
			return
		}
	}
}

// percentile takes sorted values.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.3f", float64(d)/float64(time.Millisecond)) }
