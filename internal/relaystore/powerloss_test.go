package relaystore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/relay"
)

// crashes is how often the power is cut. Broken stores are found out within a
// few; all of these are theirs, too.
const crashes = 150

// TestPowerLoss cuts the power at any moment, again and again for the same disk.
// The store as it is loses nothing that it has promised. The same test finds out
// each store that has one thing missing.
func TestPowerLoss(t *testing.T) {
	unchanged := func(disk vfs.FS) vfs.FS { return disk }
	for _, v := range []struct {
		name   string
		on     func(vfs.FS) vfs.FS
		early  bool
		broken bool
	}{
		{name: "as it is", on: unchanged},
		{name: "the log is not synced", on: func(disk vfs.FS) vfs.FS { return noSync{disk, ".log"} }, broken: true},
		{name: "nothing is synced", on: func(disk vfs.FS) vfs.FS { return noSync{disk, ""} }, broken: true},
		{name: "acks come before the commit", on: unchanged, early: true, broken: true},
	} {
		t.Run(v.name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			lives := newLives(seed, v.on, v.early)
			for crash := range crashes + 1 { // the last one is looked at as well
				lost := lives.next(t)
				switch {
				case len(lost) == 0:
				case v.broken:
					t.Logf("found out after %d crashes: %s", crash, lost[0])
					return
				default:
					t.Fatalf("after %d crashes:\n%s", crash, strings.Join(lost, "\n"))
				}
			}
			if v.broken {
				t.Errorf("not found out by %d crashes", crashes)
			}
		})
	}
}

// lives is a disk, and one store after another on it. Each ends when the power
// is cut.
type lives struct {
	rng   *rand.Rand
	disk  *vfs.MemFS
	on    func(vfs.FS) vfs.FS
	early bool
	p     *promises
}

func newLives(seed uint64, on func(vfs.FS) vfs.FS, early bool) *lives {
	return &lives{rand.New(rand.NewPCG(seed, 0)), vfs.NewCrashableMem(), on, early, newPromises()}
}

// next opens the store, compares it with what was promised before, and works on
// until the power is cut again. It returns which promises were broken, and what the
// store itself has found out.
func (l *lives) next(t *testing.T) (lost []string) {
	var s *Store
	lost = record(t, func(t testing.TB) {
		s = openIn(t, l.on(errorfs.Wrap(l.disk, lateSync{})), "/store")
		l.p.kept(t, s)
		first := storetest.Put(t, s, owners[2], storetest.NewEntry(relay.KindReceipt, alice, 0))[0]
		if first != 0 && first <= l.p.highest {
			t.Errorf("number %d was given, and %d before", first, l.p.highest)
		}
	})
	if s == nil {
		return lost
	}
	defer func() {
		if err := s.Close(); err != nil {
			lost = append(lost, err.Error())
		}
	}()
	if len(lost) > 0 {
		return lost
	}
	var before *promises
	p := l.p
	p.count, p.crashAt = 0, 1+l.rng.IntN(60)
	p.crash = func() {
		before = p.copy()
		l.disk = l.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: l.rng.IntN(101), RNG: l.rng})
	}
	if err := p.work(used{s, l.early}, 40); err != nil {
		return []string{err.Error()}
	}
	if before == nil {
		t.Fatalf("no crash within %d promises", p.count)
	}
	l.p = before
	return nil
}

// recorder is a test whose failures are wanted.
type recorder struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

// record runs a test and returns what it complains about.
func record(t testing.TB, test func(testing.TB)) []string {
	r := &recorder{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		test(r)
	}()
	<-ended
	return r.said
}

func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprint(args...))
}

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// lateSync is a disk on which an fsync takes its time, as on a real one: others
// go on meanwhile, and the power may be cut.
type lateSync struct{}

func (lateSync) String() string { return "lateSync" }

func (lateSync) MaybeError(op errorfs.Op) error {
	if op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData {
		for range 100 {
			runtime.Gosched()
		}
	}
	return nil
}

// noSync is a disk that promises to sync the files whose names end so, and does
// not.
type noSync struct {
	vfs.FS
	suffix string
}

func (n noSync) file(name string, f vfs.File, err error) (vfs.File, error) {
	if err == nil && strings.HasSuffix(name, n.suffix) {
		f = unsyncedFile{f}
	}
	return f, err
}

func (n noSync) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := n.FS.Create(name, c)
	return n.file(name, f, err)
}

func (n noSync) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := n.FS.ReuseForWrite(oldname, newname, c)
	return n.file(newname, f, err)
}

func (n noSync) OpenDir(name string) (vfs.File, error) {
	f, err := n.FS.OpenDir(name)
	return n.file(name, f, err)
}

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error     { return nil }
func (unsyncedFile) SyncData() error { return nil }

func (unsyncedFile) SyncTo(int64) (bool, error) { return true, nil }

// slowSync holds back every fsync until it is told to go on.
type slowSync struct {
	on   atomic.Bool
	goOn chan struct{}
}

func (f *slowSync) String() string { return "slowSync" }

func (f *slowSync) MaybeError(op errorfs.Op) error {
	if f.on.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
		<-f.goOn
	}
	return nil
}

// TestKnownIsDurable sends an entry again while its first commit still waits
// for the disk: that it is known must not count for stored.
func TestKnownIsDurable(t *testing.T) {
	disk, slow := vfs.NewCrashableMem(), &slowSync{goOn: make(chan struct{})}
	s := openIn(t, errorfs.Wrap(disk, slow), "/store")
	storetest.Put(t, s, owners[0], storetest.NewEntry(relay.KindMessage, alice, 1)) // and numbers are reserved
	slow.on.Store(true)
	d := []relay.Delivery{{To: owners[0], Entry: storetest.NewEntry(relay.KindMessage, alice, 1)}}
	var waits [2]chan error
	for i := range waits {
		a, err := s.Append(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		waits[i] = make(chan error, 1)
		go func() { waits[i] <- a.Wait() }()
	}
	for range 10_000 {
		runtime.Gosched() // a Wait that does not wait is over by now
	}
	for i, wait := range waits {
		select {
		case err := <-wait:
			t.Errorf("wait %d was over before the disk was: %v", i, err)
		default:
		}
	}
	close(slow.goOn)
	if t.Failed() {
		return
	}
	if err := errors.Join(<-waits[0], <-waits[1]); err != nil {
		t.Fatal(err)
	}
	next := openIn(t, disk.CrashClone(vfs.CrashCloneCfg{}), "/store")
	if got := storetest.All(t, next, owners[0]); len(got) != 2 {
		t.Errorf("%d entries after the crash", len(got))
	}
	closeStore(t, next)
	closeStore(t, s)
}

// oneBadSync fails one fsync and no other, as disks do: what was to be synced is
// lost, and the next one says that all is well.
type oneBadSync struct{ on atomic.Bool }

func (f *oneBadSync) String() string { return "oneBadSync" }

func (f *oneBadSync) MaybeError(op errorfs.Op) error {
	if (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && f.on.CompareAndSwap(true, false) {
		return syscall.EIO
	}
	return nil
}

// TestOneBadSync: the store stops at once and says why, whatever the disk says
// later.
func TestOneBadSync(t *testing.T) {
	disk, bad := vfs.NewCrashableMem(), &oneBadSync{}
	s := openIn(t, errorfs.Wrap(disk, bad), "/store")
	acked := storetest.NewEntry(relay.KindMessage, alice, 1)
	storetest.Put(t, s, owners[0], acked)
	bad.on.Store(true)
	a, err := s.Append(context.Background(), []relay.Delivery{{To: owners[0], Entry: storetest.NewEntry(relay.KindMessage, alice, 1)}})
	if err == nil {
		err = a.Wait()
	}
	if !errors.Is(err, relay.ErrStoreFailed) || !errors.Is(err, syscall.EIO) {
		t.Errorf("the entry whose fsync failed: %v", err)
	}
	checkFailed(t, s, syscall.EIO)
	next := openIn(t, disk.CrashClone(vfs.CrashCloneCfg{}), "/store")
	defer closeStore(t, next)
	if got := storetest.All(t, next, owners[0]); len(got) != 1 || got[0].Key() != acked.Key() {
		t.Errorf("%d entries after the restart", len(got))
	}
}
