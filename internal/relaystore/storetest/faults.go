package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"secure-messaging/pkg/relay"
)

// runFaults lets writes fail in both ways. Who tries again with the same bytes
// comes to the same end.
func runFaults(t *testing.T, open func(t *testing.T) Store) {
	for name, fault := range map[string]Fault{"not stored": NotStored, "stored": IsStored} {
		faulty := func(t *testing.T) Store {
			f := &faulting{fault: fault, calls: map[string]int{}}
			return patient{&Faulty{open(t), f.next}}
		}
		t.Run(name, func(t *testing.T) {
			runMailboxes(t, faulty)
			runPrekeys(t, faulty)
		})
		once := func(name, write string, test func(*testing.T, Store, Fault)) {
			t.Run(name, func(t *testing.T) { test(t, &Faulty{open(t), first(write, fault)}, fault) })
		}
		once("a user, "+name, "CreateUser", testUserFault)
		once("a user by an invite, "+name, "CreateInvited", testInvitedFault)
		once("a relation, "+name, "SetRelation", testRelationFault)
		once("a prekey taken, "+name, "TakePrekey", testTakeFault)
		once("an entry, "+name, "Append", testAppendFault)
	}
}

// faulting lets every second write of a kind fail.
type faulting struct {
	fault Fault

	mu    sync.Mutex // guards what follows
	calls map[string]int
}

func (f *faulting) next(write string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[write]++
	if f.calls[write]%2 == 0 {
		return NoFault
	}
	return f.fault
}

// first lets the first write of a kind fail.
func first(write string, fault Fault) func(string) Fault {
	var once sync.Once
	return func(got string) (f Fault) {
		if got == write {
			once.Do(func() { f = fault })
		}
		return f
	}
}

func wantFault(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrFault) {
		t.Fatalf("want a fault, got %v", err)
	}
}

// wantAgain checks what the second try says: a conflict with the first one if
// that has stored.
func wantAgain(t *testing.T, err error, fault Fault, conflict error) {
	t.Helper()
	if fault == NotStored {
		conflict = nil
	}
	if !errors.Is(err, conflict) {
		t.Fatalf("the second try: %v, want %v", err, conflict)
	}
}

// testUserFault: in both cases the name belongs to the one who asked for it,
// with the prekey of the first try, and to nobody else.
func testUserFault(t *testing.T, s Store, fault Fault) {
	ctx := context.Background()
	c, p := NewCertificate("alice"), NewPrekey(1)
	wantFault(t, s.CreateUser(ctx, c, p))
	wantAgain(t, s.CreateUser(ctx, c, p), fault, relay.ErrExists)
	sameCertificate(t, s, c)
	Left(t, s, c.Address(), p)
	if err := s.CreateUser(ctx, NewCertificate("alice"), p); !errors.Is(err, relay.ErrExists) {
		t.Fatalf("somebody else: %v", err)
	}
	sameCertificate(t, s, c)
}

// testRelationFault: in both cases the relation is what was asked for, and its
// version has risen by one.
func testRelationFault(t *testing.T, s Store, fault Fault) {
	ctx := context.Background()
	p := relay.PairOf("alice", "bob")
	want := relay.Relation{Accepted: true, Low: relay.Side{Blocked: true}}
	wantFault(t, s.SetRelation(ctx, p, want))
	wantAgain(t, s.SetRelation(ctx, p, want), fault, relay.ErrConflict)
	want.Version++
	if got, err := s.Relation(ctx, p); err != nil || got != want {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
	if err := s.SetRelation(ctx, p, want); err != nil {
		t.Fatalf("from what was read: %v", err)
	}
}

// testTakeFault: in both cases the prekey is gone, and those behind it are not.
func testTakeFault(t *testing.T, s Store, fault Fault) {
	ctx := context.Background()
	bob, ps := NewAddress("bob"), NewPrekeys(1, 3)
	Publish(t, s, bob, none, ps...)
	wantFault(t, s.TakePrekey(ctx, bob, 1))
	wantAgain(t, s.TakePrekey(ctx, bob, 1), fault, relay.ErrConflict)
	Left(t, s, bob, none, ps[1:]...)
	Publish(t, s, bob, none, ps...)
	Left(t, s, bob, none, ps[1:]...)
}

// testAppendFault: in both cases each mailbox holds each entry once, in order,
// also if the second try has more in it than the first.
func testAppendFault(t *testing.T, s Store, fault Fault) {
	ctx := context.Background()
	bob, carol := NewAddress("bob"), NewAddress("carol")
	var entries []relay.Entry
	for range 3 {
		entries = append(entries, NewEntry(relay.KindMessage, alice, 5))
	}
	ds := []relay.Delivery{{To: bob, Entry: entries[0]}, {To: carol, Entry: entries[0]}, {To: bob, Entry: entries[1]}}
	_, err := s.Append(ctx, ds)
	wantFault(t, err)
	if there := len(All(t, s, bob)); (there > 0) != (fault == IsStored) {
		t.Fatalf("after the fault there are %d", there)
	}
	before := numbersOf(All(t, s, bob))
	a := appended(t, s, append(ds, relay.Delivery{To: bob, Entry: entries[2]})...)
	for i, seq := range before {
		if a.Seqs[2*i] != seq {
			t.Errorf("entry %d got %d, and has %d", i, a.Seqs[2*i], seq)
		}
	}
	holds(t, s, bob, entries...)
	holds(t, s, carol, entries[0])
	remove(t, s, bob, a.Seqs[0])
	holds(t, s, bob, entries[1:]...)
}

func numbersOf(entries []relay.Stored) (seqs []uint64) {
	for _, e := range entries {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}
