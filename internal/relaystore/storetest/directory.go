package storetest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

func sameCertificate(t *testing.T, d relay.Directory, want crypto.Certificate) {
	t.Helper()
	got, err := d.User(context.Background(), want.User)
	if err != nil {
		t.Fatal(err)
	}
	wantText, _ := want.MarshalText()
	if text, _ := got.MarshalText(); !bytes.Equal(text, wantText) {
		t.Fatal("another certificate came back")
	}
}

func testUsers(t *testing.T, d relay.Directory) {
	ctx := context.Background()
	if _, err := d.User(ctx, "alice"); !errors.Is(err, relay.ErrNotFound) {
		t.Fatalf("nobody is there: %v", err)
	}
	first := NewCertificate("alice")
	if err := d.CreateUser(ctx, first, NewPrekey(1)); err != nil {
		t.Fatal(err)
	}
	for _, again := range []crypto.Certificate{first, NewCertificate("alice")} {
		if err := d.CreateUser(ctx, again, NewPrekey(2)); !errors.Is(err, relay.ErrExists) {
			t.Fatalf("a taken name: %v", err)
		}
	}
	longer := NewCertificate("alice_")
	if err := d.CreateUser(ctx, longer, NewPrekey(1)); err != nil {
		t.Fatal(err)
	}
	sameCertificate(t, d, first)
	sameCertificate(t, d, longer)
	if _, err := d.User(ctx, "alic"); !errors.Is(err, relay.ErrNotFound) {
		t.Fatalf("a part of a name: %v", err)
	}
}

// testReplaced puts another device of a user in the place of one.
func testReplaced(t *testing.T, d Store) {
	ctx := context.Background()
	first, second, third := NewCertificate("alice"), NewCertificate("alice"), NewCertificate("alice")
	if err := d.ReplaceDevice(ctx, first, second, NewPrekey(1)); !errors.Is(err, relay.ErrConflict) {
		t.Fatalf("of nobody: %v", err)
	}
	if err := d.CreateUser(ctx, first, NewPrekey(1)); err != nil {
		t.Fatal(err)
	}
	if err := d.AddPrekeys(ctx, first.Address(), relay.RawPrekey{}, []relay.RawPrekey{NewPrekey(2), NewPrekey(3)}); err != nil {
		t.Fatal(err)
	}
	bystander := NewCertificate("alice_")
	if err := d.CreateUser(ctx, bystander, NewPrekey(4)); err != nil {
		t.Fatal(err)
	}
	signed := NewPrekey(1)
	if err := d.ReplaceDevice(ctx, first, second, signed); err != nil {
		t.Fatal(err)
	}
	sameCertificate(t, d, second)
	Left(t, d, second.Address(), signed)
	Left(t, d, first.Address(), relay.RawPrekey{})
	sameCertificate(t, d, bystander)
	for name, before := range map[string]crypto.Certificate{"the one before": first, "another": third} {
		if err := d.ReplaceDevice(ctx, before, NewCertificate("alice"), NewPrekey(1)); !errors.Is(err, relay.ErrConflict) {
			t.Errorf("over %s: %v", name, err)
		}
	}
	sameCertificate(t, d, second)
	if err := d.ReplaceDevice(ctx, second, NewCertificate("bobby"), NewPrekey(1)); err == nil {
		t.Error("another user's device took the place of one")
	}
	if err := d.ReplaceDevice(ctx, second, second, NewPrekey(1)); err == nil {
		t.Error("a device took its own place")
	}
	if err := d.ReplaceDevice(ctx, second, third, NewPrekey(1)); err != nil {
		t.Error(err)
	}
	sameCertificate(t, d, third)
}

// testUserRace has many ask for one name. The prekey that is kept is of the one
// who got it.
func testUserRace(t *testing.T, d Store) {
	const racers = 16
	type racer struct {
		c crypto.Certificate
		p relay.RawPrekey
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		wins []racer
	)
	device := crypto.NewDeviceID() // the same for all: worse than what can be
	for range racers {
		wg.Go(func() {
			c, p := newCertificate("alice", device), NewPrekey(1)
			switch err := d.CreateUser(context.Background(), c, p); {
			case err == nil:
				mu.Lock()
				wins = append(wins, racer{c, p})
				mu.Unlock()
			case !errors.Is(err, relay.ErrExists):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(wins) != 1 {
		t.Fatalf("%d were told that the name is theirs", len(wins))
	}
	sameCertificate(t, d, wins[0].c)
	Left(t, d, wins[0].c.Address(), wins[0].p)
}

func testRelations(t *testing.T, d relay.Directory) {
	ctx := context.Background()
	p := relay.PairOf("bob", "alice")
	if r, err := d.Relation(ctx, p); err != nil || r != (relay.Relation{}) {
		t.Fatalf("of strangers: %v, %v", r, err)
	}
	var version uint64
	for bits := range 32 {
		r := relay.Relation{
			Version:  version,
			Accepted: bits&1 != 0,
			Low:      relay.Side{Requested: bits&2 != 0, Blocked: bits&4 != 0},
			High:     relay.Side{Requested: bits&8 != 0, Blocked: bits&16 != 0},
		}
		if err := d.SetRelation(ctx, p, r); err != nil {
			t.Fatal(err)
		}
		version++
		want := r
		want.Version = version
		for _, stale := range []uint64{version - 1, version + 1} {
			r.Version = stale
			r.Accepted = !want.Accepted
			if err := d.SetRelation(ctx, p, r); !errors.Is(err, relay.ErrConflict) {
				t.Fatalf("version %d over %d: %v", stale, version, err)
			}
		}
		if got, err := d.Relation(ctx, p); err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func testRelationsApart(t *testing.T, d relay.Directory) {
	ctx := context.Background()
	// Names that would give the same bytes, one after the other.
	pairs := []relay.Pair{{Low: "abc", High: "dabc"}, {Low: "abcd", High: "abc_"}, {Low: "abcd", High: "abce"}}
	pairs[1] = relay.PairOf(pairs[1].Low, pairs[1].High)
	for i, p := range pairs {
		for v := range i + 1 {
			if err := d.SetRelation(ctx, p, relay.Relation{Version: uint64(v)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, p := range pairs {
		if r, err := d.Relation(ctx, p); err != nil || r.Version != uint64(i+1) {
			t.Errorf("%v: %+v, %v", p, r, err)
		}
	}
}

// testCompareAndSet has many change one relation. Each turns Accepted, so a
// change that was lost or made twice shows in it, too.
func testCompareAndSet(t *testing.T, d relay.Directory) {
	const writers, changes = 8, 9
	ctx := context.Background()
	p := relay.PairOf("alice", "bob")
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < changes; {
				r, err := d.Relation(ctx, p)
				if err != nil {
					t.Error(err)
					return
				}
				r.Accepted = !r.Accepted
				switch err := d.SetRelation(ctx, p, r); {
				case err == nil:
					done++
				case !errors.Is(err, relay.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	r, err := d.Relation(ctx, p)
	if err != nil || r.Version != writers*changes || r.Accepted != (writers*changes%2 == 1) {
		t.Fatalf("%+v, %v", r, err)
	}
}

func testDirectoryNames(t *testing.T, d relay.Directory) {
	ctx := context.Background()
	if _, err := d.User(ctx, "a\x00b"); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("a name that nobody can have: %v", err)
	}
	for _, p := range []relay.Pair{{Low: "bob", High: "alice"}, {Low: "bob", High: "bob"}, {Low: "", High: "bob"}, {Low: "a\x00b", High: "bob"}} {
		if err := d.SetRelation(ctx, p, relay.Relation{}); err == nil {
			t.Errorf("%q was taken for a pair", p)
		}
	}
	if err := d.CreateUser(ctx, crypto.Certificate{User: "alice"}, NewPrekey(1)); err == nil {
		t.Error("a certificate that is none was stored")
	}
}
