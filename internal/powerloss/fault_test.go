package powerloss

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"secure-messaging/pkg/relay"
)

// TestFailingDisk lets writes and fsyncs of the relay's disk fail while people
// write: once, or from then on. The relay stops and says why, what it has
// promised is there when it starts again, and everything comes to its end.
func TestFailingDisk(t *testing.T) {
	for _, kind := range []moment{writing, syncing} {
		for _, cause := range []syscall.Errno{syscall.ENOSPC, syscall.EIO} {
			for _, once := range []bool{true, false} {
				name := strings.ReplaceAll(kind.String(), " ", "_") + "/" + cause.Error()
				if once {
					name += ", once"
				}
				t.Run(name, func(t *testing.T) { failDisk(t, &fault{kind: kind, once: once, cause: cause}) })
			}
		}
	}
}

func failDisk(t *testing.T, f *fault) {
	w := newWorld(t, variant{})
	l := w.begin(f)
	if l == nil {
		return
	}
	f.left.Store(int64(5 + w.rng.IntN(40)))
	w.stumble(l)
	if !f.hit.Load() {
		t.Fatal("the disk has not failed")
	}
	err := l.relay.Err()
	if !errors.Is(err, relay.ErrStoreFailed) || !errors.Is(err, f.cause) {
		t.Fatalf("the relay says %v", err)
	}
	if full := strings.Contains(err.Error(), "the disk is full; free some space"); full != (f.cause == syscall.ENOSPC) {
		t.Errorf("the relay says %q", err)
	}
	w.end(l)
	if lost := w.untilCrash(); len(lost) > 0 {
		t.Errorf("%q", lost)
	}
	w.finish()
}

// stumble lets senders write one message after the other, with nobody there to
// read, until the relay fails.
func (w *world) stumble(l *life) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(l.on, patience)
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-l.relay.Fatal():
		case <-ctx.Done():
		}
	}()
	err := w.each(w.senders, func(p *person, rng *rand.Rand) error {
		if err := p.begin(); err != nil {
			return err
		}
		for ctx.Err() == nil {
			id, err := p.say(w.recipients[rng.IntN(len(w.recipients))], "a message")
			if err != nil {
				return err
			}
			if err := p.await(ctx, heardOf(id)); err != nil {
				return unless(ctx, err)
			}
		}
		return nil
	})()
	if err != nil {
		w.t.Fatal(err)
	}
}
