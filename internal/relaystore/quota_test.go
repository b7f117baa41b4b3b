package relaystore

import (
	"context"
	"math"
	"testing"
	"testing/synctest"

	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// takes reports whether a store has room for a fresh entry, which then stays,
// and fails the test if it says so in two ways.
func takes(t *testing.T, s *Store, kind relay.Kind) bool {
	t.Helper()
	e := storetest.NewEntry(kind, alice, 0)
	a, err := s.Append(context.Background(), []relay.Delivery{{To: owners[0], Entry: e}})
	if err == nil {
		err = a.Wait()
	}
	if err != nil || a.StoreFull != (a.Seqs[0] == 0) {
		t.Fatalf("number %d, full %v: %v", a.Seqs[0], a.StoreFull, err)
	}
	return !a.StoreFull
}

// TestNearlyFullDisk has others fill the disk. The store stops before it has to,
// looks again now and then, and goes on by itself.
func TestNearlyFullDisk(t *testing.T) {
	for _, test := range []struct {
		avail            uint64
		message, receipt bool
	}{{minFree, true, true}, {minFree - 1, false, true}, {minFree / 2, false, true}, {minFree/2 - 1, false, false}} {
		synctest.Test(t, func(t *testing.T) {
			disk := vfs.NewMem()
			s := openIn(t, disk, "/store")
			defer closeStore(t, s)
			setAvail := func(n uint64) { disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: n, TotalBytes: 1 << 40}) }
			setAvail(minFree)
			if !takes(t, s, relay.KindMessage) {
				t.Fatal("no room at first")
			}
			setAvail(test.avail)
			time.Sleep(spaceInterval - 1)
			if !takes(t, s, relay.KindMessage) {
				t.Error("the disk was looked at again at once")
			}
			time.Sleep(time.Nanosecond)
			for kind, want := range map[relay.Kind]bool{
				relay.KindMessage: test.message, relay.KindRequest: test.message,
				relay.KindReceipt: test.receipt, relay.KindExpired: test.receipt, relay.KindAccept: test.receipt,
			} {
				if takes(t, s, kind) != want {
					t.Errorf("with %d bytes left, room for kind %d: %v", test.avail, kind, !want)
				}
			}
			if held := storetest.All(t, s, owners[0]); len(held) < 2 {
				t.Errorf("of what was there before, %d are left", len(held))
			}
			if err := s.Delete(context.Background(), owners[0], math.MaxUint64); err != nil {
				t.Errorf("delete: %v", err)
			}
			setAvail(minFree)
			time.Sleep(spaceInterval)
			if !takes(t, s, relay.KindMessage) {
				t.Error("no room although the disk has some again")
			}
		})
	}
}

// TestQuotaCountsOn reopens a store: what it held before counts as it did.
func TestQuotaCountsOn(t *testing.T) {
	const size, entries = 1000, 4
	disk := vfs.NewMem()
	reopen := func() *Store {
		s, err := Open("/store", Options{FS: disk, MaxBytes: entries * (size + entryOverhead)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	put := func(s *Store) uint64 {
		return storetest.Put(t, s, owners[0], storetest.NewEntry(relay.KindMessage, alice, size))[0]
	}
	s := reopen()
	first := put(s)
	for i := range entries {
		closeStore(t, s)
		s = reopen()
		if full := put(s) == 0; full != (i == entries-1) {
			t.Fatalf("with %d entries, full: %v", i+1, full)
		}
	}
	if err := s.Delete(context.Background(), owners[0], first); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	// A record that cannot be read keeps the others from nothing.
	setRaw(t, disk, string(boxKey(owners[1])), "nonsense")
	s = reopen()
	defer closeStore(t, s)
	if put(s) == 0 || put(s) != 0 {
		t.Error("there is room for one, as one was deleted")
	}
	owner, old, err := s.Expired(context.Background(), owners[1], math.MaxInt64, 10)
	if err != nil || len(old) != 0 {
		t.Errorf("behind the mailbox that cannot be read: %v, %v", owner, err)
	}
	if owner, old, err = s.Expired(context.Background(), alice, math.MaxInt64, 10); err != nil || owner != owners[0] || len(old) != entries {
		t.Errorf("before it: %v, %d, %v", owner, len(old), err)
	}
}

// TestExpiredIsCheap counts what a look for old entries reads: the first of each
// mailbox and no other.
func TestExpiredIsCheap(t *testing.T) {
	s := openIn(t, vfs.NewMem(), "/store")
	defer closeStore(t, s)
	for range 20 {
		storetest.Put(t, s, owners[0], storetest.NewEntry(relay.KindMessage, alice, 10))
	}
	second := storetest.All(t, s, owners[0])[1].Seq
	if err := s.db.Set(entryKey(owners[0], second), []byte("nonsense"), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	owner, _, err := s.Expired(context.Background(), alice, protocol.UnixMilli(0), 10)
	if err != nil || owner.User != "" {
		t.Errorf("it has read on: %v, %v", owner, err)
	}
}
