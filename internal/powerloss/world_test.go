package powerloss

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// Who is there: each sender writes to each recipient. The first of both have
// their profiles on the disk.
const (
	senderCount    = 3
	recipientCount = 3
)

// patience is how long anything may take before the test says that it stands.
const patience = 20 * time.Second

// variant is a chain as it is, or with a promise broken.
type variant struct {
	name      string
	unsynced  bool // the relay's disk does not sync
	early     bool // the relay's store says that all is durable at once
	forgetful bool // the clients know no message again
}

// world is a relay's disk, and people with the relay's power in their hands.
type world struct {
	t          testing.TB
	rng        *rand.Rand
	key        crypto.RelayPrivate
	disk       *vfs.MemFS
	variant    variant
	dialled    chan *wire
	life       atomic.Pointer[life]
	senders    []*person
	recipients []*person
}

// newWorld makes people who are contacts, and cuts the power.
func newWorld(t testing.TB, v variant) *world {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 0)), key: crypto.NewRelayPrivate(), disk: vfs.NewCrashableMem(),
		variant: variant{forgetful: v.forgetful}, dialled: make(chan *wire),
	}
	l := w.begin(nil)
	if l == nil {
		t.FailNow()
	}
	for i := range senderCount {
		w.senders = append(w.senders, w.newPerson(fmt.Sprintf("sender_%d", i), i == 0))
	}
	for i := range recipientCount {
		w.recipients = append(w.recipients, w.newPerson(fmt.Sprintf("recipient_%d", i), i == 0))
	}
	w.befriend()
	w.end(l)
	w.variant = v
	return w
}

// newPerson registers somebody.
func (w *world) newPerson(name string, onDisk bool) *person {
	w.t.Helper()
	p := &person{name: name, missed: make(chan struct{}, 1), sent: map[*person][]string{}, seen: map[*person]int{}}
	var err error
	if p.line, err = newLine(); err != nil {
		w.t.Fatal(err)
	}
	go p.line.run(p, w.dialled)
	w.t.Cleanup(p.line.close)
	server, err := client.ParseServer("ws://" + p.line.ln.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	keys, first, err := client.NewKeys(server, w.key.Public(), name, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := client.Register(w.t.Context(), keys, first); err != nil {
		w.t.Fatal(err)
	}
	p.keys = keys
	var store client.Store
	switch {
	case w.variant.forgetful:
		store = newForgetful(newMemory(keys, first))
	case onDisk:
		store = w.newProfile(keys, first)
	default:
		store = newMemory(keys, first)
	}
	p.store = watched{store, func() {
		if l := w.life.Load(); l != nil {
			l.reached(kept)
		}
	}}
	return p
}

func (w *world) newProfile(keys client.Keys, first crypto.PrekeyPrivate) *profile.Store {
	w.t.Helper()
	name := string(keys.Certificate.User)
	ref := profile.Ref{Name: name, Server: keys.Server.Address(), Dir: filepath.Join(w.t.TempDir(), name)}
	s, err := profile.Create(ref, keys, first, []byte("correct horse"), keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { s.Close() })
	return s
}

// everybody returns all people.
func (w *world) everybody() []*person { return slices.Concat(w.senders, w.recipients) }

// befriend makes every sender a contact of every recipient.
func (w *world) befriend() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var err error
	for _, p := range w.everybody() {
		err = errors.Join(err, p.begin())
	}
	for _, s := range w.senders {
		for _, r := range w.recipients {
			if err == nil {
				_, err = s.client.Connect(ctx, r.name, "")
			}
		}
	}
	for _, r := range w.recipients {
		for _, s := range w.senders {
			if err == nil {
				err = r.awaitContact(ctx, s.name, client.Incoming)
			}
			if err == nil {
				_, err = r.client.Accept(ctx, s.name)
			}
		}
	}
	for _, s := range w.senders {
		for _, r := range w.recipients {
			if err == nil {
				err = s.awaitContact(ctx, r.name, client.Accepted)
			}
		}
	}
	for _, r := range w.recipients {
		if err == nil { // the relay has their answers
			err = r.await(ctx, func(s client.Status, _ []client.Event) bool { return s.Waiting == 0 })
		}
	}
	for _, p := range w.everybody() {
		p.leave()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// awaitContact waits until somebody is a contact in a state.
func (p *person) awaitContact(ctx context.Context, name string, state client.ContactState) error {
	return client.Await(ctx, p.client, &p.position, func([]client.Event) (bool, error) {
		cs, err := p.client.Contacts(ctx)
		return slices.ContainsFunc(cs, func(c client.Contact) bool { return c.Name == name && c.State == state }), err
	})
}

// begin starts a relay on the disk as it is. It is nil if that fails, which is
// said.
func (w *world) begin(f *fault) *life {
	l, err := begin(w.key, w.disk, w.dialled, w.variant, f, rand.New(rand.NewPCG(w.rng.Uint64(), 1)))
	if err != nil {
		w.complain("the relay does not start again: %v", err)
		return nil
	}
	w.life.Store(l)
	return l
}

// complain fails the test, unless the disk is one that breaks what is on it:
// then it is how that shows.
func (w *world) complain(format string, args ...any) {
	w.t.Helper()
	if w.variant.unsynced {
		w.t.Logf(format, args...)
	} else {
		w.t.Errorf(format, args...)
	}
}

// end cuts the power, unless that has happened, and lets everybody hear what
// was said before.
func (w *world) end(l *life) {
	w.t.Helper()
	w.disk = l.end(w)
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for _, p := range w.everybody() {
		if err := p.hearOut(ctx); err != nil {
			w.t.Errorf("%s does not notice that the relay has gone: %v", p.name, err)
		}
	}
}

// each begins to run f for each of some people, with a source of chance of its
// own. The function that it returns waits, and says what went wrong.
func (w *world) each(people []*person, f func(*person, *rand.Rand) error) (wait func() error) {
	var all sync.WaitGroup
	errs := make([]error, len(people))
	for i, p := range people {
		rng := rand.New(rand.NewPCG(w.rng.Uint64(), uint64(i)))
		all.Go(func() {
			if err := f(p, rng); err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.name, err)
			}
		})
	}
	return func() error {
		all.Wait()
		return errors.Join(errs...)
	}
}
