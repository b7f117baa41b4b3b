package client

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// The secret of a signed prekey is gone when its time has come, from the
// sessions that it began, too.
func TestSignedPrekeyLeavesNoTrace(t *testing.T) {
	for name, then := range map[string]func(*session) (*step, error){
		"unanswered": func(s *session) (*step, error) { return &step{}, nil },
		"rejected":   func(s *session) (*step, error) { return s.reject("alice", time.Now()) },
		"blocked":    func(s *session) (*step, error) { return s.block("alice", time.Now()) },
		"accepted":   func(s *session) (*step, error) { return s.accept("alice", time.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			alice, bob := w.pair("alice", "bob")
			k, err := bob.store.Prekey(crypto.PrekeySigned, 1)
			if err != nil {
				t.Fatal(err)
			}
			alice.asks(bob, "hi")
			w.settle()
			bob.must(then)
			if bytes.Contains(bob.store.contacts["alice"].Session, k.Box.Bytes()) {
				t.Error("the session holds the prekey's secret")
			}
		})
	}
}

// A relay that never takes new prekeys keeps none of the old ones alive.
func TestRotationNeedsNoRelay(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.people["alice"]
	for range 4 {
		alice.receives(&protocol.PrekeyStock{Signed: 1})
		w.now = w.now.Add(prekeyRotation)
	}
	if _, err := alice.store.Prekey(crypto.PrekeySigned, 1); err == nil || alice.newestSigned().ID == 1 {
		t.Errorf("after four weeks the newest is %d, and the first is still there", alice.newestSigned().ID)
	}
}

// A clock that was far ahead when a prekey was replaced does not keep it, and
// one that stands still while the machine sleeps is not asked.
func TestPrekeyClocks(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.people["alice"]
	today := w.now
	w.now = today.AddDate(5, 0, 0)
	alice.receives(&protocol.PrekeyStock{Signed: 1, OneTime: 50})
	w.now = today.AddDate(0, 0, 1)
	alice.receives(&protocol.PrekeyStock{Signed: 1, OneTime: 50})
	if _, err := alice.store.Prekey(crypto.PrekeySigned, 1); err == nil {
		t.Error("a prekey that was replaced in five years is kept until then")
	}
	w.now = time.Now().AddDate(10, 0, 0) // with the monotonic reading of a real clock
	alice.receives(&protocol.PrekeyStock{Signed: 1, OneTime: 50})
	for _, k := range alice.prekeys {
		if strings.Contains(k.Replaced.String(), "m=") {
			t.Error("the age of a prekey counts the time awake alone")
		}
	}
}

// Half as many requests as are remembered make the next prekey due.
func TestManyRequestsRotate(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.people["alice"]
	alice.remembers(maxHandshakes / 2)
	alice.receives(&protocol.PrekeyStock{Signed: 1, OneTime: 50})
	if got := alice.newestSigned().ID; got != 2 {
		t.Errorf("the newest is %d", got)
	}
}

// A message that the relay kept back from a relation that has ended counts
// nothing in the next.
func TestAttackOldMessageAnswersNewRequest(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	bob.says(alice, "m1")
	bob.says(alice, "m2")
	bob.reconnect()
	held := slices.Clone(alice.mailbox)
	alice.mailbox = nil
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	bob.must(func(s *session) (*step, error) { return s.block("alice", w.now) })
	alice.asks(bob, "again")
	for _, f := range held {
		alice.receives(f)
	}
	w.wants(alice, bob, Requested)
	if got := alice.texts(bob); len(got) != 0 {
		t.Errorf("she has %q", got)
	}
}

// The relay keeps the end of a session back and gives the other side, instead,
// a request that it has kept for that: the gap shows all the same.
func TestAttackHiddenEndOfSession(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	for range 2 {
		alice.asks(bob, "")
		alice.reconnect()
		alice.hear()
	}
	kept := bob.mailbox[len(bob.mailbox)-1]
	bob.mailbox = bob.mailbox[:len(bob.mailbox)-1]
	w.settle()
	bob.accepts(alice)
	w.settle()
	bob.says(alice, "m1")
	w.settle()
	bob.says(alice, "m2")
	bob.says(alice, "m3")
	bob.reconnect()
	bob.hear()
	alice.mailbox = nil // and it says that they were delivered
	bob.store.outbox, bob.outbox = nil, make(map[crypto.MessageID]OutboxItem)
	bob.mailbox = append(bob.mailbox, kept)
	bob.drain()
	bob.says(alice, "m4")
	w.settle()
	if diff := cmp.Diff([]string{"bob: m1", "bob: (missing)", "bob: m4"}, alice.texts(bob)); diff != "" {
		t.Error(diff)
	}
	ms, _ := alice.store.History(Query{Limit: 10})
	if ms[1].Text != "2" {
		t.Errorf("%s are missing", ms[1].Text)
	}
}

// A contact can write any number, which is said within a bound.
func TestNumbersOfAContact(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	c := bob.contacts["alice"]
	c.Sent = protocol.MaxNumber - 1
	bob.contacts["alice"] = c
	bob.says(alice, "far")
	w.settle()
	ms, _ := alice.store.History(Query{Limit: 10})
	if len(ms) != 2 || ms[0].Text != "100000" || ms[1].Text != "far" {
		t.Errorf("%+v", ms)
	}
	bob.says(alice, "beyond")
	w.settle()
	if got := alice.texts(bob); got[len(got)-1] != "bob: (unreadable)" {
		t.Errorf("a number beyond what JSON holds: %q", got)
	}
}

// A device that its owner has replaced is not taken back, neither from a
// request nor from a look-up.
func TestAttackOlderCertificate(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	old, older := bob.fork(), w.bundle(bob)
	c := bob.cert()
	c.Created, c.Device = c.Created.Add(48*time.Hour), crypto.NewDeviceID()
	bob.keys.Certificate = crypto.NewCertificate(bob.keys.Account, c)
	w.befriend(bob, alice)
	record := alice.contacts["bob"]
	record.Lost = 1 // so that she asks anew
	alice.contacts["bob"] = record
	if _, err := alice.do(func(s *session) (*step, error) { return s.connect("bob", older, "", w.now) }); err == nil {
		t.Error("a look-up brings the old device back")
	}
	note := newContent(contentRequest, "", w.now)
	alice.receives(&protocol.ConnectionRequest{Seq: 7, From: old.cert().Address(), ID: note.ID, Time: 1, Data: requested(t, old, alice, note)})
	if got := alice.contacts["bob"].Certificate; got.Hash() != bob.cert().Hash() || len(alice.warnings) != 1 {
		t.Errorf("pinned is a device of %v, warnings %q", got.Created, alice.warnings)
	}
}

// The relay cannot take back a block of somebody who is known.
func TestAttackLiftedBlock(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	for id := range alice.outbox {
		alice.receives(&protocol.Error{Code: protocol.CodeUnknownUser, Message: "no", ID: &id})
	}
	w.wants(alice, bob, Blocked)
}

// Sessions in which nothing happens forget the keys of lost messages, and the
// secrets of a session that was taken away are overwritten.
func TestIdleSessionsForget(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	bob.says(alice, "lost")
	bob.says(alice, "comes")
	bob.reconnect()
	mail := alice.mailbox
	alice.mailbox = nil
	alice.receives(mail[1])
	held := len(alice.contacts["bob"].Session)
	w.now = w.now.Add(e2e.IdleLifetime + time.Hour)
	before := alice.contacts["bob"].Session
	alice.must(func(s *session) (*step, error) { return s.maintain(nil, w.now) })
	if now := len(alice.store.contacts["bob"].Session); now >= held {
		t.Errorf("the session has %d bytes, and had %d", now, held)
	}
	if !bytes.Equal(before, make([]byte, len(before))) {
		t.Error("the old state is still in memory")
	}
	before = alice.contacts["bob"].Session
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	if !bytes.Equal(before, make([]byte, len(before))) || len(alice.store.contacts["bob"].Session) != 0 {
		t.Error("a session of a relation that has ended is still there")
	}
}
