package client

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func TestHostileReceipts(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	m := alice.says(bob, "hi")
	id, to := parseID(t, m.ID), bob.cert().Address()
	stored := &protocol.Receipt{ID: id, Recipient: &to, State: protocol.ReceiptStored}
	delivered := &protocol.Receipt{Seq: 7, ID: id, Recipient: &to, State: protocol.ReceiptDelivered}
	state := func(want MessageState) {
		t.Helper()
		if got, _ := alice.store.Sent(id); got.State != want {
			t.Errorf("state %s, want %s", got.State, want)
		}
	}
	unknown := crypto.NewMessageID()
	for _, f := range []protocol.Frame{
		&protocol.Receipt{ID: unknown, State: protocol.ReceiptStored},
		&protocol.Receipt{Seq: 7, ID: unknown, Recipient: &to, State: protocol.ReceiptDelivered},
		&protocol.Error{Code: protocol.CodeNotContact, Message: "no", ID: &unknown},
	} {
		if st := alice.receives(f); !st.empty() {
			t.Errorf("%s for an unknown id: %+v", f.Type(), st.Changes)
		}
	}
	state(Waiting)
	alice.receives(stored)
	if st := alice.receives(stored); !st.empty() {
		t.Error("a second receipt changes something")
	}
	state(Stored)
	alice.receives(delivered)
	state(Delivered)
	expired := &protocol.Receipt{Seq: 8, ID: id, Recipient: &to, State: protocol.ReceiptExpired}
	for _, f := range []protocol.Frame{stored, delivered, expired, &protocol.Error{Code: protocol.CodeNotContact, Message: "no", ID: &id}} {
		if st := alice.receives(f); !st.empty() {
			t.Errorf("%s after delivered: %+v", f.Type(), st.Changes)
		}
	}
	state(Delivered)
}

// A message that was handed on at once is delivered without ever having been
// stored, and its receipt is none that could be acked.
func TestDeliveredAtOnce(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	id, to := parseID(t, alice.says(bob, "hi").ID), bob.cert().Address()
	st := alice.receives(&protocol.Receipt{ID: id, Recipient: &to, State: protocol.ReceiptDelivered})
	if m, _ := alice.store.Sent(id); m.State != Delivered || st.ack != 0 || len(alice.outbox) != 0 || alice.waiting != 0 {
		t.Errorf("%+v, ack %d, outbox %v", m, st.ack, alice.outbox)
	}
	late := &protocol.Receipt{ID: id, Recipient: &to, State: protocol.ReceiptStored} // its way over the disk was longer
	if st := alice.receives(late); !st.empty() {
		t.Errorf("stored after delivered: %+v", st.Changes)
	}
}

// What nobody fetched in time has failed, and its author is told why, once.
// Only messages expire.
func TestExpired(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	to := bob.cert().Address()
	for _, stored := range []bool{true, false} {
		id := parseID(t, alice.says(bob, "hi").ID)
		if stored {
			alice.receives(&protocol.Receipt{ID: id, Recipient: &to, State: protocol.ReceiptStored})
		}
		expired := &protocol.Receipt{Seq: 7, ID: id, Recipient: &to, State: protocol.ReceiptExpired}
		st := alice.receives(expired)
		m, _ := alice.store.Sent(id)
		if m.State != Failed || !strings.Contains(m.Reason, "bob was not there; send it again") || len(alice.outbox) != 0 || st.ack != 7 {
			t.Errorf("%+v, ack %d, outbox %v", m, st.ack, alice.outbox)
		}
		unmoved(t, alice, false, expired, &protocol.Receipt{Seq: 8, ID: id, Recipient: &to, State: protocol.ReceiptDelivered})
		alice.restart()
		if m, _ := alice.store.Sent(id); m.State != Failed || len(alice.outbox) != 0 {
			t.Errorf("the next program: %+v", m)
		}
	}
	for _, id := range []crypto.MessageID{crypto.NewMessageID(), parseID(t, bob.says(alice, "theirs").ID)} {
		unmoved(t, alice, false, &protocol.Receipt{Seq: 9, ID: id, Recipient: &to, State: protocol.ReceiptExpired})
	}
	alice.asks(w.people["carol"], "")
	for id := range alice.outbox {
		alice.receives(&protocol.Receipt{Seq: 10, ID: id, Recipient: &to, State: protocol.ReceiptExpired})
	}
	w.wants(alice, w.people["carol"], Requested)
}

// A relay that wants less is sent a message again later, and a request only by
// its user.
func TestTooFast(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave")
	alice, bob := w.pair("alice", "bob")
	carol, dave := w.pair("carol", "dave")
	w.befriend(alice, bob)
	carol.asks(alice, "")
	w.settle()
	slow := func(id *crypto.MessageID) *step {
		t.Helper()
		return alice.receives(&protocol.Error{Code: protocol.CodeRateLimited, Message: "slower", ID: id, RetryAfter: 90_000})
	}
	wants := func(what string, st *step, kept int) {
		t.Helper()
		if leaves := st.leave == slowDown(90*time.Second); leaves != (kept > 0) || len(alice.outbox) != kept {
			t.Errorf("%s: leave %v, outbox %v", what, st.leave, alice.outbox)
		}
	}
	alice.asks(dave, "please")
	for id := range alice.outbox {
		wants("a request", slow(&id), 0)
	}
	w.wants(alice, dave, Known)
	if len(alice.warnings) != 1 || !strings.Contains(alice.warnings[0], "Ask again in 90 seconds: chat connect dave") {
		t.Errorf("warnings %q", alice.warnings)
	}
	alice.receives(&protocol.PrekeyStock{Signed: 1})
	for id := range alice.outbox {
		wants("prekeys", slow(&id), 0)
	}
	if st := alice.receives(&protocol.PrekeyStock{Signed: 1}); len(st.Enqueue) != 1 {
		t.Error("the prekeys that the relay lacks are not published")
	}
	alice.reconnect()
	alice.hear()
	id := parseID(t, alice.says(bob, "hi").ID)
	wants("a message", slow(&id), 1)
	if m, _ := alice.store.Sent(id); m.State != Waiting {
		t.Errorf("%+v", m)
	}
	wants("no frame", slow(nil), 1)
	unknown := crypto.NewMessageID()
	wants("an unknown frame", slow(&unknown), 1)
	alice.accepts(carol)
	for id, it := range alice.outbox {
		if it.Kind == kindAccept {
			wants("an answer", slow(&id), 2)
		}
	}
	w.settle()
	w.wants(carol, alice, Accepted)
	if diff := cmp.Diff([]string{"alice: hi"}, bob.texts(alice)); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	hostile := protocol.Code("\x1b]0;owned\a" + strings.Repeat("x", 4000))
	for _, tt := range []struct {
		code   protocol.Code
		reason string
	}{
		{protocol.CodeNotContact, "bob does not have you as a contact any more"},
		{protocol.CodeUnknownUser, "the relay does not know bob any more"},
		{protocol.CodeUnknownDevice, "bob has a new device; send it again once they have been there, or ask them anew: chat connect bob"},
		{protocol.CodeBlocked, "you have blocked bob"},
		{protocol.CodeTooLarge, "the relay found it too large"},
		{protocol.CodeMailboxFull, "too much waits for bob at the relay already; send it again when they have been there"},
		{protocol.CodeRelayFull, "the relay has no room for more that waits; send it again later, or tell its operator"},
		{"odd", "the relay refused it (odd)"},
		{hostile, "the relay refused it (?]0;owned?" + strings.Repeat("x", 300-10) + ")"},
	} {
		t.Run(fmt.Sprintf("%.12q", tt.code), func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			alice, bob := w.pair("alice", "bob")
			w.befriend(alice, bob)
			id := parseID(t, alice.says(bob, "hi").ID)
			alice.must(func(s *session) (*step, error) {
				return s.receive(&protocol.Error{Code: tt.code, Message: "no", ID: &id}, w.now)
			})
			m, _ := alice.store.Sent(id)
			if m.State != Failed || m.Reason != tt.reason || len(alice.outbox) != 0 {
				t.Errorf("got %+v, outbox %v", m, alice.outbox)
			}
			alice.must(func(s *session) (*step, error) {
				return s.receive(&protocol.Error{Code: tt.code, Message: "no"}, w.now)
			})
			for _, c := range strings.Join(alice.warnings, "") {
				if c < ' ' || c > '~' {
					t.Errorf("a warning holds %q", c)
				}
			}
		})
	}
}

func TestRefusedRequestsAndAnswers(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	carol := w.people["carol"]
	refuse := func(code protocol.Code) {
		t.Helper()
		for id := range alice.outbox {
			alice.receives(&protocol.Error{Code: code, Message: "no", ID: &id})
		}
	}
	alice.asks(bob, "")
	refuse(protocol.CodeUnavailable)
	if alice.leave == nil || len(alice.outbox) != 1 {
		t.Error("a temporary refusal is taken as final")
	}
	refuse(protocol.CodeUnknownUser)
	w.wants(alice, bob, Known)
	if len(alice.warnings) != 1 {
		t.Errorf("warnings %q", alice.warnings)
	}
	carol.asks(alice, "")
	w.settle()
	alice.accepts(carol)
	id := parseID(t, alice.says(carol, "behind the answer").ID)
	alice.leave = nil
	alice.receives(&protocol.Error{Code: protocol.CodeNotContact, Message: "no", ID: &id})
	if got, _ := alice.store.Sent(id); got.State != Waiting || alice.leave == nil {
		t.Errorf("refused before the answer has arrived: %s, leave: %v", got.State, alice.leave)
	}
	for id, it := range alice.outbox {
		if it.Kind == kindAccept {
			alice.receives(&protocol.Error{Code: protocol.CodeNoRequest, Message: "no", ID: &id})
		}
	}
	w.wants(alice, carol, Known)
	alice.receives(&protocol.Error{Code: protocol.CodeNotContact, Message: "no", ID: &id})
	if got, _ := alice.store.Sent(id); got.State != Failed {
		t.Errorf("afterwards: %s", got.State)
	}
}
