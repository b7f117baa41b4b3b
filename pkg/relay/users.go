package relay

import (
	"context"
	"sync"

	"secure-messaging/pkg/crypto"
)

// userCache keeps the certificates of users that were asked for. Users never
// change, so what it holds is right, whoever else writes to the store.
type userCache struct {
	max int

	mu    sync.RWMutex
	users map[crypto.Username]crypto.Certificate
}

func newUserCache(max int) *userCache {
	return &userCache{max: max, users: map[crypto.Username]crypto.Certificate{}}
}

func (u *userCache) get(name crypto.Username) (crypto.Certificate, bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	c, ok := u.users[name]
	return c, ok
}

// put makes room by forgetting any other: who is busy is soon back.
func (u *userCache) put(c crypto.Certificate) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.users) >= u.max {
		for name := range u.users {
			delete(u.users, name)
			break
		}
	}
	u.users[c.User] = c
}

// user returns the certificate of a user, or ErrNotFound.
func (r *Relay) user(ctx context.Context, name crypto.Username) (crypto.Certificate, error) {
	if c, ok := r.users.get(name); ok {
		return c, nil
	}
	c, err := r.directory.User(ctx, name)
	if err == nil {
		r.users.put(c)
	}
	return c, err
}
