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
		rate, of = full.perSecond()/2, fmt.Sprintf("half of what it was with %d of each pair on the way", b.windows[0])
	}
	rows := [][]string{{"", "p99/scan", "p50", "p99", "p99.9", "longest", "messages", "late p50", "late p99"}}
	var yardstick time.Duration
	for _, kind := range []string{floorScan, relayName} {
		way, late, err := b.steadyOnce(ctx, kind, rate)
		if err != nil {
			return err
		}
		if kind == floorScan {
			yardstick = percentile(way, 0.99)
		}
		rows = append(rows, []string{
			kind, ratio(float64(percentile(way, 0.99)), float64(yardstick)), ms(percentile(way, 0.5)), ms(percentile(way, 0.99)),
			ms(percentile(way, 0.999)), ms(way[len(way)-1]), fmt.Sprint(len(way)), ms(percentile(late, 0.5)), ms(percentile(late, 0.99)),
		})
	}
	title := fmt.Sprintf("latency: one way in ms, %.0f messages/s of %d pairs, %s", rate, b.pairs, of)
	if err := b.table(title, rows); err != nil {
		return err
	}
	return b.pingPong(ctx)
}

// steadyOnce sends at a rate that does not wait for anybody, and returns how
// long each message took from when it should have left, and how late it left,
// both sorted.
func (b *bench) steadyOnce(ctx context.Context, kind string, rate float64) (way, late []time.Duration, err error) {
	p, err := b.serve(ctx, kind, false)
	if err != nil {
		return nil, nil, err
	}
	defer p.end(&err)
	pairs, err := b.pairUp(ctx, p, b.pairs)
	if err != nil {
		return nil, nil, err
	}
	defer hangUp(pairs)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	each := max(1, min(b.messages, int(rate*b.span.Seconds()))/b.pairs)
	steps := make([]*steady, b.pairs)
	start := clock() + 10*time.Millisecond // all are ready by then
	for i, l := range pairs {
		defer watch(cancel, l.conns()...)()
		steps[i] = &steady{
			pair: l, start: start + time.Duration(float64(i)/rate*float64(time.Second)),
			each: each, every: time.Duration(float64(b.pairs) / rate * float64(time.Second)), done: make(chan struct{}),
		}
		steps[i].listen(kind == relayName)
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
	slices.Sort(way)
	slices.Sort(late)
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
	s.sent = make(chan struct{})
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
	ack := s.to.acker(func(frame []byte) { failed = errors.Join(failed, arrived(frame)) })
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
