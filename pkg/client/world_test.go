package client

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a relay and its people without any I/O: what each device has
// queued lies in its store, what the relay has for it in its mailbox, and a
// test decides when either moves.
type world struct {
	t      *testing.T
	relay  crypto.RelayPrivate
	now    time.Time
	people map[crypto.Username]*person
	seq    uint64
	handed map[string]crypto.PrekeyID // of each person, the last one-time prekey that was handed out
}

// person is one device: a session and its store, driven as Client does it.
type person struct {
	w     *world
	name  string
	store *MemStore
	*session

	mailbox  []protocol.Frame // not acked
	answers  []protocol.Frame // receipts stored and errors, on the present connection
	warnings []string
	leave    error
}

func newWorld(t *testing.T, names ...string) *world {
	w := &world{
		t: t, relay: crypto.NewRelayPrivate(), people: make(map[crypto.Username]*person), handed: make(map[string]crypto.PrekeyID),
		now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	for _, name := range names {
		keys, first, err := NewKeys(Server{Host: "localhost", Port: "1"}, w.relay.Public(), name, w.now)
		if err != nil {
			t.Fatal(err)
		}
		p := &person{w: w, name: name, store: NewMemStore(keys, first)}
		p.restart()
		w.people[crypto.Username(name)] = p
	}
	return w
}

func (w *world) pair(a, b string) (*person, *person) {
	return w.people[crypto.Username(a)], w.people[crypto.Username(b)]
}

// restart forgets all but the store, as a process does that is killed.
func (p *person) restart() {
	l, err := p.store.Load()
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.session, p.answers = newSession(l, p.store), nil
}

func (p *person) cert() crypto.Certificate { return p.keys.Certificate }

// do is Client.do.
func (p *person) do(f func(*session) (*step, error)) (*step, error) {
	steps, err := p.all(func(s *session, _ time.Time) (*step, error) { return f(s) })
	if err != nil {
		return nil, err
	}
	return steps[0], steps[0].refused
}

// all is Client.doAll.
func (p *person) all(wishes ...wish) ([]*step, error) {
	j := &job{wishes: wishes}
	p.fulfil([]*job{j}, p.store.Commit, p.w.now)
	for _, st := range j.steps {
		p.warnings = append(p.warnings, st.warnings...)
		p.leave = cmp.Or(st.leave, p.leave)
	}
	return j.steps, j.err
}

// takes hands frames of the relay to the session, over the wire's form, in one
// batch, and returns what may be acked.
func (p *person) takes(frames ...protocol.Frame) (ack uint64, err error) {
	p.w.t.Helper()
	var wishes []wish
	for _, f := range frames {
		f, err := protocol.DecodeFromRelay(protocol.Encode(f))
		if err != nil {
			p.w.t.Fatal(err)
		}
		wishes = append(wishes, func(s *session, now time.Time) (*step, error) { return s.receive(f, now) })
	}
	steps, err := p.all(wishes...)
	for _, st := range steps {
		ack = max(ack, st.ack)
	}
	return ack, err
}

// must is do for what has to work.
func (p *person) must(f func(*session) (*step, error)) *step {
	p.w.t.Helper()
	st, err := p.do(f)
	if err != nil {
		p.w.t.Fatalf("%s: %v", p.name, err)
	}
	return st
}

func (p *person) asks(o *person, note string) {
	p.w.t.Helper()
	p.must(p.connecting(o, note))
}

// connecting is the wish to have somebody as a contact, with what the relay
// gives for them.
func (p *person) connecting(o *person, note string) func(*session) (*step, error) {
	b := p.w.bundle(o)
	return func(s *session) (*step, error) { return s.connect(o.name, b, note, p.w.now) }
}

// bundle is the relay's answer about a person.
func (w *world) bundle(p *person) *e2e.Bundle {
	w.t.Helper()
	b := &e2e.Bundle{Certificate: p.cert()}
	oneTime := crypto.PrekeyID(0)
	for id, k := range p.store.prekeys {
		switch {
		case k.Kind == crypto.PrekeySigned && id >= b.Signed.ID:
			b.Signed = k.secret.Sign(p.cert(), p.keys.Device)
		case k.Kind == crypto.PrekeyOneTime && id > w.handed[p.name] && (oneTime == 0 || id < oneTime):
			oneTime = id
		}
	}
	if oneTime != 0 {
		w.handed[p.name] = oneTime
		b.OneTime = p.store.prekeys[oneTime].secret.Sign(p.cert(), p.keys.Device)
	}
	return b
}

// stocks lets somebody publish one-time prekeys.
func (p *person) stocks() {
	p.w.t.Helper()
	p.receives(&protocol.PrekeyStock{Signed: p.newestSigned().ID})
	p.reconnect()
	p.hear()
}

func (p *person) accepts(o *person) {
	p.w.t.Helper()
	p.must(func(s *session) (*step, error) { return s.accept(o.name, p.w.now) })
}

func (p *person) says(o *person, text string) Message {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.send(o.name, text, about{}, p.w.now) }).Messages[0].Message
}

// receives hands a frame of the relay to the session, over the wire's form.
func (p *person) receives(f protocol.Frame) *step {
	p.w.t.Helper()
	f, err := protocol.DecodeFromRelay(protocol.Encode(f))
	if err != nil {
		p.w.t.Fatal(err)
	}
	return p.must(func(s *session) (*step, error) { return s.receive(f, p.w.now) })
}

// reconnect sends the whole outbox, as a new connection does.
func (p *person) reconnect() {
	p.w.t.Helper()
	items, err := p.store.Outbox(0, MaxOutbox)
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.answers, p.leave = nil, nil
	for _, it := range items {
		p.w.route(p, it.Frame)
	}
}

// hear takes the answers of the present connection.
func (p *person) hear() {
	p.w.t.Helper()
	answers := p.answers
	p.answers = nil
	if _, err := p.takes(answers...); err != nil {
		p.w.t.Fatal(err)
	}
}

// drain takes and acks the mailbox. What is acked causes receipts.
func (p *person) drain() {
	p.w.t.Helper()
	ack, err := p.takes(p.mailbox...)
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.w.ack(p, ack)
}

// settle lets everything that is on its way arrive.
func (w *world) settle() {
	w.t.Helper()
	for range 4 {
		for _, p := range w.people {
			p.reconnect()
			p.hear()
			p.drain()
		}
	}
}

// route is the relay: it stores each frame for its recipient, once while it is
// in the mailbox, and answers.
func (w *world) route(from *person, frame []byte) {
	w.t.Helper()
	f, err := protocol.DecodeFromClient(frame)
	if err != nil {
		w.t.Fatal(err)
	}
	me, at := from.cert().Address(), protocol.Milli(w.now)
	var id crypto.MessageID
	var to *crypto.Address
	switch f := f.(type) {
	case *protocol.ConnectRequest:
		id = f.ID
		w.post(f.Target, &protocol.ConnectionRequest{From: me, ID: id, Time: at, Data: f.Data})
	case *protocol.AcceptConnection:
		id = f.ID
		w.post(f.Target, &protocol.ConnectionAccepted{From: me, ID: id, Time: at, Data: f.Data})
	case *protocol.SendMessage:
		id, to = f.ID, &f.Recipients[0]
		w.post(*to, &protocol.EncryptedMessage{From: me, ID: id, Time: at, Data: f.EncryptedData[0]})
	case *protocol.RejectConnection:
		id = f.ID
	case *protocol.Block:
		id = f.ID
	case *protocol.PublishPrekeys:
		id = f.ID
	}
	from.answers = append(from.answers, &protocol.Receipt{ID: id, Recipient: to, State: protocol.ReceiptStored})
}

func (w *world) post(to crypto.Address, f protocol.Frame) {
	p := w.people[to.User]
	_, author, id := mail(f)
	if slices.ContainsFunc(p.mailbox, func(o protocol.Frame) bool {
		_, a, i := mail(o)
		return a == author && i == id && o.Type() == f.Type()
	}) {
		return
	}
	w.seq++
	seq, _, _ := mail(f)
	*seq = w.seq
	p.mailbox = append(p.mailbox, f)
}

// mail gives what every frame of a mailbox has.
func mail(f protocol.Frame) (seq *uint64, from crypto.Address, id crypto.MessageID) {
	switch f := f.(type) {
	case *protocol.ConnectionRequest:
		return &f.Seq, f.From, f.ID
	case *protocol.ConnectionAccepted:
		return &f.Seq, f.From, f.ID
	case *protocol.EncryptedMessage:
		return &f.Seq, f.From, f.ID
	case *protocol.Receipt:
		return &f.Seq, *f.Recipient, f.ID
	}
	panic("not mail")
}

// ack forgets mail up to seq, and tells the authors of messages.
func (w *world) ack(p *person, upTo uint64) {
	me := p.cert().Address()
	p.mailbox = slices.DeleteFunc(p.mailbox, func(f protocol.Frame) bool {
		seq, from, id := mail(f)
		if *seq > upTo {
			return false
		}
		if _, ok := f.(*protocol.EncryptedMessage); ok {
			w.post(from, &protocol.Receipt{ID: id, Recipient: &me, State: protocol.ReceiptDelivered})
		}
		return true
	})
}

// befriend makes two people contacts.
func (w *world) befriend(a, b *person) {
	w.t.Helper()
	a.asks(b, "")
	w.settle()
	b.accepts(a)
	w.settle()
	w.wants(a, b, Accepted)
	w.wants(b, a, Accepted)
}

func (w *world) wants(p, o *person, state ContactState) {
	w.t.Helper()
	if got := p.contacts[crypto.Username(o.name)].State; got != state {
		w.t.Errorf("to %s, %s is %q, want %q", p.name, o.name, got, state)
	}
}

// texts returns what p has of the conversation with o, in order.
func (p *person) texts(o *person) (texts []string) {
	ms, err := p.store.History(Query{Contact: o.name, Limit: 1 << 20})
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, m := range ms {
		text := m.Text
		if m.Type != TypeText {
			text = "(" + m.Type + ")"
		}
		texts = append(texts, m.From+": "+text)
	}
	return texts
}
