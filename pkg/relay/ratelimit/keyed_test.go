package ratelimit

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed[Address](Rate{30, time.Hour, 2})
		for range 2 {
			if _, ok := k.Allow(time.Now(), 1); !ok {
				t.Fatal("refused within the burst")
			}
		}
		retry, ok := k.Allow(time.Now(), 1)
		if ok || retry != 2*time.Minute {
			t.Fatalf("above the burst: %v, %v", retry, ok)
		}
		if _, ok := k.Allow(time.Now(), 2); !ok {
			t.Fatal("refused for what another has done")
		}
		time.Sleep(retry - 1)
		if _, ok := k.Allow(time.Now(), 1); ok {
			t.Fatal("admitted before the time it was told")
		}
		time.Sleep(time.Nanosecond)
		if _, ok := k.Allow(time.Now(), 1); !ok {
			t.Fatal("refused at the time it was told")
		}
	})
}

// Nobody, and no limit, is always admitted.
func TestAlwaysAdmitted(t *testing.T) {
	now := time.Now()
	few, all := NewKeyed[Address](Rate{1, day, 1}), NewKeyed[Address](Rate{})
	places := NewPlaces[Address](1)
	bucket := NewBucket(Rate{})
	for range 100 {
		_, nobody := few.Allow(now, 0)
		_, off := all.Allow(now, 1)
		_, whole := bucket.Allow(now)
		if !nobody || !off || !whole || !places.Enter(0) {
			t.Fatal("refused")
		}
	}
	for range 101 {
		places.Leave(0)
	}
}

// Whatever comes when, from whomever, and in whatever order the times of
// several callers arrive: no key gets more than its rate and burst, and each
// is admitted after the time that it was told.
func TestNeverMore(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		r := Rate{1 + random.Int64N(50), periods[random.IntN(len(periods))].per, 1 + random.Int64N(20)}
		k := NewKeyed[Address](r)
		step := r.Per / time.Duration(r.Count)
		start := time.Now()
		now := start
		admitted := map[Address]float64{}
		for range 2000 {
			now = now.Add(time.Duration(random.Int64N(int64(step) / 8))) // too fast by far
			if random.IntN(50) == 0 {
				now = now.Add(step * time.Duration(random.Int64N(2*r.Burst)))
			}
			back := now.Add(-time.Duration(random.Int64N(int64(step)))) // another caller's, late
			if back.Before(start) {
				back = start
			}
			key := 1 + Address(random.IntN(3))
			retry, ok := k.Allow([]time.Time{now, back}[random.IntN(2)], key)
			if ok {
				admitted[key]++
				most := float64(r.Burst) + now.Sub(start).Seconds()*r.PerSecond()
				if admitted[key] > most+1e-6 {
					t.Fatalf("seed %d: %g admitted at %s after %v, not %g", seed, admitted[key], r.format(things), now.Sub(start), most)
				}
				continue
			}
			if random.IntN(4) == 0 {
				now = now.Add(retry)
				if _, ok := k.Allow(now, key); !ok {
					t.Fatalf("seed %d: refused at the time it was told", seed)
				}
				admitted[key]++
			}
		}
	}
}

// An attacker with 262,144 networks costs a known amount of memory, resets
// nobody's bucket, and shares one with newcomers, all of them at its rate.
func TestManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed[Address](Rate{1, time.Hour, 2})
		now := time.Now()
		const victim = 1
		for range 2 {
			k.Allow(now, victim)
		}
		admitted := 0
		for i := range Address(1 << 18) {
			if _, ok := k.Allow(now, 2+i); ok {
				admitted++
			}
		}
		if n := held(k); n > maxKeys {
			t.Errorf("%d buckets, over %d", n, maxKeys)
		}
		if most := maxKeys + 2*shardCount; admitted > most {
			t.Errorf("%d admitted, not %d", admitted, most)
		}
		if _, ok := k.Allow(now, victim); ok {
			t.Error("a bucket was reset")
		}
		// Once they are full, newcomers have buckets of their own.
		time.Sleep(2 * time.Hour)
		for i := range Address(1000) {
			if _, ok := k.Allow(time.Now(), 1<<40+i); !ok {
				t.Fatal("refused after the attack")
			}
		}
	})
}

// What nobody needs any more goes, while others come.
func TestForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed[Address](Rate{1, time.Second, 1})
		for i := range Address(maxKeys / 2) {
			k.Allow(time.Now(), 1+i)
		}
		time.Sleep(time.Second)
		for i := range Address(maxKeys / 4) {
			k.Allow(time.Now(), 1<<40+i)
		}
		if n := held(k); n > maxKeys*3/8 {
			t.Errorf("%d buckets, of which %d say something", n, maxKeys/4)
		}
	})
}

func held(k *Keyed[Address]) (n int) {
	for i := range k.table.shards {
		n += len(k.table.shards[i].buckets)
	}
	return n
}

func TestBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBucket(Rate{1, time.Second, 200})
		for range 200 {
			if _, ok := b.Allow(time.Now()); !ok {
				t.Fatal("refused within the burst")
			}
		}
		retry, ok := b.Allow(time.Now())
		if ok || retry != time.Second {
			t.Fatalf("above the burst: %v, %v", retry, ok)
		}
		time.Sleep(2 * retry)
		for _, late := range []time.Duration{0, time.Second} {
			if _, ok := b.Allow(time.Now().Add(-late)); !ok {
				t.Fatal("refused, with one there")
			}
		}
		if _, ok := b.Allow(time.Now()); ok {
			t.Error("a late caller has set the bucket back")
		}
	})
}

func TestPlaces(t *testing.T) {
	p := NewPlaces[Address](3)
	var wg sync.WaitGroup
	entered := make(chan bool, 100)
	for range 100 {
		wg.Go(func() { entered <- p.Enter(7) })
	}
	wg.Wait()
	n := 0
	for range 100 {
		if <-entered {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d places for 3", n)
	}
	if !p.Enter(8) {
		t.Error("another finds no place")
	}
	p.Leave(7)
	if !p.Enter(7) || p.Enter(7) {
		t.Error("one has left: there is one place")
	}
	for range 3 {
		p.Leave(7)
	}
	p.Leave(8)
	if len(p.taken) > 0 {
		t.Errorf("all have left, and there is %v", p.taken)
	}
}

func BenchmarkKeyed(b *testing.B) {
	k := NewKeyed[Address](Rate{1 << 40, time.Second, 1 << 30})
	now := time.Now()
	b.ReportAllocs()
	i := Address(0)
	for b.Loop() {
		now = now.Add(time.Microsecond)
		i++
		k.Allow(now, 1+i%1000)
	}
}

// The cost of those that an attacker brings, each once.
func BenchmarkKeyedNewcomers(b *testing.B) {
	k := NewKeyed[Address](Rate{1, time.Hour, 2})
	now := time.Now()
	b.ReportAllocs()
	i := Address(0)
	for b.Loop() {
		i++
		k.Allow(now, i)
	}
}
