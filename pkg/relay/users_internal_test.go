package relay

import (
	"testing"

	"secure-messaging/pkg/crypto"
)

func TestUserCacheIsBounded(t *testing.T) {
	u := newUserCache(3)
	relay := crypto.NewRelayPrivate().Public()
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin"} {
		u.put(testCertificate(relay, name))
		if c, ok := u.get(crypto.Username(name)); !ok || c.User != crypto.Username(name) {
			t.Errorf("%s is not in the cache", name)
		}
	}
	if len(u.users) != 3 {
		t.Errorf("%d users are in the cache", len(u.users))
	}
}
