package ratelimit

import (
	"hash/maphash"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of a table of buckets.
const (
	// shardCount lets as many callers in at a time.
	shardCount = 16
	// maxKeys bounds the buckets that are not full, in 3 MB for each limit:
	// more than a relay has connections. To hold that many at once, an attacker
	// has to spend from each of them all the time.
	maxKeys = 16 << 10
	// glances is how many others a newcomer looks at, to forget those that are
	// full. Above one, so that a table shrinks while it is used.
	glances = 4
)

// table keeps a bucket for each key that has a use for one.
type table[K comparable, B any] struct {
	fresh func() B
	idle  func(B, time.Time) bool // it is as a fresh one, and nobody holds it
	seed  maphash.Seed            // so that nobody can choose a shard
	most  int                     // buckets of a shard

	shards [shardCount]shard[K, B]
}

type shard[K comparable, B any] struct {
	mu      sync.Mutex // guards all of it, and what the buckets hold
	buckets map[K]B
	shared  B         // of the newcomers, when there is no room
	latest  time.Time // times come in no strict order; a bucket must not go back
}

func newTable[K comparable, B any](most int, fresh func() B, idle func(B, time.Time) bool) *table[K, B] {
	t := &table[K, B]{fresh: fresh, idle: idle, seed: maphash.MakeSeed(), most: most / shardCount}
	for i := range t.shards {
		t.shards[i] = shard[K, B]{buckets: map[K]B{}, shared: fresh()}
	}
	return t
}

// lock returns the shard of a key, locked, and the time for its buckets.
func (t *table[K, B]) lock(now time.Time, key K) (*shard[K, B], time.Time) {
	s := &t.shards[maphash.Comparable(t.seed, key)%shardCount]
	s.mu.Lock()
	if now.After(s.latest) {
		s.latest = now
	}
	return s, s.latest
}

// bucket returns that of a key. The shard is locked.
func (t *table[K, B]) bucket(s *shard[K, B], now time.Time, key K) B {
	if b, ok := s.buckets[key]; ok {
		return b
	}
	n := 0
	for k, b := range s.buckets { // in no order
		if n++; n > glances {
			break
		}
		if t.idle(b, now) {
			delete(s.buckets, k)
		}
	}
	if len(s.buckets) >= t.most {
		return s.shared
	}
	b := t.fresh()
	s.buckets[key] = b
	return b
}

// Keyed is a bucket for each key. The zero key is nobody's: it is always
// admitted.
type Keyed[K comparable] struct {
	rate  Rate
	table *table[K, *rate.Limiter]
}

// NewKeyed makes buckets of one rate.
func NewKeyed[K comparable](r Rate) *Keyed[K] {
	return &Keyed[K]{r, newTable[K](maxKeys, r.limiter, full)}
}

// full reports whether a bucket says nothing: a fresh one would do.
func full(l *rate.Limiter, now time.Time) bool {
	return l.Limit() == rate.Inf || l.TokensAt(now) >= float64(l.Burst())
}

// Allow takes one from the bucket of a key, or says when there will be one.
func (k *Keyed[K]) Allow(now time.Time, key K) (retryAfter time.Duration, ok bool) {
	var nobody K
	if k.rate.Off() || key == nobody {
		return 0, true
	}
	s, now := k.table.lock(now, key)
	defer s.mu.Unlock()
	return allow(k.table.bucket(s, now, key), now, 1)
}

// allow takes n, or says when there will be as many.
func allow(l *rate.Limiter, now time.Time, n int) (retryAfter time.Duration, ok bool) {
	if l.AllowN(now, n) {
		return 0, true
	}
	return until(l, now, float64(n)), false
}

// until is the time after which a bucket holds as many.
func until(l *rate.Limiter, now time.Time, tokens float64) time.Duration {
	missing := tokens - l.TokensAt(now)
	return time.Duration(math.Ceil(max(0, missing) / float64(l.Limit()) * float64(time.Second)))
}

// Bucket is one bucket, for the relay as a whole.
type Bucket struct {
	mu     sync.Mutex // guards what follows
	limit  *rate.Limiter
	latest time.Time
}

// NewBucket makes a full bucket.
func NewBucket(r Rate) *Bucket { return &Bucket{limit: r.limiter()} }

// Allow takes one, or says when there will be one.
func (b *Bucket) Allow(now time.Time) (retryAfter time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.After(b.latest) {
		b.latest = now
	}
	return allow(b.limit, b.latest, 1)
}
