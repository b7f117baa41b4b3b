package relaystore

import (
	"math"
	"math/rand/v2"
	"testing"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
)

// TestFilter adds hashes and forgets them from the front. What is held is always
// claimed, and little of what is not.
func TestFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var f filter
	var held []uint64 // hashes, by number
	first, bytes := uint64(1), 0
	for step := range 60 {
		for range r.IntN(3000) {
			h := r.Uint64()
			bytes += f.add(h, first+uint64(len(held)), uint64(len(held)))
			held = append(held, h)
		}
		for i, h := range held {
			if !f.has(h) {
				t.Fatalf("step %d: number %d is forgotten", step, first+uint64(i))
			}
		}
		wrong := 0
		for range 10_000 {
			if f.has(r.Uint64()) {
				wrong++
			}
		}
		if wrong > 10_000/50 {
			t.Fatalf("step %d: %d of 10000 claims are false, with %d layers", step, wrong, len(f))
		}
		gone := min(len(held), r.IntN(3000))
		first += uint64(gone)
		held = held[gone:]
		bytes -= f.forget(first - 1)
		if room := 64 * filterBits / 8; bytes < 2*len(held) || bytes > 100*room+20*len(held) {
			t.Fatalf("step %d: %d bytes for %d", step, bytes, len(held))
		}
	}
	if bytes -= f.forget(math.MaxUint64); bytes != 0 || len(f) != 0 {
		t.Errorf("%d bytes in %d layers are left of nothing", bytes, len(f))
	}
}

// TestTrim has more mailboxes at hand than the writer may, and then more in
// their filters.
func TestTrim(t *testing.T) {
	w := &writer{boxes: map[crypto.Address]*openBox{}}
	open := func() *openBox {
		x := &openBox{owner: storetest.NewAddress("bob")}
		w.boxes[x.owner] = x
		return x
	}
	for range maxOpenBoxes + 10 {
		w.filters += open().known.add(1, 1, 0)
	}
	w.trim()
	if n := len(w.boxes); n != maxOpenBoxes {
		t.Fatalf("%d mailboxes are at hand", n)
	}
	for w.filters <= maxFilters {
		w.filters += open().known.add(1, 1, maxLayer)
	}
	w.trim()
	size := 0
	for _, x := range w.boxes {
		for _, l := range x.known {
			size += len(l.bits) * 8
		}
	}
	if size != w.filters || size > maxFilters || size < maxFilters/2 {
		t.Errorf("%d bytes in filters, counted as %d", size, w.filters)
	}
}
