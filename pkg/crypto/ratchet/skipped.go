package ratchet

import (
	"slices"
	"time"

	"secure-messaging/pkg/crypto"
)

// Limits of what a state keeps for messages that were overtaken.
const (
	// MaxSkip bounds how far a message may lie ahead in its chain, and how
	// much of the chain before may be missing: a peer that says more makes
	// work. The relay keeps order, so anything near it is loss.
	MaxSkip = 1000
	// MaxSkipped bounds the keys that are kept, 150 KB; the oldest go first.
	MaxSkipped = 2000
	// SkippedLifetime is how long a key is kept: as long as a relay keeps a
	// message. A key that stays opens a message that was caught on its way.
	SkippedLifetime = 30 * 24 * time.Hour
)

// skippedKey opens one message that has not come yet.
type skippedKey struct {
	chain   [crypto.KeySize]byte // of the sender
	number  uint32
	since   int64 // seconds since 1970, by the own clock
	message key
}

// skip notes the keys of a chain from number n to before end, and returns the
// key behind them.
func (s *state) skip(chain key, n, end uint32, sender [crypto.KeySize]byte, now int64) key {
	for ; n < end; n++ {
		var message key
		message, chain = chainStep(chain)
		s.skipped = append(s.skipped, skippedKey{sender, n, now, message})
	}
	return chain
}

// findSkipped returns the place of a message's key, or -1.
func (s *state) findSkipped(h *header) int {
	return slices.IndexFunc(s.skipped, func(k skippedKey) bool { return k.number == h.number && k.chain == h.key })
}

// prune forgets the keys that are too old or too many. They lie in the order
// in which they were noted.
func (s *state) prune(now int64) {
	oldest := now - int64(SkippedLifetime/time.Second)
	s.skipped = slices.DeleteFunc(s.skipped, func(k skippedKey) bool { return k.since < oldest })
	if n := len(s.skipped) - MaxSkipped; n > 0 {
		s.skipped = slices.Delete(s.skipped, 0, n) // clears what it moves away from
	}
}
