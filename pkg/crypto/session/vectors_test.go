package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/ratchet"
	"secure-messaging/pkg/crypto/session"
)

// sessionStep is one step of two people who have begun more than one session.
type sessionStep struct {
	Do      string        `json:"do"` // ask, join (open a request), seal, open, retract
	Who     string        `json:"who"`
	At      int64         `json:"at"`                // seconds since 1970
	Session string        `json:"session,omitempty"` // that which is begun, sealed in or opened in
	Message *int          `json:"message,omitempty"` // counted from 0 in the order of sealing, requests among them
	Refused bool          `json:"refused,omitempty"` // of ask: too many are pending
	Content string        `json:"content,omitempty"`
	Data    vectors.Bytes `json:"data,omitempty"` // of ask and seal
	List    []string      `json:"list"`           // what who has then, the front first
}

type sessionPerson struct {
	Certificate crypto.Certificate   `json:"certificate"`
	BoxSecret   crypto.BoxPrivate    `json:"boxSecret"`
	Signed      crypto.PrekeyPrivate `json:"signedPrekeySecret"`
	OneTime     crypto.PrekeyPrivate `json:"oneTimePrekeySecret"`
}

type sessionFile struct {
	People []sessionPerson `json:"people"`
	Steps  []sessionStep   `json:"steps"`
}

// scripted is one person: production code, and beside it the list by hand.
type scripted struct {
	vectors.Person
	name, other string
	session     session.Session
	numbers     *vectors.Numbers
	hand        sessionsByHand
	sealed      int // contents
}

func (d *scripted) local() session.Local {
	return session.Local{Certificate: d.Certificate, Box: d.Box}
}

func (d *scripted) source() *source.Source {
	n := d.numbers
	return &source.Source{Box: n.Box, KEM: n.KEM, Encapsulate: n.Encapsulate, Salt: n.Salt}
}

// Prekey finds the person's prekeys.
func (d *scripted) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, bool) {
	for _, k := range []crypto.PrekeyPrivate{d.Signed, d.OneTime} {
		if k.Kind == kind && k.ID == id {
			return k, true
		}
	}
	return crypto.PrekeyPrivate{}, false
}

// sessionsByHand is the table of "More than one session".
type sessionsByHand struct {
	leads bool
	list  []sessionByHand
}

type sessionByHand struct {
	name          string
	ours, pending bool
}

func (s *sessionsByHand) begins(name string, ours bool) {
	s.list = slices.Insert(s.list, 0, sessionByHand{name, ours, ours})
	s.list = s.list[:min(len(s.list), 8)]
}

func (s *sessionsByHand) opens(name string) {
	i := slices.IndexFunc(s.list, func(e sessionByHand) bool { return e.name == name })
	for j := i; j < len(s.list); j++ {
		s.list[j].pending = false
	}
	front := s.list[0]
	if i > 0 && !(front.ours && (s.leads || front.pending && s.list[i].ours)) {
		e := s.list[i]
		s.list = slices.Insert(slices.Delete(s.list, i, i+1), 0, e)
	}
}

func (s *sessionsByHand) names() []string {
	names := []string{}
	for _, e := range s.list {
		names = append(names, e.name)
	}
	return names
}

// world is two people and every session that they have begun.
type world struct {
	t        *testing.T
	now      time.Time
	people   map[string]*scripted
	sessions map[string]*vectors.Ratchet
	first    map[string]string // who has begun a session, by its name
	sent     []sessionStep
	steps    []sessionStep
}

func newWorld(t *testing.T) *world {
	t.Helper()
	alice := &scripted{Person: vectors.Alice(), name: "alice", other: "bob", numbers: &vectors.Numbers{Side: 0x51}}
	bob := &scripted{Person: vectors.Bob(), name: "bob", other: "alice", numbers: &vectors.Numbers{Side: 0x52}}
	bob.hand.leads = true
	if bytes.Compare(bob.Account.Public().Bytes(), alice.Account.Public().Bytes()) >= 0 {
		t.Fatal("the steps below are written for a Bob with the smaller account key")
	}
	return &world{
		t: t, now: vectors.Created, people: map[string]*scripted{"alice": alice, "bob": bob},
		sessions: map[string]*vectors.Ratchet{}, first: map[string]string{},
	}
}

// did notes a step and compares the list with the one by hand.
func (w *world) did(s sessionStep) {
	w.t.Helper()
	d := w.people[s.Who]
	s.At, s.List = w.now.Unix(), d.hand.names()
	if s.Data != nil {
		n := len(w.sent)
		s.Message = &n
		w.sent = append(w.sent, s)
	}
	w.steps = append(w.steps, s)
	w.now = w.now.Add(time.Second)

	var list [][ratchet.TagSize]byte
	for _, name := range s.List {
		list = append(list, [ratchet.TagSize]byte(w.sessions[name].ID))
	}
	if !slices.Equal(session.Tags(d.session), list) {
		w.t.Errorf("step %d: %s has other sessions than %q", len(w.steps)-1, s.Who, s.List)
	}
}

func (w *world) content(d *scripted, kind string) string {
	d.sealed++
	body := ""
	if kind == "text" {
		body = "hi"
	}
	return fmt.Sprintf(`{"id":"%032x","type":"%s","sent_at":%d,"n":%d,"body":"%s"}`, len(w.sent)+1, kind, w.now.UnixMilli(), d.sealed, body)
}

// asks begins a session and returns its request.
func (w *world) asks(who, name string, oneTime bool) int {
	w.t.Helper()
	d := w.people[who]
	peer := w.people[d.other]
	bundle := session.Bundle{Certificate: peer.Certificate, Signed: peer.Sign(peer.Signed)}
	if oneTime {
		bundle.OneTime = peer.Sign(peer.OneTime)
	}
	content, drawn := w.content(d, "request"), len(d.numbers.Scalars)
	data, next, err := session.AskFrom(d.session, d.local(), bundle, vectors.Pad([]byte(content)), w.now, d.source())
	if err != nil {
		w.t.Fatal(err)
	}
	h := vectors.Handshake{
		Asker: d.Certificate.Raw(), Asked: peer.Certificate.Raw(), AskerBox: d.Box.Bytes(), Ephemeral: d.numbers.Scalars[drawn],
		Signed: bundle.Signed.Raw(), OneTime: bundle.OneTime.Raw(),
		SignedSeed: peer.Signed.KEM.Seed(), OneTimeSeed: peer.OneTime.KEM.Seed(), Ciphertext: data[42 : 42+1088],
	}
	h.Do()
	message, ok := bytes.CutPrefix(data, h.Hello)
	if !ok {
		w.t.Fatal("by hand the request is another")
	}
	w.sessions[name] = &vectors.Ratchet{ID: h.ID, Root: h.Root, Last: peer.Signed.Box.Public().Bytes()}
	w.first[name] = who
	w.compare(d, name, message, content)
	d.session = next
	d.hand.begins(name, true)
	w.did(sessionStep{Do: "ask", Who: who, Session: name, Content: content, Data: data})
	return len(w.sent) - 1
}

// compare works a message out once more.
func (w *world) compare(d *scripted, name string, message []byte, content string) {
	w.t.Helper()
	r, direction := w.sessions[name], byte(1)
	if w.first[name] != d.name {
		direction = 2
	}
	r.Know(d.numbers)
	s, err := r.Step(message, direction)
	if err != nil || !bytes.Equal(s.Body, vectors.Boxed(s.Key, s.Nonce, vectors.Pad([]byte(content)))) {
		w.t.Errorf("by hand a message of %q is another: %v", name, err)
	}
}

// joins opens a request.
func (w *world) joins(request int) {
	w.t.Helper()
	m := w.sent[request]
	d := w.people[w.people[m.Who].other]
	r, err := session.AnswerFrom(d.local(), d, m.Data, w.now, d.source())
	if err != nil || string(r.Text) != m.Content {
		w.t.Fatalf("the request %d is %q: %v", request, r.Text, err)
	}
	d.session = d.session.Join(d.local(), r)
	d.hand.begins(m.Session, false)
	w.did(sessionStep{Do: "join", Who: d.name, Session: m.Session, Message: &request})
}

// seals seals a content, which must go into the session of that name.
func (w *world) seals(who, name, kind string) int {
	w.t.Helper()
	d := w.people[who]
	content := w.content(d, kind)
	data, next, err := d.session.Seal([]byte(content), w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.compare(d, name, data, content)
	d.session = next
	w.did(sessionStep{Do: "seal", Who: who, Session: name, Content: content, Data: data})
	return len(w.sent) - 1
}

func (w *world) opens(message int) {
	w.t.Helper()
	m := w.sent[message]
	d := w.people[w.people[m.Who].other]
	opened, next, err := d.session.Open(m.Data, w.now)
	if err != nil || string(opened.Text) != m.Content {
		w.t.Fatalf("the message %d is %q: %v", message, opened.Text, err)
	}
	d.session = next
	d.hand.opens(m.Session)
	w.did(sessionStep{Do: "open", Who: d.name, Session: m.Session, Message: &message})
}

// retracts is what a refused request leads to.
func (w *world) retracts(who string) {
	w.t.Helper()
	d := w.people[who]
	d.session = d.session.Retract()
	if len(d.hand.list) > 0 && d.hand.list[0].pending {
		d.hand.list = d.hand.list[1:]
	}
	w.did(sessionStep{Do: "retract", Who: who})
}

// mayNotAsk asks while three are pending.
func (w *world) mayNotAsk(who string) {
	w.t.Helper()
	d := w.people[who]
	peer := w.people[d.other]
	_, _, err := d.session.Ask(d.local(), session.Bundle{Certificate: peer.Certificate, Signed: peer.Sign(peer.Signed)}, nil, w.now)
	if !errors.Is(err, session.ErrPending) {
		w.t.Errorf("with three pending: %v", err)
	}
	w.did(sessionStep{Do: "ask", Who: who, Refused: true})
}

// Production code takes the steps; the lists come from the table of the page,
// done by hand, and every sealed byte is made once more.
func TestVectors(t *testing.T) {
	w := newWorld(t)
	w.retracts("alice")

	// Both ask before the other's request has come. Each answers in the
	// other's session, and both end in that of Bob, whose key is smaller.
	a1, b1 := w.asks("alice", "alice 1", true), w.asks("bob", "bob 1", true)
	w.joins(a1)
	w.joins(b1)
	toAlice, toBob := w.seals("bob", "alice 1", "accept"), w.seals("alice", "bob 1", "accept")
	w.opens(toAlice)
	w.opens(toBob)
	toAlice, toBob = w.seals("bob", "bob 1", "text"), w.seals("alice", "alice 1", "text")
	w.opens(toAlice)
	w.opens(toBob)
	w.opens(w.seals("alice", "bob 1", "text"))
	w.opens(w.seals("bob", "bob 1", "text"))

	// Alice asks again. What comes in the session before brings her back, until
	// Bob answers.
	onTheWay := w.seals("alice", "bob 1", "text")
	a2 := w.asks("alice", "alice 2", false)
	w.opens(w.seals("bob", "bob 1", "text"))
	w.joins(a2)
	w.opens(w.seals("bob", "alice 2", "accept"))
	w.opens(w.seals("alice", "alice 2", "text"))
	late := w.seals("bob", "alice 2", "text")

	// A message that was long on its way brings Bob back, and Alice follows.
	w.opens(onTheWay)
	w.opens(w.seals("bob", "bob 1", "text"))
	w.opens(w.seals("alice", "bob 1", "text"))

	// A request that the relay refuses is as if it had not been made.
	// Until then she leaves it for no older one of her own.
	w.asks("alice", "alice 3", false)
	w.opens(late)
	w.retracts("alice")
	w.opens(w.seals("alice", "bob 1", "text"))

	// Three may wait for an answer. One in the last is one for those before.
	w.asks("bob", "bob 2", false)
	w.asks("bob", "bob 3", false)
	b4 := w.asks("bob", "bob 4", false)
	w.mayNotAsk("bob")
	w.joins(b4)
	w.opens(w.seals("alice", "bob 4", "text"))

	// They wait for 30 days. Eight sessions are kept.
	for _, name := range []string{"bob 5", "bob 6", "bob 7"} {
		w.asks("bob", name, false)
	}
	w.mayNotAsk("bob")
	w.now = w.now.Add(30 * 24 * time.Hour)
	b8 := w.asks("bob", "bob 8", false)
	w.joins(b8)
	w.opens(w.seals("alice", "bob 8", "text"))
	w.opens(w.seals("bob", "bob 8", "text"))
	if n := len(w.people["bob"].hand.list); n != session.MaxSessions {
		t.Errorf("Bob has %d sessions, and the steps do not come to the limit", n)
	}

	file := sessionFile{Steps: w.steps}
	for _, name := range []string{"alice", "bob"} {
		d := w.people[name]
		file.People = append(file.People, sessionPerson{d.Certificate, d.Box, d.Signed, d.OneTime})
	}
	vectors.Check(t, "sessions.json", file)
}
