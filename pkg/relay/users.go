package relay

import (
	"context"
	"sync"
	"time"

	"secure-messaging/pkg/crypto"
)

// userTime is how long a certificate in memory counts: a user's device may be
// replaced at another relay on the same store.
const userTime = time.Minute

// userCache keeps the certificates of users that were asked for.
type userCache struct {
	max int

	mu    sync.RWMutex
	users map[crypto.Username]cachedUser
}

type cachedUser struct {
	crypto.Certificate
	until time.Duration // by Relay.now
}

func newUserCache(max int) *userCache {
	return &userCache{max: max, users: map[crypto.Username]cachedUser{}}
}

func (u *userCache) get(name crypto.Username, now time.Duration) (crypto.Certificate, bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	c, ok := u.users[name]
	return c.Certificate, ok && now < c.until
}

// put makes room by forgetting any other: who is busy is soon back.
func (u *userCache) put(c crypto.Certificate, now time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, there := u.users[c.User]; !there && len(u.users) >= u.max {
		for name := range u.users {
			delete(u.users, name)
			break
		}
	}
	u.users[c.User] = cachedUser{c, now + userTime}
}

func (u *userCache) forget(name crypto.Username) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.users, name)
}

// user returns the certificate of a user, or ErrNotFound.
func (r *Relay) user(ctx context.Context, name crypto.Username) (crypto.Certificate, error) {
	if c, ok := r.users.get(name, r.now()); ok {
		return c, nil
	}
	began := r.replaced.Load()
	c, err := r.directory.User(ctx, name)
	if err == nil && began == r.replaced.Load() { // else it may be the old one
		r.users.put(c, r.now())
	}
	return c, err
}
