package storetest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

var alice = crypto.Address{User: "alice", Device: crypto.DeviceID{1, 2, 3, 4, 5, 6, 7, 8}}

func sameEntry(a, b relay.Entry) bool {
	return a.Key() == b.Key() && a.Time == b.Time && bytes.Equal(a.Data, b.Data)
}

func rising(t *testing.T, seqs []uint64) {
	t.Helper()
	last := uint64(0)
	for _, n := range seqs {
		if n <= last {
			t.Fatalf("numbers do not rise: %v", seqs)
		}
		last = n
	}
}

// holds fails unless the mailbox holds just these entries, in this order.
func holds(t *testing.T, m relay.Mailboxes, owner crypto.Address, want ...relay.Entry) {
	t.Helper()
	got := All(t, m, owner)
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	var seqs []uint64
	for i, s := range got {
		if !sameEntry(s.Entry, want[i]) {
			t.Fatalf("entry %d is %+v, want %+v", i, s.Entry, want[i])
		}
		seqs = append(seqs, s.Seq)
	}
	rising(t, seqs)
}

func testOrder(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	if got := All(t, m, bob); len(got) != 0 {
		t.Fatalf("a mailbox begins with %v", got)
	}
	entries := []relay.Entry{
		NewEntry(relay.KindRequest, alice, 10),
		NewEntry(relay.KindAccept, alice, 0),
		NewEntry(relay.KindMessage, alice, 300),
		NewEntry(relay.KindReceipt, alice, 0),
		NewEntry(relay.KindMessage, crypto.Address{User: "a_name_of_thirty_two_characters_", Device: crypto.DeviceID{0, 0, 0xff}}, 1),
	}
	entries[3].Time = -5
	seqs := append(Put(t, m, bob, entries[0]), Put(t, m, bob, entries[1:]...)...)
	rising(t, seqs)
	holds(t, m, bob, entries...)
	for i, s := range All(t, m, bob) {
		if s.Seq != seqs[i] {
			t.Errorf("entry %d was given %d and has %d", i, seqs[i], s.Seq)
		}
	}
	if err := m.Ready(context.Background()); err != nil {
		t.Error(err)
	}
}

func testPages(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	var entries []relay.Entry
	for range 5 {
		entries = append(entries, NewEntry(relay.KindMessage, alice, 100))
	}
	seqs := Put(t, m, bob, entries...)
	for _, test := range []struct {
		after         uint64
		max, maxBytes int
		first, least  int // index of the first, and how many there must be
		most          int
	}{
		{0, 2, 1000, 0, 2, 2},
		{seqs[1], 10, 1000, 2, 3, 3},
		{seqs[2] - 1, 1, 1000, 2, 1, 1},
		{0, 10, 0, 0, 1, 1},
		{0, 10, 99, 0, 1, 1},
		{0, 10, 250, 0, 2, 3}, // the third goes beyond, and may be the last
		{seqs[4], 10, 1000, 5, 0, 0},
		{math.MaxUint64, 10, 1000, 5, 0, 0},
	} {
		got := read(t, m, bob, test.after, test.max, test.maxBytes)
		if len(got) < test.least || len(got) > test.most {
			t.Errorf("%+v: %d entries", test, len(got))
			continue
		}
		for i, s := range got {
			if s.Seq != seqs[test.first+i] || !sameEntry(s.Entry, entries[test.first+i]) {
				t.Errorf("%+v: entry %d is another", test, i)
			}
		}
	}
}

func testKnown(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	e, other := NewEntry(relay.KindMessage, alice, 100), NewEntry(relay.KindMessage, alice, 100)
	again := e
	again.Data = []byte("other bytes under the same name")
	seqs := Put(t, m, bob, e, again, other, e)
	if seqs[1] != seqs[0] || seqs[3] != seqs[0] || seqs[2] <= seqs[0] {
		t.Fatalf("twice in one call: %v", seqs)
	}
	if n := Put(t, m, bob, again); n[0] != seqs[0] {
		t.Fatalf("again later: %v, first %v", n, seqs)
	}
	holds(t, m, bob, e, other)
	remove(t, m, bob, seqs[0])
	if n := Put(t, m, bob, again); n[0] <= seqs[2] {
		t.Fatalf("again after it was deleted: %v, before %v", n, seqs)
	}
	holds(t, m, bob, other, again)

	// A full mailbox knows what it holds.
	for len(All(t, m, bob)) < int(Limits.Entries) {
		Put(t, m, bob, NewEntry(relay.KindMessage, alice, 1))
	}
	if n := Put(t, m, bob, other); n[0] != seqs[2] {
		t.Fatalf("a full mailbox forgot what it holds: %v", n)
	}
}

func testKnownDiffer(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	base := NewEntry(relay.KindMessage, alice, 1)
	variants := []relay.Entry{base, base, base, base, base}
	variants[1].Kind = relay.KindAccept
	variants[2].From.User = "alice_"
	variants[3].From.Device[7]++
	variants[4].ID[15]++
	for _, e := range variants {
		Put(t, m, bob, e)
	}
	holds(t, m, bob, variants...)
}

func testFanOut(t *testing.T, m relay.Mailboxes) {
	const boxes = 40
	var ds []relay.Delivery
	e := NewEntry(relay.KindMessage, alice, 20)
	for range boxes {
		ds = append(ds, relay.Delivery{To: NewAddress("bob"), Entry: e})
	}
	second := NewEntry(relay.KindMessage, alice, 30)
	ds = append(ds, relay.Delivery{To: ds[0].To, Entry: second})
	seqs, err := put(m, ds)
	if err != nil {
		t.Fatal(err)
	}
	rising(t, []uint64{seqs[0], seqs[boxes]})
	holds(t, m, ds[0].To, e, second)
	for _, d := range ds[1:boxes] {
		holds(t, m, d.To, e)
	}
	if a, err := m.Append(context.Background(), nil); err != nil || a.Wait() != nil {
		t.Errorf("nothing at all: %v", err)
	}
}

func testMailboxesApart(t *testing.T, m relay.Mailboxes) {
	owners := []crypto.Address{
		{User: "bob"},
		{User: "bob", Device: crypto.DeviceID{0, 0, 0, 0, 0, 0, 0, 1}},
		{User: "bob", Device: crypto.DeviceID{255, 255, 255, 255, 255, 255, 255, 255}},
		{User: "bobb"},
		{User: "bo_"},
	}
	entries := make([]relay.Entry, len(owners))
	for i, o := range owners {
		entries[i] = NewEntry(relay.KindMessage, alice, i)
		Put(t, m, o, entries[i])
	}
	for i, o := range owners {
		holds(t, m, o, entries[i])
		remove(t, m, o, math.MaxUint64)
		holds(t, m, o)
		if i+1 < len(owners) {
			holds(t, m, owners[i+1], entries[i+1])
		}
	}
}

func testDelete(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	remove(t, m, bob, 7) // of nothing
	var entries []relay.Entry
	for range 6 {
		entries = append(entries, NewEntry(relay.KindMessage, alice, 10))
	}
	seqs := Put(t, m, bob, entries...)
	remove(t, m, bob, 0)
	holds(t, m, bob, entries...)
	remove(t, m, bob, seqs[2])
	holds(t, m, bob, entries[3:]...)
	remove(t, m, bob, seqs[1])
	holds(t, m, bob, entries[3:]...)
	remove(t, m, bob, seqs[5]+100)
	holds(t, m, bob)
	// The mailbox was empty: its numbers still rise.
	if n := Put(t, m, bob, entries[0]); n[0] <= seqs[5] {
		t.Fatalf("number %d was given before: %v", n[0], seqs)
	}
	remove(t, m, bob, math.MaxUint64)
	holds(t, m, bob)
}

func testUnsound(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	good := NewEntry(relay.KindMessage, alice, 1)
	bad := []relay.Delivery{
		{To: crypto.Address{User: "b\x00b"}, Entry: good},
		{To: bob, Entry: NewEntry(0, alice, 1)},
		{To: bob, Entry: NewEntry(relay.KindExpired+1, alice, 1)},
		{To: bob, Entry: NewEntry(relay.KindReceipt, alice, 1)},
		{To: bob, Entry: NewEntry(relay.KindMessage, crypto.Address{}, 1)},
	}
	for i, d := range bad {
		if _, err := m.Append(context.Background(), []relay.Delivery{{To: bob, Entry: good}, d}); err == nil {
			t.Errorf("unsound entry %d was stored", i)
		}
	}
	holds(t, m, bob)
	if _, err := m.Read(context.Background(), crypto.Address{}, 0, 1, 1); err == nil {
		t.Error("a mailbox of nobody was read")
	}
}

func testCancelled(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	bob := NewAddress("bob")
	_, errUser := s.User(ctx, "alice")
	_, errRelation := s.Relation(ctx, relay.PairOf("alice", "bob"))
	_, errAppend := s.Append(ctx, []relay.Delivery{{To: bob, Entry: NewEntry(relay.KindMessage, alice, 1)}})
	_, errRead := s.Read(ctx, bob, 0, 1, 1)
	_, errPrekeys := s.Prekeys(ctx, bob)
	for i, err := range []error{
		errUser, errRelation, errAppend, errRead, errPrekeys,
		s.AddPrekeys(ctx, bob, NewPrekey(1), nil),
		s.TakePrekey(ctx, bob, 1),
		s.CreateUser(ctx, NewCertificate("alice"), NewPrekey(1)),
		s.SetRelation(ctx, relay.PairOf("alice", "bob"), relay.Relation{}),
		s.Delete(ctx, bob, 1),
		s.Ready(ctx),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	holds(t, s, bob)
	Left(t, s, bob, none)
}
