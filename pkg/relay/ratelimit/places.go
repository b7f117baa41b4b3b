package ratelimit

import "sync"

// Places counts how many of each key there are at a time. It holds no more
// keys than have entered and not left. The zero key is nobody's: it always
// finds a place.
type Places[K comparable] struct {
	most int64

	mu    sync.Mutex // guards what follows
	taken map[K]int64
}

// NewPlaces makes so many places for each key.
func NewPlaces[K comparable](most int64) *Places[K] {
	return &Places[K]{most: most, taken: map[K]int64{}}
}

// Enter finds a place. Whoever has found one must Leave.
func (p *Places[K]) Enter(key K) bool {
	var nobody K
	if key == nobody {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[key] >= p.most {
		return false
	}
	p.taken[key]++
	return true
}

// Leave gives the place of one who has entered to others.
func (p *Places[K]) Leave(key K) {
	var nobody K
	if key == nobody {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[key]--; p.taken[key] <= 0 {
		delete(p.taken, key)
	}
}
