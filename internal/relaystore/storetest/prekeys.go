package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// NewPrekey makes a prekey with an id, from fresh bytes.
func NewPrekey(id crypto.PrekeyID) relay.RawPrekey {
	return relay.RawPrekey{ID: id, Raw: []byte("prekey " + crypto.NewMessageID().String())}
}

// NewPrekeys makes n prekeys with rising ids.
func NewPrekeys(first crypto.PrekeyID, n int) (ps []relay.RawPrekey) {
	for i := range n {
		ps = append(ps, NewPrekey(first+crypto.PrekeyID(i)))
	}
	return ps
}

// Publish adds prekeys of a device.
func Publish(t testing.TB, s relay.Prekeys, owner crypto.Address, signed relay.RawPrekey, oneTime ...relay.RawPrekey) {
	t.Helper()
	if err := s.AddPrekeys(context.Background(), owner, signed, oneTime); err != nil {
		t.Fatal(err)
	}
}

// Left fails unless a device has just these prekeys left, of which the first
// one-time prekey is the oldest.
func Left(t testing.TB, s relay.Prekeys, owner crypto.Address, signed relay.RawPrekey, oneTime ...relay.RawPrekey) {
	t.Helper()
	want := relay.PrekeyStock{Signed: signed, Left: len(oneTime)}
	if len(oneTime) > 0 {
		want.OneTime = oneTime[0]
	}
	got, err := s.Prekeys(context.Background(), owner)
	if err != nil {
		t.Fatal(err)
	}
	if got.Left != want.Left || !samePrekey(got.Signed, want.Signed) || !samePrekey(got.OneTime, want.OneTime) {
		t.Fatalf("prekeys %d and %d with %d left, want %d and %d with %d (or other bytes)",
			got.Signed.ID, got.OneTime.ID, got.Left, want.Signed.ID, want.OneTime.ID, want.Left)
	}
}

func samePrekey(a, b relay.RawPrekey) bool { return a.ID == b.ID && bytes.Equal(a.Raw, b.Raw) }

// Take removes a one-time prekey, or wants to hear that it is not there.
func Take(t testing.TB, s relay.Prekeys, owner crypto.Address, id crypto.PrekeyID, there bool) {
	t.Helper()
	err := s.TakePrekey(context.Background(), owner, id)
	if there && err != nil || !there && !errors.Is(err, relay.ErrConflict) {
		t.Fatalf("taking prekey %d, which is there: %v: %v", id, there, err)
	}
}

// none is no prekey.
var none relay.RawPrekey

func testSigned(t *testing.T, s Store) {
	c := NewCertificate("bob")
	first, second := NewPrekey(7), NewPrekey(9)
	Left(t, s, c.Address(), none)
	if err := s.CreateUser(context.Background(), c, first); err != nil {
		t.Fatal(err)
	}
	Left(t, s, c.Address(), first)
	if err := s.CreateUser(context.Background(), newCertificate("bob", c.Device), second); !errors.Is(err, relay.ErrExists) {
		t.Fatalf("the same name and device again: %v", err)
	}
	Left(t, s, c.Address(), first)
	for _, ignored := range []relay.RawPrekey{NewPrekey(6), NewPrekey(7), none} {
		Publish(t, s, c.Address(), ignored)
		Left(t, s, c.Address(), first)
	}
	Publish(t, s, c.Address(), second)
	Left(t, s, c.Address(), second)
	Publish(t, s, c.Address(), first) // which comes again, late
	Left(t, s, c.Address(), second)
	last := NewPrekey(math.MaxUint32)
	Publish(t, s, c.Address(), last)
	Left(t, s, c.Address(), last)
	// A device need not have been registered here with a prekey.
	stranger := NewAddress("carol")
	Publish(t, s, stranger, second)
	Left(t, s, stranger, second)
}

func testOneTime(t *testing.T, s Store) {
	bob := NewAddress("bob")
	signed, ps := NewPrekey(1), NewPrekeys(2, 6)
	Take(t, s, bob, 2, false) // of nothing
	Publish(t, s, bob, signed, ps[:3]...)
	Left(t, s, bob, signed, ps[:3]...)
	Publish(t, s, bob, none, ps[3:]...)
	Left(t, s, bob, signed, ps...)
	for _, absent := range []crypto.PrekeyID{0, 1, 8, math.MaxUint32} {
		Take(t, s, bob, absent, false)
	}
	Take(t, s, bob, ps[2].ID, true) // any may be taken
	Take(t, s, bob, ps[2].ID, false)
	rest := append(append([]relay.RawPrekey{}, ps[:2]...), ps[3:]...)
	for i, p := range rest {
		Left(t, s, bob, signed, rest[i:]...)
		Take(t, s, bob, p.ID, true)
		Take(t, s, bob, p.ID, false)
	}
	Left(t, s, bob, signed)
	last := NewPrekey(math.MaxUint32)
	Publish(t, s, bob, none, last)
	Left(t, s, bob, signed, last)
	Take(t, s, bob, last.ID, true)
	Publish(t, s, bob, none, last)
	Left(t, s, bob, signed)
}

// testPublishedAgain: the answer to a publication was lost, and it comes again.
func testPublishedAgain(t *testing.T, s Store) {
	bob := NewAddress("bob")
	signed, ps := NewPrekey(1), NewPrekeys(2, 7)
	Publish(t, s, bob, signed, ps[:5]...)
	Publish(t, s, bob, signed, ps[:5]...)
	Left(t, s, bob, signed, ps[:5]...)
	Take(t, s, bob, ps[0].ID, true)
	Take(t, s, bob, ps[1].ID, true)
	Publish(t, s, bob, signed, ps[:5]...)
	Left(t, s, bob, signed, ps[2:5]...)
	Publish(t, s, bob, signed, ps...) // with new ones
	Left(t, s, bob, signed, ps[2:]...)
	Publish(t, s, bob, none, NewPrekeys(2, 7)...) // with other bytes
	Left(t, s, bob, signed, ps[2:]...)
	for _, p := range ps[2:] {
		Take(t, s, bob, p.ID, true)
	}
	Publish(t, s, bob, signed, ps...)
	Left(t, s, bob, signed)
	// In one call the order is no matter, nor that one stands twice.
	more := NewPrekeys(19, 3)
	Publish(t, s, bob, none, more[2], more[0], more[1], more[0])
	Left(t, s, bob, signed, more...)
}

func testStockLimit(t *testing.T, s Store) {
	bob := NewAddress("bob")
	const max = protocol.MaxPrekeyStock
	signed, ps := NewPrekey(1), NewPrekeys(2, max+10)
	Publish(t, s, bob, none, ps[:max-1]...)
	Publish(t, s, bob, none, ps[max-1:]...)
	Left(t, s, bob, none, ps[:max]...)
	Publish(t, s, bob, signed, ps[max]) // that there is no room is said of one-time prekeys alone
	Left(t, s, bob, signed, ps[:max]...)
	Take(t, s, bob, ps[max].ID, false)
	Take(t, s, bob, ps[0].ID, true)
	Take(t, s, bob, ps[1].ID, true)
	Publish(t, s, bob, none, ps...) // what was left out was never added
	Left(t, s, bob, signed, ps[2:max+2]...)
	Take(t, s, bob, ps[max+1].ID, true)
	Take(t, s, bob, ps[max+2].ID, false)
}

func testPrekeysApart(t *testing.T, s Store) {
	owners := []crypto.Address{
		{User: "bob"},
		{User: "bob", Device: crypto.DeviceID{0, 0, 0, 0, 0, 0, 0, 1}},
		{User: "bob", Device: crypto.DeviceID{255, 255, 255, 255, 255, 255, 255, 255}},
		{User: "bobb"},
		{User: "bo_"},
	}
	signed, ps := make([]relay.RawPrekey, len(owners)), make([][]relay.RawPrekey, len(owners))
	for i, o := range owners {
		signed[i], ps[i] = NewPrekey(1), NewPrekeys(2, 2)
		Publish(t, s, o, signed[i], ps[i]...)
	}
	for i, o := range owners {
		Left(t, s, o, signed[i], ps[i]...)
		Take(t, s, o, 2, true)
		Take(t, s, o, 3, true)
		Left(t, s, o, signed[i])
		for j := i + 1; j < len(owners); j++ {
			Left(t, s, owners[j], signed[j], ps[j]...)
		}
	}
}

func testUnsoundPrekeys(t *testing.T, s Store) {
	ctx, bob, good := context.Background(), NewAddress("bob"), NewPrekey(1)
	idAlone, bytesAlone := relay.RawPrekey{ID: 2}, relay.RawPrekey{Raw: good.Raw}
	for i, err := range []error{
		s.AddPrekeys(ctx, bob, idAlone, nil),
		s.AddPrekeys(ctx, bob, bytesAlone, nil),
		s.AddPrekeys(ctx, bob, good, []relay.RawPrekey{NewPrekey(2), {ID: 3}}),
		s.AddPrekeys(ctx, bob, good, []relay.RawPrekey{NewPrekey(2), bytesAlone}),
		s.AddPrekeys(ctx, crypto.Address{User: "b\x00b"}, good, nil),
		s.TakePrekey(ctx, crypto.Address{}, 1),
		s.CreateUser(ctx, NewCertificate("carol"), idAlone),
		s.CreateUser(ctx, NewCertificate("carol"), bytesAlone),
	} {
		if err == nil || errors.Is(err, relay.ErrConflict) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	Left(t, s, bob, none)
	if _, err := s.Prekeys(ctx, crypto.Address{User: "b\x00b"}); err == nil {
		t.Error("the prekeys of nobody were looked at")
	}
	if _, err := s.User(ctx, "carol"); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("a user whose prekey is none was stored: %v", err)
	}
}

// testTakers has many take from one stock, as relays do for those who ask,
// while its owner publishes, each time with all that was published before.
// Every prekey goes to one of them.
func testTakers(t *testing.T, s Store) {
	const takers, total, each = 16, 120, 30
	bob, ps := NewAddress("bob"), NewPrekeys(1, total)
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[crypto.PrekeyID]int{}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(taken)
	}
	wg.Go(func() {
		for n := each; n <= total; n += each {
			Publish(t, s, bob, none, ps[:n]...)
		}
	})
	for range takers {
		wg.Go(func() {
			for count() < total && !t.Failed() {
				got, err := s.Prekeys(context.Background(), bob)
				if err == nil && got.OneTime.ID != 0 {
					if want := ps[got.OneTime.ID-1]; !samePrekey(got.OneTime, want) {
						t.Errorf("prekey %d has other bytes", got.OneTime.ID)
					}
					err = s.TakePrekey(context.Background(), bob, got.OneTime.ID)
					if errors.Is(err, relay.ErrConflict) {
						continue
					}
				}
				if err != nil {
					t.Error(err)
				} else if got.OneTime.ID != 0 {
					mu.Lock()
					taken[got.OneTime.ID]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for id, n := range taken {
		if n != 1 {
			t.Errorf("prekey %d was taken %d times", id, n)
		}
	}
	Left(t, s, bob, none)
}

// testStockWhole looks at a stock while its only prekey comes and goes: what is
// seen was there at one moment.
func testStockWhole(t *testing.T, s Store) {
	const rounds, lookers = 500, 4
	bob := NewAddress("bob")
	ended := make(chan struct{})
	var wg sync.WaitGroup
	for range lookers {
		wg.Go(func() {
			for {
				got, err := s.Prekeys(context.Background(), bob)
				if err != nil || got.Left > 1 || (got.Left == 1) != (got.OneTime.ID != 0) {
					t.Errorf("%d left, the oldest is %d: %v", got.Left, got.OneTime.ID, err)
					return
				}
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	for i := range rounds {
		p := NewPrekey(crypto.PrekeyID(i + 1))
		Publish(t, s, bob, none, p)
		Take(t, s, bob, p.ID, true)
	}
	close(ended)
	wg.Wait()
}

// testPrekeyModel does the same, at random, to a stock and to slices.
func testPrekeyModel(t *testing.T, s Store) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	bob := NewAddress("bob")
	var signed relay.RawPrekey
	var left []relay.RawPrekey
	var highest crypto.PrekeyID
	id := func() crypto.PrekeyID { return max(1, highest+30-min(highest, crypto.PrekeyID(r.IntN(60)))) }
	for range 300 {
		if r.IntN(4) > 0 {
			var published relay.RawPrekey
			if r.IntN(2) > 0 {
				published = NewPrekey(id())
			}
			oneTime := NewPrekeys(id(), r.IntN(40))
			r.Shuffle(len(oneTime), func(i, j int) { oneTime[i], oneTime[j] = oneTime[j], oneTime[i] })
			Publish(t, s, bob, published, oneTime...)
			if published.ID > signed.ID {
				signed = published
			}
			slices.SortFunc(oneTime, func(a, b relay.RawPrekey) int { return cmp.Compare(a.ID, b.ID) })
			for _, p := range oneTime {
				if p.ID > highest && len(left) < protocol.MaxPrekeyStock {
					left, highest = append(left, p), p.ID
				}
			}
		} else {
			for range min(len(left), r.IntN(120)) {
				i := min(r.IntN(3), len(left)-1)
				Take(t, s, bob, left[i].ID, true)
				left = append(left[:i:i], left[i+1:]...)
			}
		}
		Left(t, s, bob, signed, left...)
	}
}
