package storetest

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// What the writers put in is several times what a mailbox holds.
const (
	writers   = 8
	perWriter = 40
)

// write has many append to one mailbox. An entry without room is tried again,
// for somebody may be deleting. It returns when all are in.
func write(t *testing.T, m relay.Mailboxes, owner crypto.Address, stop <-chan struct{}) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			from := crypto.Address{User: "writer", Device: crypto.DeviceID{byte(w)}}
			for i := 0; i < perWriter; {
				e := NewEntry(relay.KindMessage, from, 1)
				e.Data[0] = byte(i)
				seqs, err := put(m, []relay.Delivery{{To: owner, Entry: e}})
				if err != nil {
					t.Error(err)
					return
				}
				if seqs[0] != 0 {
					i++
					continue
				}
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
}

// testSameAtOnce has many append the same entry at the same time, as the relays
// do to which one sender has sent it again. It is stored once, and all hear the
// same number.
func testSameAtOnce(t *testing.T, m relay.Mailboxes) {
	const rounds = 50
	bob := NewAddress("bob")
	var entries []relay.Entry
	for range rounds {
		e := NewEntry(relay.KindMessage, alice, 1)
		entries = append(entries, e)
		var wg sync.WaitGroup
		var seqs [writers]uint64
		for w := range writers {
			wg.Go(func() {
				got, err := put(m, []relay.Delivery{{To: bob, Entry: e}})
				if err != nil {
					t.Error(err)
					return
				}
				seqs[w] = got[0]
			})
		}
		wg.Wait()
		for _, seq := range seqs {
			if seq == 0 || seq != seqs[0] {
				t.Fatalf("the same entry got %v", seqs)
			}
		}
	}
	holds(t, m, bob, entries...)
}

// testDeletersAtOnce has many empty one mailbox at the same time, as a device
// does that acks the same over two connections. What they count is right.
func testDeletersAtOnce(t *testing.T, m relay.Mailboxes) {
	const rounds = 30
	bob := NewAddress("bob")
	for range rounds {
		var entries []relay.Entry
		for range int(Limits.Entries) {
			entries = append(entries, NewEntry(relay.KindMessage, alice, 1))
		}
		seqs := Put(t, m, bob, entries...)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				if err := m.Delete(context.Background(), bob, seqs[len(seqs)/2+w]); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		left := entries[len(entries)/2+writers:]
		holds(t, m, bob, left...)
		if n := len(fill(t, m, bob, relay.KindMessage, 1)); n != len(entries)-len(left) {
			t.Fatalf("room for %d beside %d", n, len(left))
		}
		remove(t, m, bob, math.MaxUint64)
	}
}

// testReader reads behind the writers and never looks back. What it has got in
// the end must be all there is: nothing appeared behind it.
func testReader(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	stop := make(chan struct{})
	close(stop)
	written := make(chan struct{})
	go func() {
		defer close(written)
		write(t, m, bob, stop)
	}()
	var got []relay.Stored
	last := uint64(0)
	for ended := false; ; {
		page := read(t, m, bob, last, 3, 1<<20)
		for _, s := range page {
			if s.Seq <= last {
				t.Fatalf("number %d after %d", s.Seq, last)
			}
			last = s.Seq
		}
		got = append(got, page...)
		if len(page) == 0 && ended {
			break
		}
		select {
		case <-written:
			ended = true
		default:
		}
	}
	all := All(t, m, bob)
	if len(all) != int(Limits.Entries) {
		t.Fatalf("the mailbox holds %d", len(all))
	}
	if len(got) != len(all) {
		t.Fatalf("the reader saw %d of %d", len(got), len(all))
	}
	for i := range all {
		if got[i].Seq != all[i].Seq || !sameEntry(got[i].Entry, all[i].Entry) {
			t.Fatalf("entry %d is another one now", i)
		}
	}
}

// testConsumer takes out what the writers put in: each entry once, and those
// of one writer in its order.
func testConsumer(t *testing.T, m relay.Mailboxes) {
	bob := NewAddress("bob")
	stop := make(chan struct{})
	var written sync.WaitGroup
	written.Go(func() { write(t, m, bob, stop) })
	defer written.Wait()
	defer close(stop)
	var next [writers]byte
	last := uint64(0)
	for taken := 0; taken < writers*perWriter; {
		page := read(t, m, bob, last, 5, 1<<20)
		for _, s := range page {
			w := s.From.Device[0]
			if s.Seq <= last || s.Data[0] != next[w] {
				t.Fatalf("writer %d: entry %d as number %d after %d, want entry %d", w, s.Data[0], s.Seq, last, next[w])
			}
			last = s.Seq
			next[w]++
		}
		taken += len(page)
		remove(t, m, bob, last)
		if t.Failed() {
			return
		}
	}
	holds(t, m, bob)
}

// testModel does the same, at random, to the mailboxes and to slices.
func testModel(t *testing.T, m relay.Mailboxes) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	owners := []crypto.Address{NewAddress("bob"), NewAddress("bob"), NewAddress("carol")}
	model := map[crypto.Address]*modelBox{}
	for _, o := range owners {
		model[o] = &modelBox{}
	}
	var pool []relay.Entry // few, so that many come again
	for range 30 {
		kind := relay.Kind(1 + r.IntN(5))
		size := r.IntN(int(Limits.Bytes) / 3)
		if kind.IsReceipt() {
			size = 0
		}
		pool = append(pool, NewEntry(kind, alice, size))
	}
	for step := range 400 {
		owner := owners[r.IntN(len(owners))]
		x := model[owner]
		if r.IntN(3) > 0 {
			var ds []relay.Delivery
			for range 1 + r.IntN(4) {
				ds = append(ds, relay.Delivery{To: owners[r.IntN(len(owners))], Entry: pool[r.IntN(len(pool))]})
			}
			seqs, err := put(m, ds)
			if err != nil {
				t.Fatal(err)
			}
			for i, d := range ds {
				if err := model[d.To].put(d.Entry, seqs[i]); err != "" {
					t.Fatalf("step %d: %s", step, err)
				}
			}
		} else if upTo := x.last; upTo > 0 {
			upTo -= min(upTo, uint64(r.IntN(6)))
			remove(t, m, owner, upTo)
			x.remove(upTo)
		}
		var want []relay.Entry
		for _, s := range x.entries {
			want = append(want, s.Entry)
		}
		holds(t, m, owner, want...)
	}
}

// modelBox is a mailbox without any art.
type modelBox struct {
	entries []relay.Stored
	last    uint64
}

// put checks a number that the store gave, and says what is wrong with it.
func (x *modelBox) put(e relay.Entry, seq uint64) string {
	var use relay.MailboxUse
	for _, s := range x.entries {
		if s.Key() == e.Key() {
			if s.Seq != seq {
				return "a known entry got another number"
			}
			return ""
		}
		use.Add(s.Entry)
	}
	if fits := Limits.Admits(use, e); fits != (seq != 0) {
		return "the limits were not kept"
	}
	if seq == 0 {
		return ""
	}
	if seq <= x.last {
		return "a number did not rise"
	}
	x.last = seq
	x.entries = append(x.entries, relay.Stored{Seq: seq, Entry: e})
	return ""
}

func (x *modelBox) remove(upTo uint64) {
	for len(x.entries) > 0 && x.entries[0].Seq <= upTo {
		x.entries = x.entries[1:]
	}
}
