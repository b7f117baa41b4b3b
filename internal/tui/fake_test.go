package tui

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"secure-messaging/pkg/client"
)

// fake is an account in memory, with the world's side of it as methods.
type fake struct {
	identity client.Identity

	mu        sync.Mutex
	status    client.Status
	contacts  map[string]client.Contact
	messages  []client.Message // by cursor, which is the index plus 1
	events    []client.Event
	dropped   int           // events that are no longer remembered
	more      chan struct{} // closed when the next event comes
	failing   error         // of every call
	refuse    error         // of Send
	offers    string        // the number under another key of every contact whose key has changed
	trusts    []string      // decisions that were made: who, what, about which number
	hold      chan struct{} // Send waits until it is closed, unless nil
	late      chan struct{} // History answers what it knew when it was asked once it is closed, unless nil
	reads     []int64       // cursors that were marked as read
	pages     []client.Query
	ago       time.Duration // how long before now the next messages came
	settings  client.Settings
	typed     []string // whom Typing told
	searches  []client.Search
	views     map[string]client.View
	saves     int   // calls of SetView
	viewless  error // of SetView alone
	groups    map[string]client.Group
	sentFiles []string
	pen       chan struct{} // SetView waits for a value from it, unless nil
}

func newFake() *fake {
	return &fake{
		identity: client.Identity{Username: "alice", Server: "relay.example:8443", Fingerprint: "k3qd-77ma-x2pz-4wne-o5ty-u6bc-hj2r-lvsf"},
		status:   client.Status{State: client.Connected},
		contacts: map[string]client.Contact{},
		settings: client.DefaultSettings,
		views:    map[string]client.View{},
		groups:   map[string]client.Group{},
		more:     make(chan struct{}),
	}
}

func (f *fake) publish(events ...client.Event) {
	f.events = append(f.events, events...)
	close(f.more)
	f.more = make(chan struct{})
}

func (f *fake) setContact(c client.Contact) client.Contact {
	f.contacts[c.Name] = c
	f.publish(client.Event{Kind: client.ContactChanged, Contact: &c})
	return c
}

const bobsPrint = "a7xw-22qe-mm4k-z6ht-pd3o-9yrb-vn5c-jlsu"

// knows adds somebody in a state.
func (f *fake) knows(name string, state client.ContactState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setContact(client.Contact{Name: name, State: state, Fingerprint: bobsPrint, Trust: client.Pinned, Since: time.Now()})
}

// The safety numbers with every contact: under the key that is known, and
// under another.
const (
	bobsNumber  = "181003012954116628620747395152477227224403706229313496709480"
	otherNumber = "181003012954116628620747395152556104398216740092263188015573"
	bobsQR      = "chat-safety:1:RUWnfIoyifAA1J5fqem6W-6LLzMovoFGFxWv8lzI-Zk:lzld61SstnJ4UcAH5kwkYwHOWY7001z_UbwzL2LQN8c"
)

// trusted changes how sure somebody's key is.
func (f *fake) trusted(name string, trust client.Trust) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trust(name, trust)
}

func (f *fake) trust(name string, trust client.Trust) client.Contact {
	c := f.contacts[name]
	c.Trust = trust
	return f.setContact(c)
}

// asks lets a request come in.
func (f *fake) asks(name, note string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setContact(client.Contact{Name: name, State: client.Incoming, Fingerprint: bobsPrint, Note: note, Since: time.Now()})
}

// says lets a message come in.
func (f *fake) says(from, text string) client.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add(client.Message{Contact: from, From: from, Type: client.TypeText, Text: text, State: client.Received, Unread: true})
}

// gets lets a message of any kind come in.
func (f *fake) gets(m client.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.State = client.Received
	f.add(m)
}

// burst lets many messages come in as one batch.
func (f *fake) burst(from string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	more := f.more
	f.more = make(chan struct{})
	for i := range n {
		f.add(client.Message{Contact: from, From: from, Type: client.TypeText, Text: fmt.Sprint("number ", i), State: client.Received, Unread: true})
	}
	close(more)
}

func (f *fake) add(m client.Message) client.Message {
	m.Cursor = int64(len(f.messages) + 1)
	m.ID = fmt.Sprintf("%032x", m.Cursor)
	m.At = time.Now().Add(-f.ago)
	if m.SentAt.IsZero() {
		m.SentAt = m.At
	}
	f.messages = append(f.messages, m)
	f.publish(client.Event{Kind: client.MessageAdded, Message: &m})
	if g, is := f.groups[m.Contact]; is {
		g.LastAt = m.At
		if m.Unread {
			g.Unread++
		}
		f.setGroup(g)
		return m
	}
	c := f.contacts[m.Contact]
	c.LastAt = m.At
	if m.Unread {
		c.Unread++
	}
	f.setContact(c)
	return m
}

// wrote adds a message of ours in a state.
func (f *fake) wrote(to, text string, state client.MessageState, reason string) client.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add(client.Message{Contact: to, From: f.identity.Username, Type: client.TypeText, Text: text, State: state, Reason: reason})
}

// moves lets a message of ours reach a state.
func (f *fake) moves(cursor int64, state client.MessageState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.messages[cursor-1].State = state
	m := f.messages[cursor-1]
	f.publish(client.Event{Kind: client.MessageChanged, Message: &m})
}

func (f *fake) connection(s client.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = s
	f.publish(client.Event{Kind: client.StatusChanged, Status: &s})
}

func (f *fake) warns(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.publish(client.Event{Kind: client.Warned, Warning: text})
}

// forgetsWhile lets things happen whose events nobody can read any more, as
// if the reader had been away too long. The caller holds mu.
func (f *fake) forgetsWhile(do func()) {
	more := f.more
	f.more = make(chan struct{})
	do()
	f.dropped += len(f.events)
	f.events = nil
	close(more)
}

func (f *fake) fails(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = err
	f.publish()
}

func (f *fake) Identity(context.Context) (client.Identity, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.identity, f.failing
}

func (f *fake) Status(context.Context) (client.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, f.failing
}

func (f *fake) Contacts(context.Context) ([]client.Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.SortedFunc(maps.Values(f.contacts), func(a, b client.Contact) int { return strings.Compare(a.Name, b.Name) }), f.failing
}

func (f *fake) Connect(_ context.Context, name, note string) (client.Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return client.Contact{}, f.failing
	}
	if name == "nobody" {
		return client.Contact{}, &client.Error{Code: client.CodeNoUser, Text: "The relay knows nobody of the name nobody. Check the spelling."}
	}
	return f.setContact(client.Contact{Name: name, State: client.Requested, Fingerprint: bobsPrint, Note: note, Since: time.Now()}), nil
}

func (f *fake) answer(name string, state client.ContactState) (client.Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.contacts[name]
	if f.failing != nil {
		return client.Contact{}, f.failing
	}
	if !ok {
		return client.Contact{}, &client.Error{Code: client.CodeNotFound, Text: "There is no request of " + name + " to accept. See them with: chat requests"}
	}
	c.State = state
	f.setContact(c)
	if state == client.Known {
		delete(f.contacts, name)
	}
	return c, nil
}

func (f *fake) Accept(_ context.Context, name string) (client.Contact, error) {
	return f.answer(name, client.Accepted)
}

func (f *fake) Reject(_ context.Context, name string) error {
	_, err := f.answer(name, client.Known)
	return err
}

func (f *fake) Block(_ context.Context, name string) error {
	_, err := f.answer(name, client.Blocked)
	return err
}

func (f *fake) safety(name string) (client.Safety, error) {
	c, ok := f.contacts[name]
	if !ok {
		return client.Safety{}, &client.Error{Code: client.CodeNotContact, Text: "No key of " + name + " is known. Ask first: chat connect " + name}
	}
	s := client.Safety{Name: name, Trust: c.Trust, Number: bobsNumber, QR: bobsQR}
	if c.Trust == client.Changed {
		s.Offered, s.OfferedQR = cmp.Or(f.offers, otherNumber), bobsQR
	}
	return s, f.failing
}

func (f *fake) Safety(_ context.Context, name string) (client.Safety, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.safety(name)
}

func (f *fake) Trust(_ context.Context, name string, decision client.Decision, number string) (client.Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trusts = append(f.trusts, fmt.Sprint(name, " ", decision, " ", number))
	s, err := f.safety(name)
	if err != nil {
		return client.Contact{}, err
	}
	about := s.Number
	if decision == client.TakeKey {
		about = s.Offered
	}
	if number != about {
		return client.Contact{}, &client.Error{Code: client.CodeConflict, Text: "That is not the safety number in force with " + name + " now. Look again: chat verify " + name}
	}
	switch decision {
	case client.MarkVerified:
		return f.trust(name, client.Verified), nil
	case client.TakeKey:
		c := f.contacts[name]
		c.Trust, c.State = client.Pinned, client.Known
		return f.setContact(c), nil
	}
	return f.trust(name, client.Pinned), nil
}

func (f *fake) Send(ctx context.Context, to, text string) (client.Message, error) {
	f.mu.Lock()
	hold := f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return client.Message{}, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := cmp.Or(f.failing, f.refuse); err != nil {
		return client.Message{}, err
	}
	return f.add(client.Message{Contact: to, From: f.identity.Username, Type: client.TypeText, Text: text, State: client.Waiting}), nil
}

func (f *fake) Message(_ context.Context, id string) (client.Message, error) {
	return client.Message{}, client.ErrNotFound
}

func (f *fake) History(ctx context.Context, q client.Query) ([]client.Message, error) {
	f.mu.Lock()
	late := f.late
	found, err := f.history(q)
	f.mu.Unlock()
	if late != nil {
		select {
		case <-late:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return found, err
}

func (f *fake) history(q client.Query) ([]client.Message, error) {
	if f.failing != nil {
		return nil, f.failing
	}
	f.pages = append(f.pages, q)
	var found []client.Message
	for _, m := range f.messages {
		if m.Contact == q.Contact && (q.Before == 0 || m.Cursor < q.Before) && m.Cursor > q.After {
			found = append(found, m)
		}
	}
	if over := len(found) - q.Limit; over > 0 && q.After > 0 {
		found = found[:q.Limit]
	} else if over > 0 {
		found = found[over:]
	}
	return found, nil
}

func (f *fake) MarkRead(_ context.Context, contact string, cursor int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return f.failing
	}
	f.reads = append(f.reads, cursor)
	n := 0
	for i := range f.messages {
		if m := &f.messages[i]; m.Contact == contact && m.Cursor <= cursor && m.Unread {
			m.Unread = false
			n++
		}
	}
	if g, is := f.groups[contact]; is {
		g.Unread -= n
		f.setGroup(g)
		return nil
	}
	c := f.contacts[contact]
	c.Unread -= n
	f.setContact(c)
	return nil
}

func (f *fake) Events(ctx context.Context, after uint64) (client.Batch, error) {
	for {
		f.mu.Lock()
		next := uint64(f.dropped + len(f.events) + 1)
		more, err := f.more, f.failing
		var batch client.Batch
		ready := true
		switch {
		case err != nil:
		case after == 0:
			batch = client.Batch{Next: next}
		case after <= uint64(f.dropped):
			batch = client.Batch{Next: next, Lagged: true}
		case after < next:
			batch = client.Batch{Events: slices.Clone(f.events[after-1-uint64(f.dropped):]), Next: next}
		default:
			ready = false
		}
		f.mu.Unlock()
		if ready || err != nil {
			return batch, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return client.Batch{}, ctx.Err()
		}
	}
}
