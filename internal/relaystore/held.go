package relaystore

import (
	"context"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"

	"secure-messaging/pkg/relay"
)

// held is what waits in all mailboxes, for those who look from outside. The
// writer alone changes it.
type held struct{ entries, bytes atomic.Int64 }

func (h *held) add(entries, bytes uint64) {
	h.entries.Add(int64(entries))
	h.bytes.Add(int64(bytes))
}

func (h *held) remove(u relay.MailboxUse) {
	h.entries.Add(-int64(u.Entries + u.Receipts))
	h.bytes.Add(-int64(u.Bytes))
}

// Held is what a store holds.
type Held struct {
	Entries   int64  `json:"entries"`   // that wait in all mailboxes, receipts among them
	Bytes     int64  `json:"bytes"`     // of their sealed data
	Files     uint64 `json:"files"`     // bytes, with a little for each file
	MaxBytes  uint64 `json:"maxBytes"`  // of mailboxes, with a little for each entry
	MaxFiles  uint64 `json:"maxFiles"`  // of files, counted alike
	DiskFree  uint64 `json:"diskFree"`  // bytes
	DiskUsage uint64 `json:"diskUsage"` // bytes of the store's tables and logs
}

// Held looks at what the store holds. The disk's free space is 0 if it cannot be
// told.
func (s *Store) Held() Held {
	h := Held{Entries: s.held.entries.Load(), Bytes: s.held.bytes.Load(), MaxBytes: s.max, MaxFiles: s.files.max}
	s.files.mu.Lock()
	h.Files = s.files.used
	s.files.mu.Unlock()
	if usage, err := s.fs.GetDiskUsage(s.dir); err == nil {
		h.DiskFree = usage.AvailBytes
	}
	if m := s.metrics(); m != nil {
		h.DiskUsage = m.DiskSpaceUsage()
	}
	return h
}

// Fsyncs returns how long the fsyncs of the log took, in nanoseconds; nil if that
// cannot be told any more.
func (s *Store) Fsyncs() prometheus.Metric {
	if m := s.metrics(); m != nil {
		return m.LogWriter.FsyncLatency
	}
	return nil
}

// metrics are Pebble's. A store that has failed may hold its locks for good.
func (s *Store) metrics() *pebble.Metrics {
	var m *pebble.Metrics
	err := s.do(context.Background(), func() error {
		m = s.db.Metrics()
		return nil
	})
	if err != nil {
		return nil
	}
	return m
}
