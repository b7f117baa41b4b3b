package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// Client is one account on one device, in the process that owns its profile.
// It implements [Account]. [New] makes it; [Client.Run] keeps it connected;
// everything else works with or without a connection.
//
// A message's way out: Send seals it and commits it to the store's outbox,
// the writer of the connection reads it from there and sends it, receipts
// move its state. A message's way in: the reader of the connection decodes a
// frame and puts it into the inbox, the session says what follows from all that
// is there, the store commits that, and only then are the frames acked.
type Client struct {
	// Static after New.
	store     Store
	profile   string
	events    *eventLog
	hourglass hourglass
	wake      chan struct{}                                                        // capacity 1: the outbox or the ack has news for the writer
	netDial   func(ctx context.Context, network, address string) (net.Conn, error) // nil for the network

	luggage  chan struct{} // capacity 1: there are uploads that the courier may not know
	saves    chan struct{} // capacity maxSaves: one for each file that is saved
	jobs     jobs          // what waits to be done
	presence atomic.Bool   // the relay is to be told with whom presence is shared
	ack      atomic.Uint64 // highest mailbox position to ack on the present connection

	// Guarded by mu, which is held while steps are computed, committed and
	// taken over: they happen one after the other.
	mu      sync.Mutex
	session *session
	status  Status
	asks    map[crypto.MessageID]*ask
	hints   []*hint          // at most maxHints, of the present connection
	share   crypto.MessageID // of all lists of whom presence is shared with, on the present connection
	shareAt time.Time        // no list goes before
	moving  *moving          // the upload that is under way, nil for none
}

// New takes up the account that a store keeps. The store stays the caller's
// to close, after Run has returned.
func New(store Store) (*Client, error) {
	loaded, err := store.Load()
	if err != nil {
		return nil, err
	}
	c := &Client{
		store: store, profile: loaded.Profile,
		events:    newEventLog(time.Now()),
		wake:      make(chan struct{}, 1),
		hourglass: make(hourglass, 1),
		luggage:   make(chan struct{}, 1),
		saves:     make(chan struct{}, maxSaves),
		session:   newSession(loaded, store),
		asks:      make(map[crypto.MessageID]*ask),
	}
	c.status = Status{State: Connecting, Waiting: c.session.waiting}
	return c, nil
}

// Identity implements Account.
func (c *Client) Identity(context.Context) (Identity, error) {
	k := c.session.keys // static
	return Identity{
		Username: string(k.Certificate.User), Server: k.Server.Address(), Device: k.Certificate.Device.String(),
		Fingerprint: string(k.Certificate.Account.Fingerprint()), RelayPin: string(k.Relay.Fingerprint()), Profile: c.profile,
	}, nil
}

// Status implements Account.
func (c *Client) Status(context.Context) (Status, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status, nil
}

// Contacts implements Account.
func (c *Client) Contacts(context.Context) ([]Contact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.list(), nil
}

// Connect implements Account.
func (c *Client) Connect(ctx context.Context, name, note string) (Contact, error) {
	if len(note) > MaxNote || !utf8.ValidString(note) {
		return Contact{}, &Error{Code: CodeUsage, Text: fmt.Sprintf("The note is too long, or no UTF-8 text. Write at most %d bytes.", MaxNote)}
	}
	c.mu.Lock()
	need, err := c.session.needsBundle(name, time.Now())
	c.mu.Unlock()
	if err != nil {
		return Contact{}, err
	}
	var bundle *e2e.Bundle
	if need {
		if bundle, err = c.fetch(ctx, crypto.Username(name)); err != nil {
			return Contact{}, err
		}
	}
	_, err = c.do(func(s *session, now time.Time) (*step, error) { return s.connect(name, bundle, note, now) })
	if err != nil {
		return Contact{}, err
	}
	return c.contact(name)
}

// Accept implements Account.
func (c *Client) Accept(_ context.Context, name string) (Contact, error) {
	_, err := c.do(func(s *session, now time.Time) (*step, error) { return s.accept(name, now) })
	if err != nil {
		return Contact{}, err
	}
	return c.contact(name)
}

// Reject implements Account.
func (c *Client) Reject(_ context.Context, name string) error {
	_, err := c.do(func(s *session, now time.Time) (*step, error) { return s.reject(name, now) })
	return err
}

// Block implements Account.
func (c *Client) Block(_ context.Context, name string) error {
	_, err := c.do(func(s *session, now time.Time) (*step, error) { return s.block(name, now) })
	return err
}

// Safety implements Account.
func (c *Client) Safety(_ context.Context, name string) (Safety, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.safety(name)
}

// Trust implements Account.
func (c *Client) Trust(_ context.Context, name string, d Decision, number string) (Contact, error) {
	st, err := c.do(func(s *session, now time.Time) (*step, error) { return s.trust(name, d, number, now) })
	if err != nil {
		return Contact{}, err
	}
	return st.Contacts[0].Contact, nil
}

// Send implements Account.
func (c *Client) Send(_ context.Context, to, text string) (Message, error) {
	st, err := c.do(func(s *session, now time.Time) (*step, error) { return s.send(to, text, about{}, now) })
	if err != nil {
		return Message{}, err
	}
	return st.Messages[0].Message, nil
}

func (c *Client) contact(name string) (Contact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.session.contact(name)
	return r.Contact, err
}

var errNoID = &Error{Code: CodeUsage, Text: "That is no message id: an id is 32 hex digits."}

// Message implements Account.
func (c *Client) Message(_ context.Context, id string) (Message, error) {
	var m crypto.MessageID
	if m.UnmarshalText([]byte(id)) != nil {
		return Message{}, errNoID
	}
	return c.store.Sent(m)
}

// History implements Account.
func (c *Client) History(_ context.Context, q Query) ([]Message, error) {
	var id crypto.MessageID
	if q.ID != "" && id.UnmarshalText([]byte(q.ID)) != nil {
		return nil, errNoID
	}
	q.Limit = limit(q.Limit)
	return c.store.History(q)
}

// Events implements Account.
func (c *Client) Events(ctx context.Context, after uint64) (Batch, error) {
	return c.events.after(ctx, after)
}

// tell acks and publishes what a batch has changed. The caller holds mu.
func (c *Client) tell(b *batch) {
	var ack uint64
	var events []Event
	status := c.status
	for _, st := range b.steps {
		ack = max(ack, st.ack)
		events = append(events, c.eventsOf(st)...)
		if st.writing != "" && status.CaughtUp { // what has waited is not of now
			events = append(events, Event{Kind: ContactWriting, Writing: st.writing})
		}
		if st.hint != nil && len(c.hints) < maxHints {
			c.hints = append(c.hints, st.hint)
			c.signal()
		}
		status.CaughtUp = status.CaughtUp || st.caughtUp
	}
	if ack > c.ack.Load() { // before anybody hears of the steps, who may end us
		c.ack.Store(ack)
		c.signal()
	}
	c.events.publish(events...)
	if c.session.waiting != c.status.Waiting || status != c.status {
		c.setStatus(status)
	}
	if len(b.Enqueue) > 0 {
		c.signal()
	}
	c.recall(b)
	if c.session.regrouped {
		c.session.regrouped = false
		c.renewPresence()
	}
}

// setStatus publishes a status, with the present number of waiting messages.
// The caller holds mu.
func (c *Client) setStatus(s Status) {
	s.Waiting = c.session.waiting
	c.status = s
	c.events.publish(Event{Kind: StatusChanged, Status: &s})
}

// signal tells the writer that there is something to do.
func (c *Client) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// handle takes frames of the relay, in one transaction. Its error ends the
// connection; the relay sends what was not acked again on the next one.
func (c *Client) handle(frames []protocol.Frame) error {
	var wishes []wish
	for _, f := range frames {
		if !c.heardPresence(f) && !c.answered(f) {
			wishes = append(wishes, func(s *session, now time.Time) (*step, error) { return s.receive(f, now) })
		}
	}
	if len(wishes) == 0 {
		return nil
	}
	steps, err := c.doAll(wishes)
	if err != nil {
		return err
	}
	return steps[len(steps)-1].leave
}

var errRelayBusy = errors.New("the relay cannot store anything at the moment")
