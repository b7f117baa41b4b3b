package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"secure-messaging/internal/faultproxy"
	"secure-messaging/internal/owner"
	"secure-messaging/pkg/client"
)

const (
	// everySome is how often the run says how far it has come.
	everySome = 5 * time.Second
	// comeBack is how long people may take, in calm, to have all that was
	// promised: longer than a client that was just started needs.
	comeBack = 30 * time.Second
	// standstill is after how long without a message it looks for a reason.
	standstill = 8 * time.Second
	// strikeHold is how long a connection stays half-open that was struck.
	strikeHold = 20 * time.Second
	// turnAway is how long the proxies let nobody in.
	turnAway = 2 * time.Second
)

// event is something that happens once so many messages were shown.
type event struct {
	at int
	do func(context.Context) error
}

// schedule spreads what happens over the run, as the seed has it.
func (w *world) schedule() (events []event) {
	add := func(times int, do func(context.Context) error) {
		for i := range times {
			// About in the middle of its part of the run.
			part := float64(w.oracle.total) / float64(times)
			events = append(events, event{int(part * (float64(i) + 0.4 + w.random.Float64()/5)), do})
		}
	}
	some := (w.kills + 4) / 5
	add(w.kills-some, w.killRelay)
	add(w.kills, w.killSomebody)
	add(some, w.restartRelay)
	add(some, w.retreat)
	add(some, w.usurp)
	if !w.calm {
		add(w.kills, w.strike)
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at - b.at })
	return events
}

// torment lets everybody do their work, with all that happens meanwhile, and
// checks at the end that everything is where it should be.
func (w *world) torment(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	w.hire()
	for _, m := range w.crew {
		go m.run(ctx, fail)
	}
	defer func() {
		fail(nil)
		for _, m := range w.crew {
			<-m.ended
		}
	}()
	defer w.progress(ctx)()
	w.calmDown(false)
	err := w.course(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause // what failed, not what it has stopped
	}
	if errors.Is(err, errLimit) {
		err = fmt.Errorf("%w: %s", err, w.oracle.behind())
	}
	return err
}

// course is a run from its first event to its last look.
func (w *world) course(ctx context.Context) error {
	for _, e := range w.schedule() {
		err := w.shown(ctx, e.at)
		if err == nil {
			err = e.do(ctx)
		}
		if err != nil {
			return err
		}
	}
	w.calm = true
	w.calmDown(true)
	if err := w.shown(ctx, w.oracle.total); err != nil {
		return err
	}
	return w.lastLook(ctx)
}

// shown waits until so many messages were shown. When for a while there is none,
// everybody may just be waiting to connect again, or else for a message that is
// lost: it lets them come back on sound connections, and checks.
func (w *world) shown(ctx context.Context, n int) error {
	for {
		before, _ := w.oracle.counts()
		waiting, cancel := context.WithTimeout(ctx, standstill)
		err := w.oracle.await(waiting, func(o *oracle) bool { return o.shown >= n })
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if now, _ := w.oracle.counts(); now > before {
			continue
		}
		w.did.standstills++
		w.calmDown(true)
		w.hold(w.crew)
		if err := w.check(ctx); err != nil {
			return err
		}
	}
}

func (w *world) killRelay(context.Context) error {
	w.did.kills++
	w.relay.kill()
	return w.relay.start()
}

func (w *world) restartRelay(context.Context) error {
	w.did.restarts++
	if err := w.relay.terminate(); err != nil {
		return err
	}
	return w.relay.start()
}

// killSomebody kills one of the crew that runs.
func (w *world) killSomebody(context.Context) error {
	for _, i := range w.random.Perm(len(w.crew)) {
		if w.crew[i].kill() {
			w.did.crewKills++
			return nil
		}
	}
	return nil
}

// strike breaks all connections of one side at once, or keeps everybody out.
// An orphan is what makes a device log in a second time while its first
// connection looks sound to the relay.
func (w *world) strike(context.Context) error {
	faults := []faultproxy.Fault{faultproxy.Orphan, faultproxy.Reset, faultproxy.Orphan, faultproxy.Finish, faultproxy.None}
	f := faults[w.did.strikes%len(faults)]
	side := 1 - w.did.strikes/2%2 // recipients first
	w.did.strikes++
	if f == faultproxy.None {
		w.proxies[side].TurnAway(turnAway)
		f = faultproxy.Reset
	}
	w.proxies[side].Strike(f, strikeHold)
	return nil
}

// retreat tries what a promise is worth in a crash. All recipients go; senders
// write on until enough was promised; the relay is killed, and the senders go as
// well. What they have heard must then arrive without them.
func (w *world) retreat(ctx context.Context) error {
	w.did.retreats++
	w.did.kills++
	return w.inCalm(ctx, func() error {
		w.hold(w.recipients)
		w.gain(ctx, promised)
		w.relay.kill()
		w.hold(w.senders)
		return w.relay.start()
	})
}

// usurp tries it when devices log in again while their first connection looks
// sound to the relay, which has handed on there what the senders write.
func (w *world) usurp(ctx context.Context) error {
	w.did.usurps++
	return w.inCalm(ctx, func() error {
		w.proxies[1].Strike(faultproxy.Orphan, strikeHold)
		w.gain(ctx, promised)
		w.hold(w.senders)
		w.hold(w.recipients)
		return nil
	})
}

func promised(o *oracle) int { return o.stored }

// inCalm does something that leaves everybody held, in calm, and checks that
// recipients then get what was promised to senders that are away.
func (w *world) inCalm(ctx context.Context, do func() error) error {
	w.calmDown(true)
	w.hold(w.crew) // and on sound connections
	release(w.crew)
	w.gain(ctx, func(o *oracle) int { return o.shown }) // until they are at work
	if err := do(); err != nil {
		return err
	}
	return w.check(ctx)
}

// check lets recipients come back, all of whom are held as their senders are,
// and then senders, if everything that was promised is there.
func (w *world) check(ctx context.Context) error {
	before := map[string]int64{}
	for name, s := range w.workers {
		before[name] = s.caughtUp.Load()
	}
	release(w.recipients)
	if err := w.keptPromises(ctx, before); err != nil {
		return err
	}
	release(w.senders)
	w.calmDown(false)
	return nil
}

func (w *world) hold(ms []*member) {
	for _, m := range ms {
		if m.hold() {
			w.did.crewKills++
		}
	}
}

func release(ms []*member) {
	for _, m := range ms {
		m.release()
	}
}

// gain waits until something has grown by so much that it grows all the time;
// but not for ever, for everything may be written already.
func (w *world) gain(ctx context.Context, of func(*oracle) int) {
	ctx, cancel := context.WithTimeout(ctx, comeBack/4)
	defer cancel()
	was, enough := -1, 10*w.pairs
	w.oracle.await(ctx, func(o *oracle) bool {
		if was < 0 {
			was = of(o)
		}
		return of(o) >= was+enough
	})
}

// keptPromises waits until all that was heard of is shown, or until somebody
// has all that the relay had and still misses a message.
func (w *world) keptPromises(ctx context.Context, before map[string]int64) (lost error) {
	waiting, cancel := context.WithTimeout(ctx, comeBack)
	defer cancel()
	err := w.oracle.await(waiting, func(o *oracle) bool {
		lost = o.missing(func(to string) bool {
			s := w.workers[to] // a chat does not tell
			return s != nil && s.caughtUp.Load() > before[to]
		})
		return o.pending == 0 || lost != nil
	})
	if err != nil && ctx.Err() == nil {
		w.oracle.mu.Lock()
		defer w.oracle.mu.Unlock()
		return w.oracle.missing(func(string) bool { return true })
	}
	return errors.Join(err, lost)
}

// lastLook lets everybody end, and the relay once more, and compares what is on
// the disks.
func (w *world) lastLook(ctx context.Context) error {
	for _, m := range w.senders {
		if w.workers[m.name] != nil { // ends when it has heard of everything
			select {
			case <-m.ended:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	for _, m := range w.crew {
		m.leave(w.workers[m.name] != nil)
	}
	if err := w.restartRelay(ctx); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.histories(ctx)
}

// settle opens all accounts once more, until each has all that the relay had for
// it, and the relay and the others all that it had for them. None is closed
// before: what a sender says again would wait for a recipient that has left.
func (w *world) settle(ctx context.Context) error {
	var mu sync.Mutex
	var all []*owner.Account
	defer func() {
		for _, a := range all {
			a.Close(0)
		}
	}()
	err := w.each(func(name string, server client.Server) error {
		a, err := open(ctx, name, server.Address())
		if err != nil {
			return err
		}
		mu.Lock()
		all = append(all, a)
		mu.Unlock()
		return nil
	})
	if err != nil {
		return err
	}
	errs := make([]error, len(all))
	var waiting sync.WaitGroup
	for i, a := range all {
		waiting.Go(func() { errs[i] = settled(ctx, a) })
	}
	waiting.Wait()
	return errors.Join(errs...)
}

// settled starts an account and waits until nothing is on its way any more.
func settled(ctx context.Context, a *owner.Account) error {
	batch, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	if err := a.Start(); err != nil {
		return err
	}
	return client.Await(ctx, a, &batch.Next, func([]client.Event) (bool, error) {
		s, err := a.Status(ctx)
		if err != nil || !s.CaughtUp || s.Waiting > 0 {
			return false, err
		}
		done := true
		err = pages(ctx, a, client.FromStart, func(m client.Message) error {
			done = done && (!m.Outgoing() || m.State == client.Delivered)
			return nil
		})
		return done, err
	})
}

// progress says every few seconds how far the run has come, until it is
// stopped.
func (w *world) progress(ctx context.Context) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(everySome)
		defer tick.Stop()
		for last := 0; ; {
			select {
			case <-tick.C:
			case <-done:
				return
			}
			shown, pending := w.oracle.counts()
			n := w.proxies[0].Counts().Add(w.proxies[1].Counts())
			fmt.Printf("%d of %d shown (%d a second), %d promised; %d connections, %d cut, %d half-open\n",
				shown, w.oracle.total, (shown-last)/int(everySome/time.Second), pending, n.Connections, n.Cuts(), n.HalfOpens())
			last = shown
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
