package relay

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"secure-messaging/pkg/crypto"
)

// userTime is how long a certificate in memory counts: a user's device may be
// replaced at another relay on the same store.
const userTime = time.Minute

// userCache keeps the certificates of users that were asked for.
type userCache struct {
	max int
	// replaced is how many devices have been replaced here. Whoever knows it from
	// before a look-up can tell whether that may be out of date: it changes
	// together with users.
	replaced atomic.Uint64

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

// put makes room by forgetting any other: who is busy is soon back. It passes over
// what may be the certificate of a device that was replaced since it was looked
// for, when that many had been.
func (u *userCache) put(c crypto.Certificate, now time.Duration, replaced uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if replaced != u.replaced.Load() {
		return
	}
	if _, there := u.users[c.User]; !there && len(u.users) >= u.max {
		for name := range u.users {
			delete(u.users, name)
			break
		}
	}
	u.users[c.User] = cachedUser{c, now + userTime}
}

// forget is for a user whose device has been replaced.
func (u *userCache) forget(name crypto.Username) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.replaced.Add(1)
	delete(u.users, name)
}

// user returns the certificate of a user, or ErrNotFound.
func (r *Relay) user(ctx context.Context, name crypto.Username) (crypto.Certificate, error) {
	if c, ok := r.users.get(name, r.now()); ok {
		return c, nil
	}
	began := r.users.replaced.Load()
	c, err := r.directory.User(ctx, name)
	if err == nil {
		r.users.put(c, r.now(), began)
	}
	return c, err
}
