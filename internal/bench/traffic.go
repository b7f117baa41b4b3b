package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"secure-messaging/internal/procusage"
)

// result is what one window of traffic has cost.
type result struct {
	messages int // in the window
	all      int // with those before and after it
	elapsed  time.Duration
	cpu      time.Duration // of the server
	others   int64         // receipts of another state
	again    int64         // messages that a recipient has had before
}

func (r result) perSecond() float64 { return float64(r.messages) / r.elapsed.Seconds() }

// cost is CPU-seconds of the server for a million messages. A window so short
// that all had arrived when it began has none.
func (r result) cost() float64 { return r.cpu.Seconds() / float64(max(1, r.messages)) * 1e6 }

// meter counts messages that have arrived, and tells when there are enough.
type meter struct {
	left   atomic.Int64 // may still be sent
	count  atomic.Int64
	others atomic.Int64 // receipts of another state than the one that counts
	marks  [2]int64     // counts at which warm and full are closed
	events [2]chan struct{}
	closed [2]sync.Once
}

func newMeter(warm, total int) *meter {
	m := &meter{marks: [2]int64{int64(warm), int64(total)}}
	m.left.Store(int64(total))
	for i := range m.events {
		m.events[i] = make(chan struct{})
	}
	return m
}

// take allows at most n further messages.
func (m *meter) take(n int) int {
	left := m.left.Add(int64(-n))
	return max(0, min(n, n+int(left)))
}

func (m *meter) add(n int) {
	count := m.count.Add(int64(n))
	for i, mark := range m.marks {
		if count >= mark {
			m.closed[i].Do(func() { close(m.events[i]) })
		}
	}
}

// flow is one pair under traffic with a bounded window.
type flow struct {
	*pair
	m    *meter
	end  []byte        // the state of a receipt that makes room for a message
	done chan struct{} // closed when nothing is left to send or on the way

	mu   sync.Mutex // at a floor, where the recipient sends for the sender
	open int        // on the way
	buf  []byte
}

// begin fills the window.
func (f *flow) begin(window int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settle(0, window)
}

// settle counts messages off, sends as many as may follow, and any frames that
// lie in buf already.
func (f *flow) settle(arrived, want int) error {
	n := f.m.take(want)
	f.open += n - arrived
	now := clock()
	for range n {
		f.buf = f.out.append(f.buf, now)
	}
	err := f.from.send(f.buf)
	f.buf = f.buf[:0]
	if f.open == 0 {
		close(f.done)
	}
	return err
}

// onReceipts is the sender's part at the relay: each receipt makes room for a
// message, and acks in its turn what has a number.
func (f *flow) onReceipts(frames [][]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	arrived := 0
	var last uint64
	for _, frame := range frames {
		switch {
		case bytes.HasPrefix(frame, headReceipt):
			last = max(last, seqOf(frame))
			if bytes.Contains(frame, f.end) {
				arrived++
			} else {
				f.m.others.Add(1)
			}
		case bytes.HasPrefix(frame, headError):
			return refusal(frame)
		}
	}
	if last > 0 {
		f.buf = appendAck(f.buf, last)
	}
	if arrived == 0 {
		err := f.from.send(f.buf)
		f.buf = f.buf[:0]
		return err
	}
	f.m.add(arrived)
	return f.settle(arrived, arrived)
}

// acker is the recipient's part at the relay: an ack for each message. What the
// recipient has had already is acked like all, and counted apart.
func (l *pair) acker(c *conn, each func(message []byte)) handler {
	var buf []byte
	return func(frames [][]byte) error {
		buf = buf[:0]
		for _, frame := range frames {
			if bytes.HasPrefix(frame, headMessage) {
				fresh, err := l.hear(frame)
				if err != nil {
					return err
				}
				if fresh {
					each(frame)
				}
				buf = appendAck(buf, seqOf(frame))
			} else if bytes.HasPrefix(frame, headError) {
				return refusal(frame)
			}
		}
		return c.send(buf)
	}
}

// hear keeps the order: a message may come again, and none may be left out.
func (l *pair) hear(message []byte) (fresh bool, err error) {
	_, n, err := idOf(message)
	switch {
	case err != nil:
		return false, err
	case n <= l.heard:
		l.again.Add(1)
		return false, nil
	case n > l.heard+1:
		return false, fmt.Errorf("behind message %d of a sender comes its message %d", l.heard, n)
	}
	l.heard = n
	return true, nil
}

// heardAgain is how many messages came again.
func heardAgain(pairs []*pair) (n int64) {
	for _, l := range pairs {
		n += l.again.Load()
	}
	return n
}

// onArrival is the recipient's part at a floor, where nothing goes back: it
// sends what the sender may send next.
func (f *flow) onArrival(frames [][]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m.add(len(frames))
	return f.settle(len(frames), len(frames))
}

// traffic lets all pairs write as fast as the window allows, and measures from
// a tenth of the messages to the last, or to the end of the time. At the relay,
// a receipt of that state makes room for the next message. Afterwards nothing
// is on the way.
func (b *bench) traffic(ctx context.Context, p *process, pairs []*pair, window int, end []byte) (r result, err error) {
	m := newMeter(b.messages/10, b.messages)
	flows := make([]*flow, len(pairs))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for i, l := range pairs {
		flows[i] = &flow{pair: l, m: m, end: end, done: make(chan struct{})}
		flows[i].listen(p)
		defer watch(cancel, l.conns()...)()
	}
	for _, f := range flows {
		if err := f.begin(window); err != nil {
			return r, err
		}
	}
	if r, err = b.measure(ctx, p, m); err != nil {
		return r, err
	}
	for _, f := range flows {
		select {
		case <-f.done:
		case <-ctx.Done():
			return r, context.Cause(ctx)
		}
	}
	r.all, r.again = int(m.count.Load()), heardAgain(pairs)
	return r, nil
}

// listen sets what both ends do with what comes. A recipient that is away does
// nothing.
func (f *flow) listen(p *process) {
	if p.name != relayName {
		f.to.on(f.onArrival)
		return
	}
	f.from.on(f.onReceipts)
	if f.to != nil {
		f.to.on(f.acker(f.to, func([]byte) {}))
	}
}

// measure waits for both marks of the meter, or for the time that a window may
// take. Then nothing more is sent.
func (b *bench) measure(ctx context.Context, p *process, m *meter) (r result, err error) {
	select {
	case <-m.events[0]:
	case <-ctx.Done():
		return r, fmt.Errorf("%s: after %d messages: %w", p.name, m.count.Load(), context.Cause(ctx))
	}
	first, err := procusage.Of(p.cmd.Process.Pid)
	if err != nil {
		return r, err
	}
	began, before := time.Now(), m.count.Load()
	timer := time.NewTimer(b.span)
	defer timer.Stop()
	select {
	case <-m.events[1]:
	case <-timer.C:
	case <-ctx.Done():
		return r, fmt.Errorf("%s: after %d messages: %w", p.name, m.count.Load(), context.Cause(ctx))
	}
	r.messages, r.elapsed = int(m.count.Load()-before), time.Since(began)
	m.left.Store(0)
	last, err := procusage.Of(p.cmd.Process.Pid)
	r.cpu, r.others = last.CPU-first.CPU, m.others.Load()
	return r, err
}

// watch cancels when one of the connections ends. Its result ends the watch.
func watch(cancel context.CancelCauseFunc, conns ...*conn) (stop func()) {
	over := make(chan struct{})
	var watchers sync.WaitGroup
	for _, c := range conns {
		watchers.Go(func() {
			select {
			case <-c.ended:
				cancel(c.err)
			case <-over:
			}
		})
	}
	return func() {
		close(over)
		watchers.Wait()
	}
}

// conns are the connections that there are.
func (l *pair) conns() []*conn {
	if l.to == nil {
		return []*conn{l.from}
	}
	return []*conn{l.from, l.to}
}
