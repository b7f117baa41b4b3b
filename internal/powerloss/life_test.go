package powerloss

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// moment is what happens when the power may be cut.
type moment int

const (
	spoken  moment = iota // the relay has written to a connection
	syncing               // it is about to sync a file
	writing               // it is about to write to one
	kept                  // a client has committed something
	moments
)

func (m moment) String() string {
	return [...]string{"the relay has spoken", "it syncs", "it writes", "a client has committed"}[m]
}

// life is a relay from its start until its power is cut. What it does after
// that nobody sees.
type life struct {
	disk    *vfs.MemFS
	store   *relaystore.Store
	relay   *relay.Relay
	dialled <-chan *wire
	served  chan error
	fault   *fault          // of the disk; nil for none
	on      context.Context // ends with the power
	cancel  context.CancelFunc

	when  atomic.Int64 // the moment at which the power is cut, and
	after atomic.Int64 // how many of them are still to come; below 1 if it is not

	power sync.RWMutex // held for reading while something is said; guards what follows
	rng   *rand.Rand
	off   bool
	left  *vfs.MemFS // what is on the disk afterwards
	wires []*wire
}

// begin starts a relay on a disk.
func begin(key crypto.RelayPrivate, disk *vfs.MemFS, dialled <-chan *wire, v variant, f *fault, rng *rand.Rand) (*life, error) {
	l := &life{disk: disk, dialled: dialled, fault: f, served: make(chan error, 1), rng: rng}
	l.on, l.cancel = context.WithCancel(context.Background())
	fs := vfs.FS(errorfs.Wrap(disk, l))
	if v.unsynced {
		fs = noSync{fs}
	}
	var err error
	if l.store, err = relaystore.Open("/store", relaystore.Options{FS: fs}); err != nil {
		l.cancel()
		return nil, err
	}
	boxes := relay.Mailboxes(l.store)
	if v.early {
		boxes = early{boxes}
	}
	l.relay = relay.New(relay.Config{Key: key, Directory: l.store, Prekeys: l.store, Mailboxes: boxes})
	go func() { l.served <- l.relay.Serve(l.on, l, nil) }()
	return l, nil
}

// cutAt arranges that the power is cut after so many moments of a kind.
func (l *life) cutAt(when moment, after int) {
	l.when.Store(int64(when))
	l.after.Store(int64(after))
}

// reached counts a moment, and cuts the power if it is the one.
func (l *life) reached(m moment) {
	if l.after.Load() > 0 && moment(l.when.Load()) == m && l.after.Add(-1) == 0 {
		l.cut()
	}
}

// cut ends the power: nothing is said any more, and of what was not synced some
// is lost.
func (l *life) cut() {
	l.power.Lock()
	defer l.power.Unlock()
	if l.off {
		return
	}
	l.off = true
	l.left = l.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: l.rng.IntN(101), RNG: l.rng})
	for _, w := range l.wires {
		w.Close()
	}
	l.cancel()
}

// end cuts the power unless that has happened, waits for what is left of the
// relay, and returns what is left of the disk.
func (l *life) end(w *world) *vfs.MemFS {
	w.t.Helper()
	l.cut()
	<-l.served
	patience, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := l.relay.Shutdown(patience); err != nil {
		w.complain("the relay does not end: %v", err)
	}
	if err := l.store.Close(); err != nil && l.fault == nil {
		w.complain("the store does not close: %v", err)
	}
	return l.left
}

// drainTime is what the server gives a relay to end.
const drainTime = 10 * time.Second

// String implements errorfs.Injector.
func (*life) String() string { return "the relay's disk" }

// MaybeError implements errorfs.Injector. An fsync takes its time, as on a real
// disk: others go on meanwhile.
func (l *life) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		l.reached(syncing)
		for range 100 {
			runtime.Gosched()
		}
		return l.fault.strikes(syncing, op.Path)
	case errorfs.OpFileWrite:
		l.reached(writing)
		return l.fault.strikes(writing, op.Path)
	}
	return nil
}

// Accept implements net.Listener.
func (l *life) Accept() (net.Conn, error) {
	select {
	case <-l.on.Done():
		return nil, net.ErrClosed
	case w := <-l.dialled:
		l.power.Lock()
		defer l.power.Unlock()
		if l.off {
			w.Close()
			return nil, net.ErrClosed
		}
		w.life = l
		l.wires = append(l.wires, w)
		w.owner.wire.Store(w)
		return w, nil
	}
}

// Close implements net.Listener. Who dials waits for the next life.
func (l *life) Close() error { return nil }

// Addr implements net.Listener.
func (l *life) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// wire is the relay's end of a connection.
type wire struct {
	net.Conn
	owner *person
	life  *life
	lone  atomic.Bool // the peer has gone, and nobody has told the relay
	ended chan struct{}
	once  sync.Once
}

var errPower = errors.New("the power was cut")

// Write implements net.Conn. What is said is said while there is power.
func (w *wire) Write(b []byte) (int, error) {
	n, err := w.say(b)
	w.life.reached(spoken)
	return n, err
}

func (w *wire) say(b []byte) (int, error) {
	w.life.power.RLock()
	defer w.life.power.RUnlock()
	switch {
	case w.life.off:
		return 0, errPower
	case w.lone.Load():
		return len(b), nil
	}
	return w.Conn.Write(b)
}

// Read implements net.Conn. Nothing comes from a peer that has gone unseen.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if !w.lone.Load() {
		return n, err
	}
	<-w.ended
	return 0, io.ErrUnexpectedEOF
}

// SetReadDeadline implements net.Conn. One that has passed ends a read.
func (w *wire) SetReadDeadline(t time.Time) error {
	if w.lone.Load() && time.Until(t) < 0 {
		w.end()
	}
	return w.Conn.SetReadDeadline(t)
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.end()
	return w.Conn.Close()
}

func (w *wire) end() { w.once.Do(func() { close(w.ended) }) }

// orphan leaves the relay alone with its end of the connection.
func (w *wire) orphan() { w.lone.Store(true) }

// fault is what is wrong with a disk: the nth operation of a kind fails, and
// all that follow, or only that one.
type fault struct {
	kind  moment
	once  bool
	cause error
	left  atomic.Int64 // operations until then; below 1 for never
	hit   atomic.Bool
}

// strikes returns the error of an operation.
func (f *fault) strikes(kind moment, path string) error {
	if f == nil || f.kind != kind {
		return nil
	}
	if !f.hit.Load() || f.once {
		if f.left.Load() <= 0 || f.left.Add(-1) != 0 {
			return nil
		}
		f.hit.Store(true)
	}
	return &os.PathError{Op: strings.Fields(kind.String())[1], Path: path, Err: f.cause}
}

// noSync is a disk that promises to sync files, and does not.
type noSync struct{ vfs.FS }

func unsynced(f vfs.File, err error) (vfs.File, error) {
	if err == nil {
		f = unsyncedFile{f}
	}
	return f, err
}

func (n noSync) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(n.FS.Create(name, c))
}

func (n noSync) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(n.FS.ReuseForWrite(oldname, newname, c))
}

func (n noSync) OpenDir(name string) (vfs.File, error) { return unsynced(n.FS.OpenDir(name)) }

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error     { return nil }
func (unsyncedFile) SyncData() error { return nil }

func (unsyncedFile) SyncTo(int64) (bool, error) { return true, nil }

// early is mailboxes that promise before anything is on the disk.
type early struct{ relay.Mailboxes }

// Append implements relay.Mailboxes.
func (e early) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	a, err := e.Mailboxes.Append(ctx, ds)
	a.Wait = func() error { return nil }
	return a, err
}
