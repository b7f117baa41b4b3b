package client

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/protocol"
)

// TestLostAnswer: an acceptance that the relay has no room for is made good by
// the first message.
func TestLostAnswer(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	bob.asks(alice, "")
	w.settle()
	alice.accepts(bob)
	for id := range alice.outbox {
		alice.receives(&protocol.Error{Code: protocol.CodeMailboxFull, Message: "no", ID: &id})
	}
	if len(alice.outbox) != 0 || len(alice.warnings) != 1 || !strings.Contains(alice.warnings[0], "first message") {
		t.Errorf("%d left, warnings %q", len(alice.outbox), alice.warnings)
	}
	w.wants(bob, alice, Requested)
	hello := newContent(contentText, "hello", w.now)
	bob.receives(&protocol.EncryptedMessage{Seq: 9, From: alice.cert().Address(), ID: hello.ID, Time: 1, Data: sealed(t, alice, bob, hello)})
	w.wants(bob, alice, Accepted)
	if got := bob.texts(alice); len(got) != 1 || got[0] != "alice: hello" {
		t.Errorf("bob reads %q", got)
	}
	bob.restart()
	w.wants(bob, alice, Accepted)
}

// TestBlockNobody: a name that the relay does not know is not kept as blocked.
func TestBlockNobody(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	for id := range alice.outbox {
		alice.receives(&protocol.Error{Code: protocol.CodeUnknownUser, Message: "no", ID: &id})
	}
	w.wants(alice, bob, Known)
	if len(alice.warnings) != 1 {
		t.Errorf("warnings %q", alice.warnings)
	}
}

// TestAskedAgainInSilence: a second request without a note leaves the first
// one's to read.
func TestAskedAgainInSilence(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	for _, note := range []string{"from work", "", "from the club"} {
		bob.asks(alice, note)
		w.settle()
		want := note
		if note == "" {
			want = "from work"
		}
		if got := alice.session.contacts["bob"].Note; got != want {
			t.Errorf("after %q the note is %q", note, got)
		}
	}
}

// TestHurry: who sends while the pause is long does not wait for its end, and
// a flood of messages does not become a flood of tries.
func TestHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, c := newScript(t)
		run(t, c)
		time.Sleep(time.Hour)
		synctest.Wait()
		before := len(s.dialled())
		if wait := time.Until(status(c).RetryAt); wait < hurryAfter {
			time.Sleep(wait + time.Millisecond) // into the next pause
			synctest.Wait()
			before++
		}
		for range 100 {
			if _, err := c.Send(t.Context(), "bob", "hello"); err != nil {
				t.Fatal(err)
			}
		}
		// One soon, and one more if some were sent behind it.
		time.Sleep(hurryAfter + time.Millisecond)
		synctest.Wait()
		if n := len(s.dialled()) - before; n < 1 || n > 2 {
			t.Errorf("%d tries within %v", n, hurryAfter)
		}
	})
}
