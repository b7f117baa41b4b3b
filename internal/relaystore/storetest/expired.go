package storetest

import (
	"context"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// expired asks once, and checks that what comes is the front of a mailbox.
func expired(t *testing.T, m relay.Mailboxes, after crypto.Address, before protocol.UnixMilli, max int) (crypto.Address, []relay.Stored) {
	t.Helper()
	owner, entries, err := m.Expired(context.Background(), after, before, max)
	if err != nil {
		t.Fatal(err)
	}
	if (owner == crypto.Address{}) != (len(entries) == 0) || len(entries) > max {
		t.Fatalf("of %q came %d entries", owner, len(entries))
	}
	for i, s := range entries {
		if s.Time >= before {
			t.Fatalf("entry %d is of %d, not before %d", i, s.Time, before)
		}
		if front := All(t, m, owner)[i]; front.Seq != s.Seq || !sameEntry(front.Entry, s.Entry) {
			t.Fatalf("entry %d is not at the front of the mailbox", i)
		}
	}
	return owner, entries
}

// testExpired has entries of several times in several mailboxes: from the front
// of each come those that are old, and each mailbox comes once.
func testExpired(t *testing.T, m relay.Mailboxes) {
	if owner, _ := expired(t, m, crypto.Address{}, 1<<50, 10); owner.User != "" {
		t.Fatalf("%q holds nothing", owner)
	}
	want := map[crypto.Address]int{} // with max 3, before 100
	for owner, times := range map[crypto.Address][]protocol.UnixMilli{
		{User: "al_"}: {99},
		{User: "bob"}: {100, 1, 1}, // younger ones are in front
		{User: "bob", Device: crypto.DeviceID{7: 1}}:   {50, 60, 100, 1},
		{User: "bob", Device: crypto.DeviceID{0: 255}}: {-1, 2, 3, 4},
		{User: "bobb"}: {200},
		{User: "zoe"}:  {1, 2, 3},
	} {
		n := 0
		for i, at := range times {
			e := NewEntry(relay.Kind(1+i), alice, 0)
			e.Time = at
			Put(t, m, owner, e)
			if n == i && at < 100 && n < 3 {
				n++
			}
		}
		if n > 0 {
			want[owner] = n
		}
	}
	var after crypto.Address
	for range len(want) {
		owner, entries := expired(t, m, after, 100, 3)
		if len(entries) != want[owner] || want[owner] == 0 {
			t.Fatalf("of %q came %d, want %d", owner, len(entries), want[owner])
		}
		delete(want, owner)
		after = owner
	}
	if owner, _ := expired(t, m, after, 100, 3); owner.User != "" || len(want) > 0 {
		t.Fatalf("%q came too; not %v", owner, want)
	}
	// From the beginning: what is deleted does not come again, what was left does.
	for after = (crypto.Address{}); ; {
		owner, entries := expired(t, m, after, 100, 3)
		if len(entries) == 0 {
			break
		}
		remove(t, m, owner, entries[len(entries)-1].Seq)
		after = owner
	}
	owner, entries := expired(t, m, crypto.Address{}, 100, 3)
	if owner.Device[0] != 255 || len(entries) != 1 || entries[0].Time != 4 {
		t.Fatalf("of %q came %d", owner, len(entries))
	}
	if owner, _ := expired(t, m, owner, 100, 3); owner.User != "" {
		t.Fatalf("%q came again", owner)
	}
}
