package relay

import (
	"testing"

	"secure-messaging/pkg/crypto"
)

func TestUserCacheIsBounded(t *testing.T) {
	u := newUserCache(3)
	relay := crypto.NewRelayPrivate().Public()
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin"} {
		u.put(testCertificate(relay, name), 0, 0)
		if c, ok := u.get(crypto.Username(name), 0); !ok || c.User != crypto.Username(name) {
			t.Errorf("%s is not in the cache", name)
		}
	}
	if len(u.users) != 3 {
		t.Errorf("%d users are in the cache", len(u.users))
	}
}

// A certificate counts for a while, and not once it is forgotten.
func TestUserCacheForgets(t *testing.T) {
	u := newUserCache(3)
	u.put(testCertificate(crypto.NewRelayPrivate().Public(), "alice"), 5, 0)
	if _, ok := u.get("alice", 4+userTime); !ok {
		t.Error("it was forgotten too soon")
	}
	if _, ok := u.get("alice", 5+userTime); ok {
		t.Error("it counts for ever")
	}
	u.forget("alice")
	if _, ok := u.get("alice", 5); ok {
		t.Error("it counts after it was forgotten")
	}
}

// What was looked for before a device was replaced is not kept after it.
func TestUserCacheOutdated(t *testing.T) {
	u := newUserCache(3)
	old := testCertificate(crypto.NewRelayPrivate().Public(), "alice")
	began := u.replaced.Load()
	u.forget("alice")
	u.put(old, 0, began)
	if _, ok := u.get("alice", 0); ok {
		t.Error("the old certificate is in the cache")
	}
	u.put(old, 0, u.replaced.Load())
	if _, ok := u.get("alice", 0); !ok {
		t.Error("what is looked for later is not kept")
	}
}
