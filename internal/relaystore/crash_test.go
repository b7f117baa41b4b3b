package relaystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// promises is what a store has told its users. It outlives the store.
type promises struct {
	mu      sync.Mutex
	highest uint64                            // number given, durable or not
	durable map[crypto.Address][]relay.Stored // and not deleted since
	deleted map[crypto.Address]uint64         // up to here it may be gone
	users   []crypto.Certificate
	version map[relay.Pair]uint64
	prekeys prekeyPromises

	count   int // promises
	crashAt int
	crash   func()
	crashed bool // what happens now is not to be kept
}

func newPromises() *promises {
	return &promises{
		durable: map[crypto.Address][]relay.Stored{},
		deleted: map[crypto.Address]uint64{},
		version: map[relay.Pair]uint64{},
		prekeys: newPrekeyPromises(),
	}
}

var (
	alice  = crypto.Address{User: "alice", Device: crypto.DeviceID{1}}
	owners = []crypto.Address{{User: "bob"}, {User: "bob", Device: crypto.DeviceID{1}}, {User: "carol"}}
)

// used is what a test works with: a store as it is, or with a promise broken.
type used struct {
	*Store
	early bool // it says that an entry is durable before it is
}

// Append implements relay.Mailboxes.
func (u used) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	a, err := u.Store.Append(ctx, ds)
	if u.early {
		a.Wait = func() error { return nil }
	}
	return a, err
}

// work uses a store like many connections do, until it has done its share, the
// power is cut, or the store fails. It returns why.
func (p *promises) work(s used, rounds int) error {
	var wg sync.WaitGroup
	errs := make([]error, 9)
	for i := range errs {
		wg.Go(func() {
			for round := 0; round < rounds && errs[i] == nil && !p.isOver(); round++ {
				errs[i] = p.step(s, i, round)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// isOver reports whether the power was cut.
func (p *promises) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crashed
}

func (p *promises) step(s used, worker, round int) error {
	owner := owners[(worker+round)%len(owners)]
	switch {
	case worker == 0 && round%4 == 3:
		return s.do(context.Background(), s.db.Flush)
	case worker == 1 && round%3 == 2:
		return p.forget(s.Store, owner)
	case worker == 2 && round%5 == 1:
		return p.createUser(s.Store)
	case worker == 2:
		return p.setRelation(s.Store)
	case worker == 6:
		return p.publish(s.Store)
	case worker > 6:
		return p.take(s.Store)
	default:
		return p.append(s, owner)
	}
}

func (p *promises) append(s used, owner crypto.Address) error {
	ds := []relay.Delivery{
		{To: owner, Entry: storetest.NewEntry(relay.KindReceipt, alice, 0)},
		{To: owner, Entry: storetest.NewEntry(relay.KindAccept, alice, 3)},
		{To: owners[0], Entry: storetest.NewEntry(relay.KindMessage, alice, 3)},
	}
	a, err := s.Append(context.Background(), ds)
	if err != nil {
		return err
	}
	p.mu.Lock()
	for _, n := range a.Seqs {
		p.highest = max(p.highest, n)
	}
	p.mu.Unlock()
	if err := a.Wait(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, n := range a.Seqs {
		if n > 0 {
			p.durable[ds[i].To] = append(p.durable[ds[i].To], relay.Stored{Seq: n, Entry: ds[i].Entry})
		}
	}
	p.promised()
	return nil
}

func (p *promises) forget(s *Store, owner crypto.Address) error {
	got, err := s.Read(context.Background(), owner, 0, 10, 1000)
	if err != nil || len(got) == 0 {
		return err
	}
	upTo := got[len(got)-1].Seq
	p.mu.Lock()
	p.deleted[owner] = max(p.deleted[owner], upTo)
	p.mu.Unlock()
	return s.Delete(context.Background(), owner, upTo)
}

// crashInvite lets in all users of these tests.
var crashInvite = func() relay.Invite { i, _ := storetest.NewInvite(relay.MaxInviteUses); return i }()

func (p *promises) createUser(s *Store) error {
	c := storetest.NewCertificate(crypto.Username("u_" + crypto.NewDeviceID().String()))
	if err := s.AddInvite(context.Background(), crashInvite); err != nil {
		return err
	}
	if err := s.CreateInvited(context.Background(), c, firstPrekey(c), crashInvite.Hash, crashInvite.Created); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users = append(p.users, c)
	p.promised()
	return nil
}

func (p *promises) setRelation(s *Store) error {
	pair := relay.PairOf("alice", "bob")
	r, err := s.Relation(context.Background(), pair)
	if err != nil {
		return err
	}
	if err := s.SetRelation(context.Background(), pair, r); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version[pair] = r.Version + 1
	p.promised()
	return nil
}

// promised counts a promise, and cuts the power after some of them. p.mu is
// held, so whatever else is promised has yet to be.
func (p *promises) promised() {
	p.count++
	if p.count == p.crashAt {
		p.crash()
		p.crashed = true
	}
}

// kept compares a store that was opened after a crash with what was promised
// before.
func (p *promises) kept(t testing.TB, s *Store) {
	t.Helper()
	checkRecords(t, s)
	for owner, promised := range p.durable {
		there := map[uint64]relay.EntryKey{}
		for _, e := range storetest.All(t, s, owner) {
			there[e.Seq] = e.Key()
		}
		for _, e := range promised {
			if e.Seq > p.deleted[owner] && there[e.Seq] != e.Key() {
				t.Errorf("number %d of %s is lost, deleted up to %d", e.Seq, owner, p.deleted[owner])
			}
		}
	}
	for _, c := range p.users {
		if got, err := s.User(context.Background(), c.User); err != nil || got.Hash() != c.Hash() {
			t.Errorf("user %s: %v", c.User, err)
		}
		storetest.Left(t, s, c.Address(), firstPrekey(c))
	}
	keptInvite(t, s)
	p.prekeys.kept(t, s)
	for pair, version := range p.version {
		if r, err := s.Relation(context.Background(), pair); err != nil || r.Version < version {
			t.Errorf("%v: %+v, %v, promised version %d", pair, r, err, version)
		}
	}
}

// keptInvite wants as many users as there are uses gone: neither happens alone.
func keptInvite(t testing.TB, s *Store) {
	t.Helper()
	users, err := s.Accounts(context.Background(), "", 1<<20)
	if err != nil {
		t.Error(err)
	}
	held, err := s.Invites(context.Background())
	if err != nil {
		t.Error(err)
	}
	gone := 0
	for _, i := range held {
		gone += int(i.Uses - i.Left)
	}
	if gone != len(users) {
		t.Errorf("%d users came in by %d uses", len(users), gone)
	}
}

// copy returns what has been promised by now. p.mu is held.
func (p *promises) copy() *promises {
	c := newPromises()
	c.highest = p.highest
	c.users = slices.Clone(p.users)
	maps.Copy(c.durable, p.durable)
	maps.Copy(c.deleted, p.deleted)
	maps.Copy(c.version, p.version)
	c.prekeys = p.prekeys.copy()
	return c
}

// failOn makes the nth operation of a kind that changes the disk fail, and
// all that come after: a disk that is broken or full stays so.
type failOn struct {
	n     int64
	count atomic.Int64
	err   error
}

func (f *failOn) String() string { return "failOn" }

func (f *failOn) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpCreate, errorfs.OpLink, errorfs.OpRename, errorfs.OpReuseForWrite, errorfs.OpOpenDir,
		errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		if n := f.count.Add(1); f.n > 0 && n >= f.n {
			return &fs.PathError{Op: "write", Path: op.Path, Err: f.err}
		}
	}
	return nil
}

// workOn does the usual work on a disk with faults.
func workOn(disk *vfs.MemFS, faults *failOn, p *promises) (s *Store, err error) {
	s, err = open("/store", Options{FS: errorfs.Wrap(disk, faults), Limits: storetest.Limits}, 7)
	if err != nil {
		return nil, err
	}
	return s, p.work(used{Store: s}, 12)
}

// TestBrokenDisk lets the disk fail at every stage of the work. Then every
// call says so, none hangs, and what was promised is found by the next life:
// with all that was written and not synced, or with nothing of it.
func TestBrokenDisk(t *testing.T) {
	// How many steps the work takes depends on how many commits share one fsync.
	// The fewest seen are those that every stage below can count on.
	total := int64(math.MaxInt64)
	for range 8 {
		whole := &failOn{}
		s, err := workOn(vfs.NewCrashableMem(), whole, newPromises())
		if err != nil {
			t.Fatal(err)
		}
		total = min(total, whole.count.Load())
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	opening := openingSteps(t)
	const stages = 80
	causes := []error{syscall.EIO, syscall.ENOSPC}
	failures, expected := 0, 0
	for stage := range int64(stages) {
		disk, p := vfs.NewCrashableMem(), newPromises()
		cause := causes[stage%2]
		faults := &failOn{n: 1 + stage*total/stages, err: cause}
		if faults.n > opening {
			expected++
		}
		s, err := workOn(disk, faults, p)
		if err == nil {
			s.Close()
			if faults.n > opening && faults.count.Load() < faults.n {
				expected-- // in another order, the work took fewer steps, and met no fault
			}
			continue
		}
		if !errors.Is(err, cause) {
			t.Fatalf("fault %d of %d: %v", faults.n, total, err)
		}
		if s != nil {
			failures++
			checkFailed(t, s, cause)
		}
		lost := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(stage/2%2) * 100, RNG: rand.New(rand.NewPCG(1, 2))})
		next := openIn(t, lost, "/store")
		p.kept(t, next)
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d steps, %d of them to open; %d of %d faults in the work came to light", total, opening, failures, expected)
	if expected < stages/4 || failures < expected*9/10 {
		t.Errorf("only %d of %d faults in the work came to light", failures, expected)
	}
}

// openingSteps counts the steps before any work.
func openingSteps(t *testing.T) int64 {
	t.Helper()
	faults := &failOn{}
	s, err := open("/store", Options{FS: errorfs.Wrap(vfs.NewCrashableMem(), faults), Limits: storetest.Limits}, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return faults.count.Load()
}

// checkFailed makes sure that a failed store says so in every call.
func checkFailed(t *testing.T, s *Store, cause error) {
	t.Helper()
	ctx := context.Background()
	<-s.Failed()
	_, errUser := s.User(ctx, "alice")
	_, errRelation := s.Relation(ctx, relay.PairOf("alice", "bob"))
	_, errAppend := s.Append(ctx, []relay.Delivery{{To: owners[0], Entry: storetest.NewEntry(relay.KindMessage, alice, 1)}})
	_, errRead := s.Read(ctx, owners[0], 0, 1, 1)
	_, errPrekeys := s.Prekeys(ctx, keeper)
	for i, err := range []error{
		errUser, errRelation, errAppend, errRead, errPrekeys,
		s.AddPrekeys(ctx, keeper, storetest.NewPrekey(1), nil),
		s.TakePrekey(ctx, keeper, 1),
		s.CreateUser(ctx, storetest.NewCertificate("alice"), storetest.NewPrekey(1)),
		s.SetRelation(ctx, relay.PairOf("alice", "bob"), relay.Relation{}),
		s.Delete(ctx, owners[0], 1),
		s.Ready(ctx),
		s.Err(),
		s.Close(),
	} {
		if !errors.Is(err, relay.ErrStoreFailed) || !errors.Is(err, cause) {
			t.Errorf("call %d after the failure: %v", i, err)
		}
		if full := strings.Contains(fmt.Sprint(err), "the disk is full"); full != (cause == syscall.ENOSPC) {
			t.Errorf("call %d: %v", i, err)
		}
	}
}
