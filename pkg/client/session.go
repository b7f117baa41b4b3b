package client

import (
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
// out as a step. Nothing of the session changes until a batch takes the step
// over.
type session struct {
	keys     Keys
	contacts map[crypto.Username]ContactRecord
	outbox   map[crypto.MessageID]OutboxItem // without Frame
	waiting  int                             // of outbox, what the relay does not have
	prekeys  map[crypto.PrekeyID]PrekeyInfo
	prekey   crypto.PrekeyID // the highest id ever given
	settings Settings
	typed    map[crypto.Username]time.Time // when they were last told that the user writes
	uploads  []Upload                      // in their order; never changed in place
	groups   map[string]GroupRecord        // by their names here
	fanouts  map[crypto.MessageID]Fanout
	stored   lookups

	regrouped bool // who is a contact has changed since it was last looked at
}

// lookups is what a session asks its store.
type lookups interface {
	Seen(crypto.Address, crypto.MessageID) (bool, error)
	Prekey(crypto.PrekeyKind, crypto.PrekeyID) (crypto.PrekeyPrivate, error)
	Handshakes(crypto.PrekeyID, crypto.BoxPublic) (seen bool, count int, err error)
	Written(crypto.Address, crypto.MessageID) (Message, error)
	Place(cursor int64) (NewMessage, error)
	History(Query) ([]Message, error)
}

// step is what follows from one input. The zero step changes nothing.
type step struct {
	Changes
	ack      uint64   // mailbox position that may be acked once the changes are written
	warnings []string // for the user
	leave    error    // why this connection has to end: the relay wants to be sent it all again later
	refused  error    // what a wish has come to, for its caller, once the changes are written
	caughtUp bool     // what had waited at the relay has all come

	writing string             // who is heard to be writing
	hint    *hint              // what goes now or never
	read    []crypto.MessageID // of this device, what they are told to have read
	touched []Contact          // of its changes, as they were right after them
	grouped []Group            // the same of groups
	group   string             // that it is about, for its caller
}

func newSession(l Loaded, stored lookups) *session {
	s := &session{
		keys:     l.Keys,
		contacts: make(map[crypto.Username]ContactRecord, len(l.Contacts)),
		outbox:   make(map[crypto.MessageID]OutboxItem, len(l.Outbox)),
		prekeys:  make(map[crypto.PrekeyID]PrekeyInfo, len(l.Prekeys)),
		prekey:   l.Prekey,
		settings: l.Settings,
		typed:    make(map[crypto.Username]time.Time),
		uploads:  l.Uploads,
		groups:   make(map[string]GroupRecord, len(l.Groups)),
		fanouts:  make(map[crypto.MessageID]Fanout, len(l.Fanouts)),
		stored:   stored,
	}
	for _, g := range l.Groups {
		s.groups[g.Name] = g
	}
	for _, f := range l.Fanouts {
		s.fanouts[f.Message] = f
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
	s.waiting += sending(s.uploads)
	return s
}

func (s *session) local() e2e.Local {
	return e2e.Local{Certificate: s.keys.Certificate, Box: s.keys.Box}
}

// apply takes over a step. It returns the states of sessions that are not in
// force any more.
func (s *session) apply(st *step) (spent [][]byte) {
	for _, c := range st.Contacts {
		old := s.contacts[crypto.Username(c.Name)]
		s.regrouped = s.regrouped || (old.State == Accepted) != (c.State == Accepted) || (old.Trust == Changed) != (c.Trust == Changed)
		c.Unread, c.LastAt, c.Online = old.Unread, old.LastAt, old.Online && c.State == Accepted
		s.contacts[crypto.Username(c.Name)] = c
		if len(old.Session) > 0 && (len(c.Session) == 0 || &old.Session[0] != &c.Session[0]) {
			spent = append(spent, old.Session)
		}
	}
	s.applyGroups(st)
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
	if st.Settings != nil {
		s.settings = *st.Settings
	}
	s.applyPrekeys(st)
	s.applyUploads(st)
	return spent
}

func (s *session) keep(it OutboxItem) {
	it.Frame = nil
	s.outbox[it.ID] = it
	if it.counts() {
		s.waiting++
	}
}

// counts reports whether an item is one that its user waits for.
func (it OutboxItem) counts() bool {
	return !it.Stored && it.Kind != kindPrekeys && it.Kind != contentRead
}

// carried reports whether an item is a content in the frame of a message.
func (it OutboxItem) carried() bool { return it.Kind == kindMessage || quiet(it.Kind) }

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

// seal advances the session with a contact and returns the record to store.
func (s *session) seal(c ContactRecord, body content, now time.Time) (ContactRecord, []byte, error) {
	peer, err := e2e.Restore(c.Session)
	if err != nil {
		return c, nil, damaged(c.Name, err)
	}
	if body.Type != contentTyping { // one that is not sent after all must not look lost
		c.Sent++
	}
	body.N = c.Sent
	text := body.encode()
	sealed, next, err := peer.Seal(text, now)
	clear(text)
	if err != nil {
		return c, nil, damaged(c.Name, err)
	}
	c.Session = next.State()
	return c, sealed, nil
}

// usable returns why nothing can be sealed for a contact.
func (c *ContactRecord) usable() error {
	peer, err := e2e.Restore(c.Session)
	if err == nil && !peer.Begun() {
		err = e2e.ErrNone
	}
	if err != nil {
		return damaged(c.Name, err)
	}
	return nil
}

func damaged(name string, err error) error {
	return &Error{Code: CodeInternal, Err: err, Text: "The stored session with " + name + " cannot be used. Ask them again: chat connect " + name}
}

func (st *step) enqueue(f protocol.Frame, id crypto.MessageID, contact string, now time.Time) {
	st.Enqueue = append(st.Enqueue, outboxItem(f, id, contact, now))
}

func outboxItem(f protocol.Frame, id crypto.MessageID, contact string, now time.Time) OutboxItem {
	return OutboxItem{ID: id, Kind: f.Type(), Contact: contact, Frame: protocol.Encode(f), At: now}
}

// forget ends a relation and keeps the pin. The sessions go: what comes late
// in one must not count in a relation that begins anew.
func (st *step) forget(c ContactRecord, now time.Time) {
	c.State, c.Since, c.Note = Known, now, ""
	c.Session, c.Lost, c.Heard = nil, 0, 0
	st.Contacts = append(st.Contacts, c)
}
