package client

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// MaxOutbox is how many items may wait in an outbox: days of a busy bot
// without a relay, in about 10 MB.
const MaxOutbox = 10000

// MaxRequests is how many requests of others may wait for an answer: more than
// anybody reads. It keeps strangers from filling the disk.
const MaxRequests = 500

// session is the protocol of one account on one device, free of I/O. A frame
// or a wish of the user goes in; what must be written, acked and told comes
// out as a step. Nothing of the session changes until apply, which the caller
// calls after the step's changes are on the disk.
type session struct {
	keys     Keys
	contacts map[crypto.Username]ContactRecord
	outbox   map[crypto.MessageID]OutboxItem // without Frame
	waiting  int                             // of outbox, what the relay does not have
	prekeys  map[crypto.PrekeyID]PrekeyInfo
	prekey   crypto.PrekeyID // the highest id ever given
	stored   lookups
}

// lookups is what a session asks its store.
type lookups interface {
	Seen(crypto.Address, crypto.MessageID) (bool, error)
	Prekey(crypto.PrekeyKind, crypto.PrekeyID) (crypto.PrekeyPrivate, error)
	Handshakes(crypto.PrekeyID, crypto.BoxPublic) (seen bool, count int, err error)
}

// step is what follows from one input. The zero step changes nothing.
type step struct {
	Changes
	ack      uint64   // mailbox position that may be acked once the changes are written
	warnings []string // for the user
	retry    bool     // the relay asked to send again later
	refused  error    // what a wish has come to, for its caller, once the changes are written
}

func newSession(l Loaded, stored lookups) *session {
	s := &session{
		keys:     l.Keys,
		contacts: make(map[crypto.Username]ContactRecord, len(l.Contacts)),
		outbox:   make(map[crypto.MessageID]OutboxItem, len(l.Outbox)),
		prekeys:  make(map[crypto.PrekeyID]PrekeyInfo, len(l.Prekeys)),
		prekey:   l.Prekey,
		stored:   stored,
	}
	for _, k := range l.Prekeys {
		s.prekeys[k.ID] = k
	}
	for _, c := range l.Contacts {
		s.contacts[crypto.Username(c.Name)] = c
	}
	for _, it := range l.Outbox {
		s.keep(it)
	}
	return s
}

func (s *session) local() e2e.Local {
	return e2e.Local{Certificate: s.keys.Certificate, Box: s.keys.Box}
}

// apply takes over a step that has been written.
func (s *session) apply(st *step) {
	for _, c := range st.Contacts {
		old := s.contacts[crypto.Username(c.Name)]
		c.Unread, c.LastAt = old.Unread, old.LastAt
		s.contacts[crypto.Username(c.Name)] = c
		if len(old.Session) > 0 && len(c.Session) > 0 && &old.Session[0] != &c.Session[0] {
			clear(old.Session)
		}
	}
	for _, m := range st.Messages {
		c, ok := s.contacts[crypto.Username(m.Contact)]
		if !ok {
			continue
		}
		c.LastAt = m.At
		if m.Unread {
			c.Unread++
		}
		s.contacts[crypto.Username(m.Contact)] = c
	}
	for _, it := range st.Enqueue {
		s.keep(it)
	}
	for _, id := range st.Stored {
		if it, ok := s.outbox[id]; ok {
			s.drop(id)
			it.Stored = true
			s.keep(it)
		}
	}
	for _, id := range st.Settle {
		s.drop(id)
	}
	s.applyPrekeys(st)
}

func (s *session) keep(it OutboxItem) {
	it.Frame = nil
	s.outbox[it.ID] = it
	if it.counts() {
		s.waiting++
	}
}

// counts reports whether an item is one that its user waits for.
func (it OutboxItem) counts() bool { return !it.Stored && it.Kind != kindPrekeys }

func (s *session) drop(id crypto.MessageID) {
	if it, ok := s.outbox[id]; ok && it.counts() {
		s.waiting--
	}
	delete(s.outbox, id)
}

var (
	kindMessage = (*protocol.SendMessage)(nil).Type()
	kindRequest = (*protocol.ConnectRequest)(nil).Type()
	kindAccept  = (*protocol.AcceptConnection)(nil).Type()
	kindBlock   = (*protocol.Block)(nil).Type()
	kindPrekeys = (*protocol.PublishPrekeys)(nil).Type()
)

// list returns the contacts by name.
func (s *session) list() []Contact {
	cs := make([]Contact, 0, len(s.contacts))
	for _, c := range s.contacts {
		if c.State != Known {
			cs = append(cs, c.Contact)
		}
	}
	sort.Slice(cs, func(i, j int) bool { return cs[i].Name < cs[j].Name })
	return cs
}

func (s *session) contact(name string) (ContactRecord, error) {
	user, err := ParseName(name)
	if err != nil {
		return ContactRecord{}, err
	}
	if user == s.keys.Certificate.User {
		return ContactRecord{}, &Error{Code: CodeUsage, Text: "That is you. Name somebody else."}
	}
	c, ok := s.contacts[user]
	if !ok || c.State == Known {
		return c, &Error{Code: CodeNotContact, Text: fmt.Sprintf("%s is not a contact of yours. Ask first: chat connect %s", name, name)}
	}
	return c, nil
}

// ParseName reads the name of an account as a user has typed it. Its error is
// ErrUsage, with a sentence that says what a name is.
func ParseName(name string) (crypto.Username, error) {
	user, err := crypto.ParseUsername(name)
	if err != nil {
		return "", &Error{Code: CodeUsage, Err: err, Text: "That is no username: names are 3 to 32 of a-z, 0-9 and _."}
	}
	return user, nil
}

// room refuses to queue more than the outbox may hold.
func (s *session) room() error {
	if len(s.outbox) >= MaxOutbox {
		return &Error{Code: CodeRateLimit, Text: fmt.Sprintf("%d messages are waiting for the relay already. Send again when they have left.", MaxOutbox)}
	}
	return nil
}

// send seals a text for a contact.
func (s *session) send(to, text string, now time.Time) (*step, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	c, err := s.contact(to)
	if err != nil {
		return nil, err
	}
	switch c.State {
	case Requested:
		return nil, &Error{Code: CodeNotContact, Text: to + " has not accepted yet. Messages can be sent as soon as they do."}
	case Incoming:
		return nil, &Error{Code: CodeNotContact, Text: to + " is waiting for your answer. Accept first: chat accept " + to}
	case Blocked:
		return nil, &Error{Code: CodeNotContact, Text: "You have blocked " + to + ". To lift it: chat connect " + to}
	}
	if err := c.mustLook(); err != nil {
		return nil, err
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	body := newContent(contentText, text, now)
	c, sealed, err := s.seal(c, body, now)
	if err != nil {
		return nil, err
	}
	frame := &protocol.SendMessage{ID: body.ID, Recipients: []crypto.Address{c.Certificate.Address()}, EncryptedData: []protocol.Sealed{sealed}}
	st := &step{}
	st.Contacts = []ContactRecord{c}
	st.Messages = []NewMessage{{
		Author: s.keys.Certificate.Address(),
		Message: Message{
			ID: body.ID.String(), Contact: c.Name, From: string(s.keys.Certificate.User), Type: TypeText,
			Text: text, SentAt: body.sentAt(), At: now, State: Waiting,
		},
	}}
	st.enqueue(frame, body.ID, c.Name, now)
	return st, nil
}

// seal advances the session with a contact and returns the record to store.
func (s *session) seal(c ContactRecord, body content, now time.Time) (ContactRecord, []byte, error) {
	peer, err := e2e.Restore(c.Session)
	if err != nil {
		return c, nil, damaged(c.Name, err)
	}
	text := body.encode()
	sealed, next, err := peer.Seal(text, now)
	clear(text)
	if err != nil {
		return c, nil, damaged(c.Name, err)
	}
	c.Session = next.State()
	return c, sealed, nil
}

func damaged(name string, err error) error {
	return &Error{Code: CodeInternal, Err: err, Text: "The stored session with " + name + " cannot be used. Ask them again: chat connect " + name}
}

func (st *step) enqueue(f protocol.Frame, id crypto.MessageID, contact string, now time.Time) {
	st.Enqueue = append(st.Enqueue, OutboxItem{ID: id, Kind: f.Type(), Contact: contact, Frame: protocol.Encode(f), At: now})
}

// needsBundle reports whether connect wants prekeys of a person, and returns
// an error where it would come to nothing.
func (s *session) needsBundle(name string) (bool, error) {
	user, err := ParseName(name)
	if err != nil {
		return false, err
	}
	if user == s.keys.Certificate.User {
		return false, &Error{Code: CodeUsage, Text: "You cannot connect to yourself."}
	}
	c, known := s.contacts[user]
	if !known {
		return true, nil
	}
	if err := c.mustLook(); err != nil {
		return false, err
	}
	return c.State != Incoming && (c.State != Accepted || c.broken()), nil
}

// broken reports whether the session with a contact has stopped to work, as
// after a profile was put back from an older copy.
func (c *ContactRecord) broken() bool {
	peer, err := e2e.Restore(c.Session)
	return c.Lost > 0 || err != nil || !peer.Begun()
}

// connect asks a person, with what the relay gave for them where needsBundle
// wants it. Only a person that is unknown so far is taken at the relay's word;
// from then on the pin counts. A contact whose session is broken is asked anew.
func (s *session) connect(name string, b *e2e.Bundle, note string, now time.Time) (*step, error) {
	need, err := s.needsBundle(name)
	if err != nil {
		return nil, err
	}
	c, known := s.contacts[crypto.Username(name)]
	switch {
	case c.State == Incoming:
		return s.accept(name, now)
	case !need:
		return &step{}, nil
	case b == nil:
		return nil, ErrConflict // it was not needed a moment ago
	}
	st := &step{}
	cert := b.Certificate
	if known && !samePin(c, cert) {
		st.refused = st.offer(c, cert)
		return st, nil
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	if c.State != Accepted {
		c.State, c.Since = Requested, now
	}
	c.pin(cert)
	body := newContent(contentRequest, note, now)
	peer, err := e2e.Restore(c.Session)
	if err != nil {
		peer = e2e.Session{} // damaged: nothing of it can be used again
	}
	data, peer, err := peer.Ask(s.local(), *b, body.encode(), now)
	if err != nil {
		return nil, noSession(err, name)
	}
	c.Session, c.RequestID, c.Lost = peer.State(), body.ID, 0
	st.Contacts = []ContactRecord{c}
	st.enqueue(&protocol.ConnectRequest{ID: body.ID, Target: cert.Address(), Data: data}, body.ID, name, now)
	return st, nil
}

// noSession says why there can be no session with a person.
func noSession(err error, name string) error {
	switch {
	case errors.Is(err, e2e.ErrSelf):
		return &Error{Code: CodeUsage, Err: err, Text: "You cannot connect to yourself."}
	case errors.Is(err, e2e.ErrPending):
		return &Error{Code: CodeRateLimit, Err: err, Text: fmt.Sprintf("%s has been asked %d times and has not answered. Your requests wait for them at the relay; ask them by another way.", name, e2e.MaxPending)}
	case errors.Is(err, e2e.ErrVersion):
		return &Error{Code: CodeRefused, Err: err, Text: name + " has an account from before the end-to-end protocol was complete. Ask them to make a new one with the present version of chat."}
	}
	return &Error{Code: CodeRefused, Err: err, Text: "The keys that the relay shows for " + name + " cannot be used. Ask them to update chat, and tell the relay's operator."}
}

// accept agrees to a request that came in.
func (s *session) accept(name string, now time.Time) (*step, error) {
	c, err := s.contact(name)
	if err != nil || c.State == Blocked || c.State == Requested {
		return nil, &Error{Code: CodeNotFound, Text: "There is no request of " + name + " to accept. See them with: chat requests"}
	}
	if c.State == Accepted {
		return &step{}, nil
	}
	if err := c.mustLook(); err != nil {
		return nil, err
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	st := &step{}
	return st, s.acceptInto(st, c, now)
}

// acceptInto adds the answer to a request. It goes into a full outbox too, or
// a crossed request that arrives could keep the connection from emptying it.
func (s *session) acceptInto(st *step, c ContactRecord, now time.Time) error {
	body := newContent(contentAccept, "", now)
	c, sealed, err := s.seal(c, body, now)
	if err != nil {
		return err
	}
	if c.State != Accepted {
		c.State, c.Since = Accepted, now
	}
	st.Contacts = append(st.Contacts, c)
	st.enqueue(&protocol.AcceptConnection{ID: body.ID, Target: c.Certificate.Address(), Data: sealed}, body.ID, c.Name, now)
	return nil
}

// reject forgets a request that came in.
func (s *session) reject(name string, now time.Time) (*step, error) {
	c, err := s.contact(name)
	if err != nil || c.State != Incoming {
		return nil, &Error{Code: CodeNotFound, Text: "There is no request of " + name + " to reject. See them with: chat requests"}
	}
	st := &step{}
	st.forget(c, now)
	id := crypto.NewMessageID()
	st.enqueue(&protocol.RejectConnection{ID: id, Target: crypto.Username(c.Name)}, id, c.Name, now)
	return st, nil
}

// forget ends a relation and keeps the pin.
func (st *step) forget(c ContactRecord, now time.Time) {
	c.State, c.Since, c.Note = Known, now, ""
	st.Contacts = append(st.Contacts, c)
}

// block ends the relation to a person, who need not be a contact.
func (s *session) block(name string, now time.Time) (*step, error) {
	user, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	if user == s.keys.Certificate.User {
		return nil, &Error{Code: CodeUsage, Text: "You cannot block yourself."}
	}
	c, ok := s.contacts[user]
	if ok && c.State == Blocked {
		return &step{}, nil
	}
	if !ok {
		c = ContactRecord{Contact: Contact{Name: name}}
	}
	c.State, c.Since, c.Note = Blocked, now, ""
	st := &step{}
	st.Contacts = []ContactRecord{c}
	for id, it := range s.outbox { // what has not left must not arrive after the block
		if it.Contact == name {
			st.Settle = append(st.Settle, id)
			if it.Kind == kindMessage && !it.Stored {
				st.States = append(st.States, StateChange{id, Failed, "you blocked " + name})
			}
		}
	}
	id := crypto.NewMessageID()
	st.enqueue(&protocol.Block{ID: id, Target: user}, id, name, now)
	return st, nil
}
