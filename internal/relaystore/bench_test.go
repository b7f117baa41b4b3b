package relaystore

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// size is that of the messages below.
const size = 256

func openBench(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.TempDir(), Options{Limits: relay.MailboxLimits{Entries: 1 << 40, Bytes: 1 << 50}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closeStore(b, s) })
	return s
}

// messages makes n for one mailbox.
func messages(to crypto.Address, n int) []relay.Delivery {
	ds := make([]relay.Delivery, n)
	for i := range ds {
		e := storetest.NewEntry(relay.KindMessage, alice, 0)
		e.Data = make([]byte, size)
		ds[i] = relay.Delivery{To: to, Entry: e}
	}
	return ds
}

// fillUp has writers put n messages into mailboxes of their own, in batches,
// and wait for each batch.
func fillUp(b *testing.B, s *Store, n, writers, batch int, then func(to crypto.Address, last uint64) error) {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			to := storetest.NewAddress("bob")
			for left.Add(-int64(batch)) > -int64(batch) {
				a, err := s.Append(context.Background(), messages(to, batch))
				if err == nil {
					err = a.Wait()
				}
				if err == nil && then != nil {
					err = then(to, a.Seqs[batch-1])
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkAppend has 64 writers make messages durable, each in a mailbox of
// its own, some at a time.
func BenchmarkAppend(b *testing.B) {
	for _, batch := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			s := openBench(b)
			b.ResetTimer()
			fillUp(b, s, b.N, 64, batch, nil)
			perSecond(b)
		})
	}
}

// BenchmarkAppendConsumed deletes them again as a recipient would.
func BenchmarkAppendConsumed(b *testing.B) {
	s := openBench(b)
	b.ResetTimer()
	fillUp(b, s, b.N, 64, 1, func(to crypto.Address, last uint64) error {
		if last%16 != 0 {
			return nil
		}
		return s.Delete(context.Background(), to, last)
	})
	perSecond(b)
}

// BenchmarkAppendMillion appends to a store in which a million messages wait,
// and have been sorted.
func BenchmarkAppendMillion(b *testing.B) {
	s := openBench(b)
	fillUp(b, s, 1_000_000, 1000, 64, nil)
	for m := s.db.Metrics(); m.Compact.NumInProgress+m.Flush.NumInProgress > 0; m = s.db.Metrics() {
		runtime.Gosched()
	}
	b.ResetTimer()
	fillUp(b, s, b.N, 64, 1, nil)
	perSecond(b)
}

// BenchmarkAppendAlone has one writer wait for each message.
func BenchmarkAppendAlone(b *testing.B) {
	s := openBench(b)
	b.ResetTimer()
	fillUp(b, s, b.N, 1, 1, nil)
}

// BenchmarkDrain reads and deletes what waits, page by page, of some mailboxes
// at a time.
func BenchmarkDrain(b *testing.B) {
	const page = 128
	for _, readers := range []int{1, 8} {
		b.Run(fmt.Sprint(readers), func(b *testing.B) {
			s := openBench(b)
			owners := make([]crypto.Address, readers)
			for i := range owners {
				owners[i] = storetest.NewAddress("bob")
				for n := 0; n < b.N/readers; n += 500 {
					storetest.Put(b, s, owners[i], entriesOf(messages(owners[i], 500))...)
				}
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for _, owner := range owners {
				wg.Go(func() {
					for last := uint64(0); ; {
						got, err := s.Read(context.Background(), owner, last, page, 1<<20)
						if err == nil && len(got) > 0 {
							last = got[len(got)-1].Seq
							err = s.Delete(context.Background(), owner, last)
						}
						if err != nil {
							b.Error(err)
						}
						if err != nil || len(got) == 0 {
							return
						}
					}
				})
			}
			wg.Wait()
			perSecond(b)
		})
	}
}

func entriesOf(ds []relay.Delivery) (entries []relay.Entry) {
	for _, d := range ds {
		entries = append(entries, d.Entry)
	}
	return entries
}
