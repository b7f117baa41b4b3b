package relay_test

import (
	"context"
	"sync"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// hooks is a store that tells a test what is about to happen to it. A hook may
// wait for as long as it likes.
type hooks struct {
	relay.Mailboxes

	mu      sync.Mutex
	append  func([]relay.Delivery) error // before each Append, which fails if it does
	read    func(crypto.Address)         // before each Read
	wasRead func(crypto.Address)         // after it, before the relay gets what was read
	appends int                          // calls so far
	reads   int
}

func (h *hooks) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	h.mu.Lock()
	h.appends++
	hook := h.append
	h.mu.Unlock()
	if hook != nil {
		if err := hook(ds); err != nil {
			return relay.Appended{}, err
		}
	}
	return h.Mailboxes.Append(ctx, ds)
}

func (h *hooks) Read(ctx context.Context, owner crypto.Address, after uint64, max, maxBytes int) ([]relay.Stored, error) {
	h.mu.Lock()
	h.reads++
	before, behind := h.read, h.wasRead
	h.mu.Unlock()
	if before != nil {
		before(owner)
	}
	entries, err := h.Mailboxes.Read(ctx, owner, after, max, maxBytes)
	if behind != nil {
		behind(owner)
	}
	return entries, err
}

// onAppend sets the hook of Append, nil for none.
func (h *hooks) onAppend(hook func([]relay.Delivery) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.append = hook
}

// stallRead makes the reads of a mailbox wait: the first closes reached, and all
// go on once pass is called.
func (h *hooks) stallRead(t *testing.T, owner crypto.Address) (reached <-chan struct{}, pass func()) {
	at, on := make(chan struct{}), make(chan struct{})
	var first, last sync.Once
	pass = func() { last.Do(func() { close(on) }) }
	t.Cleanup(pass) // or the relay never ends
	h.mu.Lock()
	defer h.mu.Unlock()
	h.read = func(who crypto.Address) {
		if who == owner {
			first.Do(func() { close(at) })
			<-on
		}
	}
	return at, pass
}

// calls says how often Append and Read were called.
func (h *hooks) calls() (appends, reads int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.appends, h.reads
}

// hooked changes a relay's configuration so that h is its store.
func hooked(h *hooks) func(*relay.Config) {
	return func(c *relay.Config) {
		h.Mailboxes = c.Mailboxes
		c.Mailboxes = h
	}
}

func newHookedWorld(t *testing.T) (*world, *hooks) {
	h := &hooks{}
	return newWorld(t, hooked(h)), h
}
