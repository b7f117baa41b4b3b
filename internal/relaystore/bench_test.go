package relaystore

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// BenchmarkAppend has 64 writers make 256-byte messages durable, each in a
// mailbox of its own, and delete them again as a recipient would.
func BenchmarkAppend(b *testing.B) {
	for name, consume := range map[string]bool{"kept": false, "consumed": true} {
		b.Run(name, func(b *testing.B) { benchmarkAppend(b, consume) })
	}
}

func benchmarkAppend(b *testing.B, consume bool) {
	const writers, size = 64, 256
	s, err := Open(b.TempDir(), Options{Limits: relay.MailboxLimits{Entries: 1 << 40, Bytes: 1 << 50}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			owner := storetest.NewAddress("bob")
			for i := 0; left.Add(-1) >= 0; i++ {
				e := storetest.NewEntry(relay.KindMessage, alice, 0)
				e.ID = crypto.NewMessageID()
				e.Data = make([]byte, size)
				a, err := s.Append(context.Background(), []relay.Delivery{{To: owner, Entry: e}})
				if err == nil {
					err = a.Wait()
				}
				if err == nil && consume && i%16 == 15 {
					err = s.Delete(context.Background(), owner, a.Seqs[0])
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
