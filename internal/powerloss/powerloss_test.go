package powerloss

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"secure-messaging/pkg/client"
)

// crashes is how often the power is cut. Chains with a promise broken are found
// out within a few, but for the one that answers too early, which has to be
// lucky less often: they get brokenCrashes.
const (
	crashes       = 150
	brokenCrashes = 10 * crashes
)

// share is how many messages a sender has for one life of the relay.
const share = 24

// TestPowerLoss cuts the power of the relay at any moment, again and again, while
// senders write, and recipients come and go. The chain as it is keeps all that
// it has promised. The same test finds out each that has one thing missing.
func TestPowerLoss(t *testing.T) {
	for _, v := range []variant{
		{name: "as it is"},
		{name: "the relay's disk does not sync", unsynced: true},
		{name: "the relay answers before the commit", early: true},
		{name: "clients know no message again", forgetful: true},
	} {
		t.Run(v.name, func(t *testing.T) {
			w := newWorld(t, v)
			isBroken := v.unsynced || v.early || v.forgetful
			limit := crashes
			if isBroken {
				limit = brokenCrashes
			}
			for crash := range limit {
				lost := w.untilCrash()
				switch {
				case len(lost) == 0 || t.Failed():
				case isBroken:
					t.Logf("found out after %d crashes and %d messages: %s", crash, w.count(), lost[0])
					return
				default:
					t.Fatalf("after %d crashes:\n%q", crash, lost)
				}
				if t.Failed() {
					return
				}
			}
			if isBroken {
				t.Fatalf("not found out by %d crashes", limit)
			}
			w.finish()
		})
	}
}

// untilCrash is one life of the relay: recipients catch up, what they have is
// compared with what was said, and everybody goes on until the power is cut. It
// returns which promises were broken.
func (w *world) untilCrash() (lost []string) {
	l := w.begin(nil)
	if l == nil {
		return []string{"the relay does not start again"}
	}
	defer w.end(l)
	if w.rng.IntN(8) == 0 { // while they catch up
		l.cutAt(moment(w.rng.IntN(int(moments))), 1+w.rng.IntN(10))
	}
	if lost := w.catchUp(l.on); len(lost) > 0 || l.on.Err() != nil {
		return lost
	}
	l.cutAt(moment(w.rng.IntN(int(moments))), 1+w.rng.IntN(40))
	err := w.talk(l, share)
	switch {
	case err == nil:
		return nil
	case w.variant.unsynced: // the store may have seen by itself what its disk is like, and ended the relay
		return []string{err.Error()}
	}
	w.t.Error(err)
	return nil
}

// catchUp lets recipients take all that waits for them, and returns which
// promises were broken before. Senders are away.
func (w *world) catchUp(ctx context.Context) []string {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := w.each(w.recipients, func(p *person, _ *rand.Rand) error {
		if err := p.begin(); err != nil {
			return err
		}
		return p.await(patient, caughtUp)
	})()
	switch {
	case ctx.Err() != nil: // the power is off again, so nobody knows
		return nil
	case err != nil:
		return []string{err.Error()}
	}
	return w.broken()
}

// talk lets senders write so many messages each, while recipients come and go,
// and cuts the power in the end, unless that has happened by then.
func (w *world) talk(l *life, messages int) error {
	patient, cancel := context.WithTimeout(l.on, patience)
	defer cancel()
	gone := w.each(w.recipients, func(p *person, rng *rand.Rand) error { return p.comeAndGo(patient, rng) })
	err := w.each(w.senders, func(p *person, rng *rand.Rand) error {
		if err := p.begin(); err != nil {
			return err
		}
		return p.write(patient, w.recipients, messages, rng)
	})()
	if errors.Is(patient.Err(), context.DeadlineExceeded) {
		err = errors.Join(err, errors.New("it stands still"))
	}
	l.cut()
	return errors.Join(err, gone())
}

// finish lets everybody come to an end, and looks at all histories from their
// beginning.
func (w *world) finish() {
	w.t.Helper()
	l := w.begin(nil)
	if l == nil {
		return
	}
	defer w.end(l)
	lost := w.catchUp(l.on)
	ctx, cancel := context.WithTimeout(l.on, patience)
	defer cancel()
	err := w.each(w.senders, func(p *person, _ *rand.Rand) error {
		if err := p.begin(); err != nil {
			return err
		}
		return p.await(ctx, func(client.Status, []client.Event) bool { return p.left() == 0 })
	})()
	if err != nil {
		w.t.Errorf("senders do not come to an end: %v", err)
	}
	w.unread()
	for _, wrong := range append(lost, w.broken()...) {
		w.t.Error(wrong)
	}
	for _, s := range w.senders {
		for _, r := range w.recipients {
			if r.seen[s] != len(s.sent[r]) {
				w.t.Errorf("%s has %d messages of %s, of %d", r.name, r.seen[s], s.name, len(s.sent[r]))
			}
		}
	}
}

// count returns how many messages were sent.
func (w *world) count() (n int) {
	for _, s := range w.senders {
		for _, ids := range s.sent {
			n += len(ids)
		}
	}
	return n
}
