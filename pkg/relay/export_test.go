package relay

import "fmt"

// Leftovers says what a relay still holds after all its connections have
// ended; empty if its books are even.
func (r *Relay) Leftovers() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if r.sockets == 0 && r.pending == 0 && len(r.conns) == 0 && len(r.hub.conns) == 0 {
		return ""
	}
	return fmt.Sprintf("%d sockets, %d pending, %d connections, %d devices",
		r.sockets, r.pending, len(r.conns), len(r.hub.conns))
}
