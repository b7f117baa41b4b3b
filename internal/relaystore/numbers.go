package relaystore

import (
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"
)

// numbers are the sequence numbers that the writer gives.
type numbers struct {
	next uint64
	end  uint64 // reserved are the numbers below
}

// reserved reads the reservation. Numbers begin with 1, for 0 means none.
func (s *Store) reserved() (uint64, error) {
	n, err := s.getUint64([]byte{tableNumbers})
	return max(n, 1), err
}

// nextNumber gives a number that was never given before.
func (w *writer) nextNumber() uint64 {
	n := &w.numbers
	if n.next == n.end {
		n.end += w.s.block
		w.must(w.s.db.Set([]byte{tableNumbers}, numberValue(n.end), pebble.Sync))
	}
	n.next++
	return n.next - 1
}

func numberValue(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
