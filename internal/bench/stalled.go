package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"secure-messaging/internal/procusage"
)

const (
	stalledSize    = 32 << 10 // of a message: a long text
	stalledSenders = 4        // so that no limit for one of them hides the relay's own
	stalledSample  = 50 * time.Millisecond
)

// stalled sends much to a recipient that has stopped reading, and looks at the
// relay's memory. Every message must be answered: stored, delivered, or refused.
func (b *bench) stalled(ctx context.Context) (err error) {
	p, err := b.serve(ctx, relayName, false)
	if err != nil {
		return err
	}
	defer p.end(&err)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	to, senders, err := b.hydra(ctx, p)
	defer func() {
		for _, s := range senders {
			s.c.close()
		}
	}()
	if err != nil {
		return err
	}
	asleep := make(chan struct{})
	to.on(func([][]byte) error { // reads no further
		<-asleep
		return nil
	})
	wake := sync.OnceFunc(func() { close(asleep) })
	defer to.close()
	defer wake()
	defer watch(cancel, conns(senders)...)()

	before, err := procusage.Of(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	stopSampling, peak := p.sample()
	defer stopSampling()
	began, each := time.Now(), int(max(1, b.bytes/stalledSize/stalledSenders))
	fate, err := b.flood(ctx, to, wake, senders, each)
	if err != nil {
		return err
	}
	took := time.Since(began)
	stopSampling()
	after, err := procusage.Of(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	top := max(*peak, after.Peak)
	answers := map[string]int{}
	for _, s := range senders {
		for what, n := range s.answers {
			answers[what] += n
		}
	}
	rows := [][]string{
		{"peak RSS, MiB", "over before", "RSS before", "RSS after", "sent, MiB", "in"},
		{mib(top), mib(top - before.RSS), mib(before.RSS), mib(after.RSS), mib(int64(each) * stalledSenders * stalledSize), took.Round(time.Millisecond).String()},
	}
	if err := b.table("stalled: a recipient that reads nothing", rows); err != nil {
		return err
	}
	fmt.Fprint(b.out, "  answers:")
	for _, what := range slices.Sorted(maps.Keys(answers)) {
		fmt.Fprintf(b.out, " %s %d", what, answers[what])
	}
	fmt.Fprintf(b.out, "; no message without one\n  the recipient: %s\n", fate)
	return nil
}

// flood lets all send, and returns how the recipient has ended once everything
// is answered.
func (b *bench) flood(ctx context.Context, to *conn, wake func(), senders []*flooder, each int) (fate string, err error) {
	for _, s := range senders {
		if err := s.begin(b.window(), each); err != nil {
			return "", err
		}
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for _, s := range senders {
			select {
			case <-s.done:
			case <-ctx.Done():
			}
		}
	}()
	for _, s := range senders {
		select {
		case <-s.sent:
		case <-ctx.Done():
			return "", errors.Join(silence(senders), context.Cause(ctx))
		}
	}
	patience := time.NewTimer(b.stall)
	defer patience.Stop()
	select {
	case <-answered:
		// From here on it reads, and acks nothing still.
		wake()
		select {
		case <-to.ended:
		case <-patience.C:
		}
	case <-patience.C:
	case <-ctx.Done():
	}
	fate = "has hung up itself, the relay had not cut it off"
	select {
	case <-to.ended:
		fate = to.err.Error()
	default:
	}
	wake()
	to.close()
	select {
	case <-answered:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return "", errors.Join(silence(senders), context.Cause(ctx))
	}
	return fate, nil
}

// silence says how many messages were not answered.
func silence(senders []*flooder) error {
	n := 0
	for _, s := range senders {
		s.mu.Lock()
		n += s.open + s.left
		s.mu.Unlock()
	}
	return fmt.Errorf("%d messages were not sent or not answered", n)
}

// flooder is a sender whose messages go to the stalled recipient.
type flooder struct {
	c    *conn
	m    *mold
	sent chan struct{} // closed when all are written
	done chan struct{} // closed when all are answered

	mu         sync.Mutex // guards what follows
	open, left int
	answers    map[string]int
	buf        []byte
}

// hydra makes one recipient with several senders.
func (b *bench) hydra(ctx context.Context, p *process) (to *conn, senders []*flooder, err error) {
	z, err := register(ctx, p, "stalled")
	if err != nil {
		return nil, nil, err
	}
	if to, err = z.loginDrained(ctx); err != nil {
		return nil, nil, err
	}
	for i := range stalledSenders {
		a, err := register(ctx, p, fmt.Sprintf("flooder_%d", i))
		if err != nil {
			return to, senders, err
		}
		c, err := a.loginDrained(ctx)
		if err != nil {
			return to, senders, err
		}
		senders = append(senders, &flooder{
			c: c, m: newMold(z.addr(), stalledSize), answers: map[string]int{},
			sent: make(chan struct{}), done: make(chan struct{}),
		})
		if err := befriend(ctx, c, to, a, z); err != nil {
			return to, senders, err
		}
	}
	return to, senders, nil
}

func (s *flooder) begin(window, each int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = each
	s.c.on(s.onAnswers)
	return s.more(window)
}

// more sends at most n messages.
func (s *flooder) more(n int) error {
	n = min(n, s.left)
	s.left -= n
	s.open += n
	for range n {
		s.buf = s.m.append(s.buf[:0], clock())
		if err := s.c.send(s.buf); err != nil {
			return err
		}
	}
	if s.left == 0 && n > 0 {
		close(s.sent)
	}
	if s.open == 0 {
		close(s.done)
	}
	return nil
}

// onAnswers counts the first answer to each message.
func (s *flooder) onAnswers(frames [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	var last uint64
	for _, f := range frames {
		last = max(last, seqOf(f))
		switch {
		case bytes.HasPrefix(f, headReceipt) && bytes.Contains(f, stored):
			s.answers["stored"]++
			n++
		case bytes.HasPrefix(f, headError):
			var refused refusedError
			if err := refusal(f); !errors.As(err, &refused) {
				return err
			}
			s.answers[string(refused.code)]++
			n++
		}
	}
	if last > 0 {
		if err := s.c.send(appendAck(nil, last)); err != nil {
			return err
		}
	}
	if s.open -= n; n == 0 {
		return nil
	}
	return s.more(n)
}

func conns(senders []*flooder) (cs []*conn) {
	for _, s := range senders {
		cs = append(cs, s.c)
	}
	return cs
}

// sample looks at the memory of the process until it is stopped. The peak may
// be read then.
func (p *process) sample() (stop func(), peak *int64) {
	over, ended := make(chan struct{}), make(chan struct{})
	peak = new(int64)
	go func() {
		defer close(ended)
		tick := time.NewTicker(stalledSample)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-over:
				return
			}
			if u, err := procusage.Of(p.cmd.Process.Pid); err == nil {
				*peak = max(*peak, u.RSS)
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(over)
		<-ended
	}), peak
}
