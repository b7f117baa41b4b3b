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
