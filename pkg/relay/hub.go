package relay

import (
	"sync"

	"secure-messaging/pkg/crypto"
)

// hub says which devices are connected here. It decides nothing: a device
// that is not in it may be connected to another relay on the same store.
type hub struct {
	mu    sync.RWMutex
	conns map[crypto.Address]*conn
}

func newHub() *hub { return &hub{conns: map[crypto.Address]*conn{}} }

// claim makes c the connection of its device, unless that is not old any more,
// which is nil for none.
func (h *hub) claim(c, old *conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conns[c.me] != old {
		return false
	}
	h.conns[c.me] = c
	return true
}

// release forgets c, unless another has taken over.
func (h *hub) release(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conns[c.me] == c {
		delete(h.conns, c.me)
	}
}

// nudge tells a device's connection that its mailbox has grown.
func (h *hub) nudge(a crypto.Address) {
	if c := h.find(a); c != nil {
		c.nudge()
	}
}

// runLow tells a device's connection that its prekeys run low.
func (h *hub) runLow(a crypto.Address) {
	if c := h.find(a); c != nil {
		c.tellStock()
	}
}

// find returns the connection of a device, nil if it is not here.
func (h *hub) find(a crypto.Address) *conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.conns[a]
}
