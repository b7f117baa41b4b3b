package storetest

import (
	"context"
	"math"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// fill puts entries of a kind until one has no room, and returns the numbers.
func fill(t *testing.T, m relay.Mailboxes, owner crypto.Address, kind relay.Kind, size int) (seqs []uint64) {
	t.Helper()
	for {
		n := Put(t, m, owner, NewEntry(kind, alice, size))[0]
		if n == 0 {
			return seqs
		}
		seqs = append(seqs, n)
		if len(seqs) > 1000 {
			t.Fatal("there is no limit")
		}
	}
}

func room(t *testing.T, m relay.Mailboxes, owner crypto.Address, e relay.Entry, want bool) {
	t.Helper()
	if got := Put(t, m, owner, e)[0] != 0; got != want {
		t.Fatalf("kind %d of %d bytes: room %v, want %v", e.Kind, len(e.Data), got, want)
	}
}

func testEntryLimit(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	seqs := fill(t, m, bob, relay.KindMessage, 1)
	if len(seqs) != int(Limits.Entries) {
		t.Fatalf("room for %d", len(seqs))
	}
	room(t, m, bob, NewEntry(relay.KindRequest, alice, 0), false)
	room(t, m, bob, NewEntry(relay.KindReceipt, alice, 0), true)
	// Who shares a call with a full mailbox is not held up by it.
	carol := NewAddress("carol")
	e := NewEntry(relay.KindMessage, alice, 1)
	got, err := put(m, []relay.Delivery{{To: bob, Entry: e}, {To: carol, Entry: e}, {To: bob, Entry: e}})
	if err != nil || got[0] != 0 || got[1] == 0 || got[2] != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	holds(t, m, carol, e)
	remove(t, m, bob, seqs[1])
	if n := len(fill(t, m, bob, relay.KindMessage, 1)); n != 2 {
		t.Fatalf("room for %d after 2 were deleted", n)
	}
}

func testByteLimit(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	size := int(Limits.Bytes) / 4
	seqs := fill(t, m, bob, relay.KindMessage, size)
	if len(seqs) != 4 {
		t.Fatalf("room for %d of %d bytes", len(seqs), size)
	}
	room(t, m, bob, NewEntry(relay.KindAccept, alice, 0), true)
	room(t, m, bob, NewEntry(relay.KindMessage, alice, 1), false)
	remove(t, m, bob, seqs[0])
	room(t, m, bob, NewEntry(relay.KindMessage, alice, size+1), false)
	room(t, m, bob, NewEntry(relay.KindMessage, alice, size), true)
	// One call counts what it has put itself.
	carol := NewAddress("carol")
	got := Put(t, m, carol, NewEntry(relay.KindMessage, alice, 3*size), NewEntry(relay.KindMessage, alice, 2*size), NewEntry(relay.KindMessage, alice, size))
	if got[0] == 0 || got[1] != 0 || got[2] == 0 {
		t.Fatalf("within one call: %v", got)
	}
}

func testRequestLimit(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	seqs := fill(t, m, bob, relay.KindRequest, 1)
	if len(seqs) != int(Limits.Requests) {
		t.Fatalf("room for %d", len(seqs))
	}
	room(t, m, bob, NewEntry(relay.KindMessage, alice, 1), true)
	remove(t, m, bob, seqs[0])
	room(t, m, bob, NewEntry(relay.KindRequest, alice, 1), true)
	room(t, m, bob, NewEntry(relay.KindRequest, alice, 1), false)
}

func testReceiptLimit(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	seqs := fill(t, m, bob, relay.KindReceipt, 0)
	if len(seqs) != 2*int(Limits.Entries) {
		t.Fatalf("room for %d", len(seqs))
	}
	if n := len(fill(t, m, bob, relay.KindMessage, 1)); n != int(Limits.Entries) {
		t.Fatalf("beside receipts, room for %d", n)
	}
	remove(t, m, bob, seqs[0])
	room(t, m, bob, NewEntry(relay.KindReceipt, alice, 0), true)
	room(t, m, bob, NewEntry(relay.KindReceipt, alice, 0), false)
}

// testStoreFull fills the whole store. Then it takes nothing new, says why, and
// loses nothing.
func testStoreFull(t *testing.T, m relay.Mailboxes) {
	ctx := context.Background()
	size := int(Limits.Bytes)
	carol, last := NewAddress("carol"), NewEntry(relay.KindMessage, alice, 10)
	Put(t, m, carol, NewEntry(relay.KindMessage, alice, 10), last)
	var held []relay.Delivery
	for {
		d := relay.Delivery{To: NewAddress("bob"), Entry: NewEntry(relay.KindMessage, alice, size)}
		a := appended(t, m, d)
		if a.StoreFull != (a.Seqs[0] == 0) {
			t.Fatalf("number %d, full %v", a.Seqs[0], a.StoreFull)
		}
		if a.StoreFull {
			break
		}
		if held = append(held, d); len(held)*size > MaxBytes {
			t.Fatal("there is no limit")
		}
	}
	if len(held)*size < MaxBytes/2 {
		t.Fatalf("full with %d entries of %d bytes", len(held), size)
	}
	// What is known, what fits, and a mailbox that is full itself.
	known := appended(t, m, held[0], relay.Delivery{To: carol, Entry: last}, relay.Delivery{To: held[0].To, Entry: NewEntry(relay.KindMessage, alice, 1)})
	if known.StoreFull || known.Seqs[0] == 0 || known.Seqs[1] == 0 || known.Seqs[2] != 0 {
		t.Fatalf("a full store says %+v", known)
	}
	for _, kind := range []relay.Kind{relay.KindReceipt, relay.KindExpired, relay.KindAccept} {
		for range Limits.Entries {
			room(t, m, carol, NewEntry(kind, alice, 0), true)
		}
	}
	request := appended(t, m, relay.Delivery{To: NewAddress("bob"), Entry: NewEntry(relay.KindRequest, alice, size)})
	if !request.StoreFull {
		t.Fatalf("a request was taken: %+v", request)
	}
	for _, d := range held {
		holds(t, m, d.To, d.Entry)
	}
	// All that was refused has left no trace, so three have room for two.
	for _, d := range held[:3] {
		remove(t, m, d.To, math.MaxUint64)
	}
	remove(t, m, carol, math.MaxUint64)
	for _, d := range held[:2] {
		room(t, m, d.To, d.Entry, true)
	}
	if err := m.Ready(ctx); err != nil {
		t.Errorf("a full store is in order: %v", err)
	}
}

func appended(t *testing.T, m relay.Mailboxes, ds ...relay.Delivery) relay.Appended {
	t.Helper()
	a, err := m.Append(context.Background(), ds)
	if err == nil {
		err = a.Wait()
	}
	if err != nil || len(a.Seqs) != len(ds) {
		t.Fatalf("%d numbers for %d entries: %v", len(a.Seqs), len(ds), err)
	}
	return a
}
