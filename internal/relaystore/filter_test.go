package relaystore

import (
	"math"
	"math/rand/v2"
	"testing"
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
