package client

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// sealed is a body that from seals for to, as its own client would.
func sealed(t *testing.T, from, to *person, c content) protocol.Sealed {
	t.Helper()
	record := from.contacts[crypto.Username(to.name)]
	peer, err := e2e.Restore(record.Session)
	if err == nil && !peer.Begun() { // then one of which they know nothing
		_, peer, err = peer.Ask(from.local(), *from.w.bundle(evil(from.w, "nobody", from.w.relay.Public())), nil, from.w.now)
	}
	if err != nil {
		t.Fatal(err)
	}
	if c.Type != contentTyping {
		record.Sent++
	}
	c.N = record.Sent
	b, next, err := peer.Seal(c.encode(), from.w.now)
	if err != nil {
		t.Fatal(err)
	}
	if record.Name != "" {
		record.Session = next.State()
		from.contacts[crypto.Username(to.name)] = record
		from.store.contacts[to.name] = record
	}
	return b
}

// requested is the data of a request, as the client of from would make it.
func requested(t *testing.T, from, to *person, c content) protocol.Sealed {
	t.Helper()
	c.N = 1
	data, _, err := e2e.Session{}.Ask(from.local(), *from.w.bundle(to), c.encode(), from.w.now)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// evil is somebody with the keys of nobody else: a stranger who poses as
// another, at any relay.
func evil(w *world, name string, relay crypto.RelayPublic) *person {
	w.t.Helper()
	keys, first, err := NewKeys(Server{Host: "localhost", Port: "1"}, relay, name, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &person{w: w, name: name, store: NewMemStore(keys, first)}
	p.restart()
	return p
}

// unmoved fails if frames change anything but the mailbox's position, or say
// anything that a terminal would act on.
func unmoved(t *testing.T, p *person, warns bool, frames ...protocol.Frame) {
	t.Helper()
	for _, f := range frames {
		p.warnings = nil
		before := snapshot(p)
		st := p.receives(f)
		if diff := cmp.Diff(before, snapshot(p)); diff != "" || !st.empty() {
			t.Errorf("%s changed (-before +after):\n%s", f.Type(), diff)
		}
		if seq, _, _ := mail(f); st.ack != *seq {
			t.Errorf("%s: ack %d, want %d: it would come for ever", f.Type(), st.ack, *seq)
		}
		if warns != (len(p.warnings) == 1) {
			t.Errorf("%s: warnings %q", f.Type(), p.warnings)
		}
	}
}

func TestHostileRequests(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	carol := w.people["carol"]
	w.befriend(alice, bob)
	mallory := evil(w, "mallory", w.relay.Public())
	note := newContent(contentRequest, "hi", w.now)
	request := func(p *person, c content) *protocol.ConnectionRequest {
		return &protocol.ConnectionRequest{Seq: 7, From: p.cert().Address(), ID: c.ID, Time: 1, Data: requested(t, p, alice, c)}
	}
	with := func(f *protocol.ConnectionRequest, change func(*protocol.ConnectionRequest)) *protocol.ConnectionRequest {
		change(f)
		return f
	}
	for name, f := range map[string]protocol.Frame{
		"another's name":          with(request(mallory, note), func(f *protocol.ConnectionRequest) { f.From = carol.cert().Address() }),
		"a contact's name":        with(request(mallory, note), func(f *protocol.ConnectionRequest) { f.From = bob.cert().Address() }),
		"our name":                with(request(mallory, note), func(f *protocol.ConnectionRequest) { f.From = alice.cert().Address() }),
		"another device":          with(request(mallory, note), func(f *protocol.ConnectionRequest) { f.From.Device = crypto.NewDeviceID() }),
		"sealed for another":      with(request(mallory, note), func(f *protocol.ConnectionRequest) { f.Data = requested(t, mallory, bob, note) }),
		"altered":                 with(request(mallory, note), func(f *protocol.ConnectionRequest) { f.Data[len(f.Data)-1] ^= 1 }),
		"a message":               with(request(mallory, note), func(f *protocol.ConnectionRequest) { f.Data = sealed(t, bob, alice, note) }),
		"another id outside":      with(request(mallory, note), func(f *protocol.ConnectionRequest) { f.ID = crypto.NewMessageID() }),
		"a message's content":     request(mallory, newContent(contentText, "x", w.now)),
		"a note that is too long": request(mallory, newContent(contentRequest, strings.Repeat("a", MaxNote+1), w.now)),
	} {
		t.Run(name, func(t *testing.T) {
			alice.w.t = t
			unmoved(t, alice, true, f)
		})
	}
	w.t = t
	w.wants(alice, bob, Accepted)
}

// A request that was opened is dead, whether it used up a one-time prekey or
// not, and whatever became of the contact meanwhile.
func TestAttackReplayedRequest(t *testing.T) {
	for name, stocked := range map[string]bool{"with a one-time prekey": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			alice, bob := w.pair("alice", "bob")
			if stocked {
				bob.stocks()
			}
			held := len(bob.store.prekeys)
			alice.asks(bob, "please")
			alice.reconnect()
			request := bob.mailbox[0].(*protocol.ConnectionRequest)
			w.settle()
			if spent := held - len(bob.store.prekeys); stocked != (spent == 1) {
				t.Errorf("%d prekeys are used up", spent)
			}
			renamed := *request
			renamed.ID = crypto.NewMessageID()
			again := func() {
				t.Helper()
				unmoved(t, bob, false, request, &renamed)
				bob.restart()
				unmoved(t, bob, false, request, &renamed)
			}
			again()
			bob.must(func(s *session) (*step, error) { return s.reject("alice", w.now) })
			again()
			alice.asks(bob, "really")
			w.settle()
			bob.accepts(alice)
			w.settle()
			again()
			bob.says(alice, "still the same session")
			w.settle()
			if diff := cmp.Diff([]string{"bob: still the same session"}, alice.texts(bob)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An acceptance counts only as the answer of whom we have asked.
func TestHostileAcceptances(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave", "erin", "frank")
	alice, bob := w.pair("alice", "bob")
	carol, dave := w.pair("carol", "dave")
	erin, frank := w.pair("erin", "frank")
	alice.asks(bob, "")
	carol.asks(alice, "")
	frank.asks(alice, "")
	w.settle()
	alice.must(func(s *session) (*step, error) { return s.block("dave", w.now) })
	alice.must(func(s *session) (*step, error) { return s.reject("frank", w.now) })
	accept := func(p *person, c content) *protocol.ConnectionAccepted {
		return &protocol.ConnectionAccepted{Seq: 7, From: p.cert().Address(), ID: c.ID, Time: 1, Data: sealed(t, p, alice, c)}
	}
	yes := newContent(contentAccept, "", w.now)
	otherDevice := accept(bob, yes)
	otherDevice.From.Device = crypto.NewDeviceID()
	for name, tt := range map[string]struct {
		f     *protocol.ConnectionAccepted
		warns bool
	}{
		"of a stranger":         {accept(erin, yes), false},
		"of one who asked":      {accept(carol, yes), false},
		"of one who is blocked": {accept(dave, yes), false},
		"of one we rejected":    {accept(frank, yes), false},
		"of another device":     {otherDevice, false},
		"another id outside":    {&protocol.ConnectionAccepted{Seq: 7, From: bob.cert().Address(), ID: crypto.NewMessageID(), Time: 1, Data: sealed(t, bob, alice, yes)}, true},
		"sealed by another":     {&protocol.ConnectionAccepted{Seq: 7, From: bob.cert().Address(), ID: yes.ID, Time: 1, Data: sealed(t, carol, alice, yes)}, true},
		"a message's content":   {accept(bob, newContent(contentText, "x", w.now)), true},
		"a request's content":   {accept(bob, newContent(contentRequest, "x", w.now)), true},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			unmoved(t, alice, tt.warns, tt.f)
		})
	}
	w.t = t
	w.wants(alice, bob, Requested)
	answer := accept(bob, yes)
	alice.receives(answer)
	w.wants(alice, bob, Accepted)
	unmoved(t, alice, false, answer)
	before := alice.contacts["bob"].Contact
	if st := alice.receives(accept(bob, newContent(contentAccept, "", w.now))); len(st.Contacts) != 1 || st.Contacts[0].Contact != before || len(alice.warnings) != 0 {
		t.Errorf("a second answer makes %+v", st.Changes)
	}
}

// Nobody's words are shown but those of accepted contacts, and once.
func TestHostileMessages(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave", "erin", "frank")
	alice, bob := w.pair("alice", "bob")
	carol, dave := w.pair("carol", "dave")
	erin, frank := w.pair("erin", "frank")
	w.befriend(alice, bob)
	w.befriend(alice, carol)
	alice.asks(dave, "")
	erin.asks(alice, "")
	w.settle()
	alice.must(func(s *session) (*step, error) { return s.block("frank", w.now) })
	message := func(p *person, c content) *protocol.EncryptedMessage {
		return &protocol.EncryptedMessage{Seq: 7, From: p.cert().Address(), ID: c.ID, Time: 1, Data: sealed(t, p, alice, c)}
	}
	hi := newContent(contentText, "hi", w.now)
	unmoved(t, alice, true, message(evil(w, "mallory", w.relay.Public()), hi)) // a stranger is told of
	for name, p := range map[string]*person{
		"not answered yet": erin, "blocked": frank,
		"another bob": evil(w, "bob", w.relay.Public()), "ourselves": evil(w, "alice", w.relay.Public()),
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			unmoved(t, alice, false, message(p, hi))
		})
	}
	w.t = t
	// dave was asked and has not answered: what opens shows that he accepts,
	// and nothing else does.
	broken := message(dave, hi)
	broken.Data[len(broken.Data)-1] ^= 1
	unmoved(t, alice, false, broken, message(dave, newContent(contentAccept, "", w.now)))
	before := map[*person]ContactRecord{bob: bob.contacts["alice"], alice: alice.contacts["bob"]}
	reflected := message(bob, hi)
	reflected.Data = sealed(t, alice, bob, hi)
	flipped := message(bob, hi)
	flipped.Data[len(flipped.Data)-1] ^= 1
	truncated := message(bob, hi)
	truncated.Data = truncated.Data[:40]
	renamed := message(bob, hi)
	renamed.ID = crypto.NewMessageID()
	for name, f := range map[string]*protocol.EncryptedMessage{
		"carol's as bob's":    {Seq: 7, From: bob.cert().Address(), ID: hi.ID, Time: 1, Data: sealed(t, carol, alice, hi)},
		"bob's to carol":      {Seq: 7, From: bob.cert().Address(), ID: hi.ID, Time: 1, Data: sealed(t, bob, carol, hi)},
		"our own, reflected":  reflected,
		"flipped":             flipped,
		"truncated":           truncated,
		"another id":          renamed,
		"a request's content": message(bob, newContent(contentRequest, "x", w.now)),
		"an answer's content": message(bob, newContent(contentAccept, "", w.now)),
		"an empty text":       message(bob, newContent(contentText, "", w.now)),
		"a type of bytes":     message(bob, newContent("\x1b[2J", "x", w.now)),
		"claims to be broken": message(bob, newContent(TypeUnreadable, "x", w.now)),
		"claims to be a gap":  message(bob, newContent(TypeMissing, "7", w.now)),
		"a far time":          {Seq: 7, From: bob.cert().Address(), ID: crypto.NewMessageID(), Time: protocol.UnixMilli(math.MaxInt64), Data: []byte("junk")},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			st := alice.session.mustReceive(t, f, w.now)
			// What opens and holds what no message may shows, in front, that those
			// before it have not come.
			m := st.Messages[len(st.Messages)-1]
			if m.Type != TypeUnreadable || m.Text != "" || len(st.Messages) > 2 {
				t.Fatalf("got %+v", st.Messages)
			}
			if _, err := m.SentAt.In(time.FixedZone("", 14*3600)).MarshalJSON(); err != nil {
				t.Error(err)
			}
		})
	}
	bob.contacts["alice"], alice.contacts["bob"] = before[bob], before[alice] // nothing of that was sent
	good := message(bob, hi)
	if st := alice.receives(good); len(st.Messages) != 1 {
		t.Fatal("the real one is refused")
	}
	unmoved(t, alice, false, good, message(bob, hi))
	alice.restart()
	unmoved(t, alice, false, good)
	if diff := cmp.Diff([]string{"bob: hi"}, alice.texts(bob)); diff != "" {
		t.Error(diff)
	}
	later := message(bob, newContent("poll_2", "not for us", w.now))
	st := alice.receives(later)
	if m := st.Messages[len(st.Messages)-1]; m.Type != "poll_2" || m.Text != "" {
		t.Errorf("an unknown type became %+v", m.Message)
	}
}

// mustReceive computes a step without taking it.
func (s *session) mustReceive(t *testing.T, f protocol.Frame, now time.Time) *step {
	t.Helper()
	st, err := s.receive(f, now)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

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

// Strangers cannot fill the profile with requests.
func TestMaxRequests(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	for i := range MaxRequests {
		alice.contacts[crypto.Username(fmt.Sprintf("user_%d", i))] = ContactRecord{Contact: Contact{State: Incoming}}
	}
	mallory := evil(w, "mallory", w.relay.Public())
	note := newContent(contentRequest, "hi", w.now)
	request := &protocol.ConnectionRequest{Seq: 7, From: mallory.cert().Address(), ID: note.ID, Time: 1, Data: requested(t, mallory, alice, note)}
	unmoved(t, alice, true, request)
	delete(alice.contacts, "user_7")
	if st := alice.receives(request); len(st.Contacts) != 1 {
		t.Error("with room again, it is still refused")
	}
}

// deaf is a store that cannot be asked.
type deaf struct{ lookups }

func (deaf) Seen(crypto.Address, crypto.MessageID) (bool, error) { return false, ErrStorage }
func (deaf) Handshakes(crypto.PrekeyID, crypto.BoxPublic) (bool, int, error) {
	return false, 0, ErrStorage
}

// mute is a store whose prekeys cannot be read.
type mute struct{ lookups }

func (mute) Prekey(crypto.PrekeyKind, crypto.PrekeyID) (crypto.PrekeyPrivate, error) {
	return crypto.PrekeyPrivate{}, ErrStorage
}

// A store that cannot be asked is no reason to forget a message or a request.
func TestStoreCannotBeAsked(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	carol := w.people["carol"]
	w.befriend(alice, bob)
	bob.says(alice, "hi")
	bob.reconnect()
	carol.asks(alice, "")
	carol.reconnect()
	stored := alice.stored
	for _, broken := range []lookups{deaf{stored}, mute{stored}} {
		alice.stored = broken
		for _, f := range slices.Clone(alice.mailbox) {
			_, isMessage := f.(*protocol.EncryptedMessage)
			if _, isMute := broken.(mute); isMute && isMessage {
				continue // needs no prekey
			}
			if st, err := alice.receive(f, w.now); err == nil || st != nil {
				t.Errorf("%s: got %+v, %v", f.Type(), st, err)
			}
		}
	}
	alice.stored = stored
	alice.drain()
	if diff := cmp.Diff([]string{"bob: hi"}, alice.texts(bob)); diff != "" {
		t.Error(diff)
	}
	w.wants(alice, carol, Incoming)
}
