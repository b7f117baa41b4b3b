package faultproxy

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// in runs a link between two pipes under a clock of its own.
func in(t *testing.T, fate Fate, do func(client, relay net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, atClient := net.Pipe()
		relay, atRelay := net.Pipe()
		l := newLink(atClient, atRelay, fate, rand.New(rand.NewPCG(1, 2)), new(counts))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			l.run(context.Background())
		}()
		do(client, relay)
		client.Close()
		relay.Close()
		<-ended
	})
}

func TestRate(t *testing.T) {
	in(t, Fate{Rate: 1000}, func(client, relay net.Conn) {
		began := time.Now()
		go client.Write(make([]byte, 10_000))
		if _, err := io.ReadFull(relay, make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("10,000 bytes at 1000 a second took %v", took)
		}
	})
}

func TestDelay(t *testing.T) {
	const most, pieces = 10 * time.Millisecond, 100
	in(t, Fate{Delay: most}, func(client, relay net.Conn) {
		began, seen := time.Now(), map[time.Duration]bool{}
		for range pieces {
			sent := time.Now()
			go client.Write([]byte("x"))
			if _, err := io.ReadFull(relay, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			seen[time.Since(sent)] = true
		}
		if took := time.Since(began); took < pieces*most/4 || took > pieces*most*3/4 || len(seen) < pieces/2 {
			t.Errorf("%d pieces took %v, with %d different delays", pieces, took, len(seen))
		}
	})
}

func TestHold(t *testing.T) {
	in(t, Fate{Fault: Silent, After: 1, Hold: time.Minute}, func(client, relay net.Conn) {
		began := time.Now()
		go client.Write([]byte("x"))
		if b, err := io.ReadAll(relay); string(b) != "x" || err != nil {
			t.Errorf("the relay sees %q, %v", b, err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it was reset after %v", took)
		}
	})
}

// A wait of a slow connection does not hold up its end.
func TestEndInterruptsAWait(t *testing.T) {
	in(t, Fate{Rate: 1}, func(client, relay net.Conn) {
		began := time.Now()
		client.Write(make([]byte, 1000))
		synctest.Wait()
		relay.Close()
		io.ReadAll(client)
		if took := time.Since(began); took > 2*parting {
			t.Errorf("it took %v", took)
		}
	})
}

func TestRoughIsTheSameForTheSameSeed(t *testing.T) {
	a, b := rand.New(rand.NewPCG(7, 7)), rand.New(rand.NewPCG(7, 7))
	kinds := map[Fault]int{}
	for range 1000 {
		f := Rough(a)
		if f != Rough(b) {
			t.Fatal("two draws of one seed differ")
		}
		if f.Fault != None && (f.After < minAfter || f.After > maxAfter || f.Hold < minHold || f.Hold > maxHold) {
			t.Errorf("%+v", f)
		}
		kinds[f.Fault]++
	}
	if len(kinds) != int(faults) {
		t.Errorf("of a thousand, %v", kinds)
	}
}
