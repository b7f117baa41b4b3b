package relaystore

import (
	"encoding/binary"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// numbers gives sequence numbers.
type numbers struct {
	mu   sync.Mutex // guards what follows; held during the fsync of a reservation
	next uint64
	end  uint64 // reserved are the numbers below
}

// reserved reads the reservation. Numbers begin with 1, for 0 means none.
func (s *Store) reserved() (uint64, error) {
	n, err := s.getUint64([]byte{tableNumbers})
	return max(n, 1), err
}

// nextNumber gives a number that was never given before.
func (s *Store) nextNumber() (uint64, error) {
	n := &s.numbers
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == n.end {
		end := n.end + s.block
		value := binary.BigEndian.AppendUint64(nil, end)
		if err := s.db.Set([]byte{tableNumbers}, value, pebble.Sync); err != nil {
			return 0, err
		}
		n.end = end
	}
	n.next++
	return n.next - 1, nil
}
