package relaystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/relay"
)

func wantFailed(t *testing.T, err error, cause string) {
	t.Helper()
	if !errors.Is(err, relay.ErrStoreFailed) || !strings.Contains(err.Error(), cause) {
		t.Fatalf("%v, want a failure for %q", err, cause)
	}
}

// TestFatal has the engine give up in the middle of an operation.
func TestFatal(t *testing.T) {
	s := openIn(t, vfs.NewMem(), "/store")
	err := s.do(context.Background(), func() error {
		s.engineOptions(nil).Logger.Fatalf("the %s is gone", "manifest")
		panic("Fatalf has returned")
	})
	wantFailed(t, err, "the manifest is gone")
	wantFailed(t, s.Close(), "the manifest is gone")
}

// TestPanic has the engine panic with a lock held.
func TestPanic(t *testing.T) {
	s := openIn(t, vfs.NewMem(), "/store")
	_, err := s.commit(context.Background(), pebble.Sync, [][]byte{{1}}, func(*pebble.Batch) error { panic("no way out") })
	wantFailed(t, err, "no way out")
	wantFailed(t, s.Ready(context.Background()), "no way out")
}

// TestBackground has work fail that nobody waits for.
func TestBackground(t *testing.T) {
	for name, report := range map[string]func(*pebble.EventListener){
		"lost": func(l *pebble.EventListener) { l.BackgroundError(errors.New("lost")) },
		"damaged": func(l *pebble.EventListener) {
			l.DataCorruption(pebble.DataCorruptionInfo{Details: errors.New("in a table")})
		},
	} {
		s := openIn(t, vfs.NewMem(), "/store")
		report(s.engineOptions(nil).EventListener)
		<-s.Failed()
		wantFailed(t, s.Ready(context.Background()), name)
	}
}

// failReads makes reads of tables fail while it is on.
type failReads struct{ on atomic.Bool }

func (f *failReads) String() string { return "failReads" }

func (f *failReads) MaybeError(op errorfs.Op) error {
	if f.on.Load() && op.Kind == errorfs.OpFileReadAt {
		return &fs.PathError{Op: "read", Path: op.Path, Err: syscall.EIO}
	}
	return nil
}

// TestReadError is for one operation to bear: the next may succeed.
func TestReadError(t *testing.T) {
	disk, faults := vfs.NewMem(), &failReads{}
	reopen := func() *Store {
		s, err := Open("/store", Options{FS: errorfs.Wrap(disk, faults)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := reopen()
	var entries []relay.Entry
	for range 100 { // more than what is read of a table to open it
		entries = append(entries, storetest.NewEntry(relay.KindMessage, alice, 10_000))
	}
	storetest.Put(t, s, owners[0], entries...)
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = reopen() // with an empty cache
	defer closeStore(t, s)
	for !s.db.Metrics().Table.InitialStatsCollectionComplete {
		runtime.Gosched() // the engine reads by itself when it begins
	}
	faults.on.Store(true)
	_, err := s.Read(context.Background(), owners[0], 0, 100, 1<<30)
	if !errors.Is(err, syscall.EIO) || errors.Is(err, relay.ErrStoreFailed) {
		t.Errorf("while reads fail: %v", err)
	}
	faults.on.Store(false)
	if got := storetest.All(t, s, owners[0]); len(got) != len(entries) {
		t.Errorf("%d entries afterwards", len(got))
	}
}

// TestHiddenKeys keeps names out of what the engine prints.
func TestHiddenKeys(t *testing.T) {
	s := openIn(t, vfs.NewMem(), "/store")
	defer closeStore(t, s)
	if text := fmt.Sprint(s.engineOptions(nil).Comparer.FormatKey(userKey("alice"))); text != "(key of 6 bytes)" {
		t.Error(text)
	}
}
