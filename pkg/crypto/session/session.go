package session

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/handshake"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/padding"
	"secure-messaging/pkg/crypto/ratchet"
)

// Limits for one device of a contact.
const (
	// MaxPending bounds the sessions that this device has begun and that have
	// not been answered, and PendingLifetime how long they count: then no
	// relay keeps the request any more.
	MaxPending      = 3
	PendingLifetime = 30 * 24 * time.Hour
	// MaxSessions bounds the sessions that are kept: what we have begun, what
	// they have, and two from before. One that is not the front is dropped when
	// nothing has happened in it for IdleLifetime: nothing is on its way then.
	MaxSessions  = 2*MaxPending + 2
	IdleLifetime = 30 * 24 * time.Hour
)

// What callers need of the parts.
type (
	// Local is what this device brings to a session.
	Local = handshake.Local
	// Bundle is what the relay hands out about a device.
	Bundle = handshake.Bundle
	// Prekeys finds the secrets of this device's own prekeys.
	Prekeys = handshake.Prekeys
)

// Errors of the parts.
var (
	ErrSelf    = handshake.ErrSelf
	ErrVersion = handshake.ErrVersion
)

// ErrOpen is the one answer to bytes that the peer did not seal for this
// device, or that were opened before.
var ErrOpen = errors.New("the message cannot be opened")

// ErrState says that stored bytes are not the state of a session.
var ErrState = ratchet.ErrState

// ErrPending says that MaxPending sessions wait for an answer already.
var ErrPending = errors.New("the other device has been asked already and has not answered")

// ErrNone says that no session was begun.
var ErrNone = errors.New("there is no session")

// Session is what this device shares with one device of a contact. The zero
// Session has been begun by neither.
type Session struct {
	leads bool    // the own account key is the smaller one
	list  []entry // the one to seal with first; immutable
}

// entry is one session of the list.
type entry struct {
	state ratchet.State
	ours  bool  // begun by this device
	asked int64 // when, in seconds since 1970, while nothing has come in it; else 0
	used  int64 // when something was sealed or opened last
}

func (e entry) pending() bool { return e.asked != 0 }

// leads reports whether it is the session of this device that counts where
// both have begun one: its account key is the smaller one.
func leads(local Local, peer crypto.Certificate) bool {
	return bytes.Compare(local.Certificate.Account.Bytes(), peer.Account.Bytes()) < 0
}

func (s Session) with(front entry, rest ...entry) Session {
	s.list = append([]entry{front}, rest...)
	s.list = s.list[:min(len(s.list), MaxSessions)]
	return s
}

// MayAsk reports whether Ask would begin a further session: whether fewer than
// MaxPending wait for an answer.
func (s Session) MayAsk(now time.Time) bool {
	pending := 0
	for _, e := range s.list {
		if e.pending() && now.Unix()-e.asked < int64(PendingLifetime/time.Second) {
			pending++
		}
	}
	return pending < MaxPending
}

// Ask begins a session with the device of a bundle. The text is its first
// message; data carries both.
func (s Session) Ask(local Local, b Bundle, text []byte, now time.Time) (data []byte, next Session, err error) {
	padded := padding.Pad(text)
	defer clear(padded)
	return s.ask(local, b, padded, now, source.System)
}

func (s Session) ask(local Local, b Bundle, padded []byte, now time.Time, src *source.Source) (data []byte, next Session, err error) {
	if !s.MayAsk(now) {
		return nil, Session{}, ErrPending
	}
	hello, state, err := handshake.Ask(local, b, now, src)
	if err != nil {
		return nil, Session{}, err
	}
	sealed, state, err := state.Seal(padded, now)
	if err != nil {
		return nil, Session{}, err
	}
	s.leads = leads(local, b.Certificate)
	return append(hello, sealed...), s.with(entry{state: state, ours: true, asked: max(now.Unix(), 1), used: now.Unix()}, s.list...), nil
}

// Request is a session that somebody has begun with this device, and its first
// message.
type Request struct {
	Certificate crypto.Certificate // of the one who asks; whether it is the right person's is for the caller to know
	Text        []byte
	Signed      crypto.PrekeyID
	OneTime     crypto.PrekeyID // to be deleted in one transaction with what follows from the request; 0 for none
	Ephemeral   crypto.BoxPublic
	state       ratchet.State
	now         time.Time
}

// Answer opens what Ask has sealed. It returns [ErrSelf], [ErrVersion] or
// [ErrOpen]. The caller keeps each Ephemeral for as long as the prekey Signed
// lives, and refuses one that it has seen: that is a copy.
func Answer(local Local, prekeys Prekeys, data []byte, now time.Time) (Request, error) {
	return answer(local, prekeys, data, now, source.System)
}

func answer(local Local, prekeys Prekeys, data []byte, now time.Time, src *source.Source) (Request, error) {
	asked, err := handshake.Answer(local, prekeys, data, now, src)
	if errors.Is(err, handshake.ErrOpen) {
		return Request{}, ErrOpen
	}
	if err != nil {
		return Request{}, err
	}
	opened, state, err := asked.State.Open(asked.Message, now)
	if err != nil {
		return Request{}, ErrOpen
	}
	text, err := padding.Unpad(opened.Padded)
	if err != nil || opened.Skipped > 0 { // it is the first message: a stranger's numbers store nothing here
		return Request{}, ErrOpen
	}
	if state, err = state.Begin(now); err != nil {
		return Request{}, ErrOpen
	}
	return Request{
		Certificate: asked.Certificate, Text: text,
		Signed: asked.Signed, OneTime: asked.OneTime, Ephemeral: asked.Ephemeral, state: state, now: now,
	}, nil
}

// EphemeralOf reads the ephemeral key of a request and the prekey that it
// names, to tell a copy before anything is opened; false if it is no request.
func EphemeralOf(data []byte) (signed crypto.PrekeyID, ephemeral crypto.BoxPublic, ok bool) {
	return handshake.EphemeralOf(data)
}

// Join adds the session that a request has begun. It is the one to seal with:
// the other device holds it for certain.
func (s Session) Join(local Local, r Request) Session {
	s.leads = leads(local, r.Certificate)
	return s.with(entry{state: r.state, used: r.now.Unix()}, s.list...)
}

// Begun reports whether there is a session to seal with.
func (s Session) Begun() bool { return len(s.list) > 0 }

// Seal pads and seals a text. The next session must be stored before the
// sealed bytes leave the device.
func (s Session) Seal(text []byte, now time.Time) (sealed []byte, next Session, err error) {
	padded := padding.Pad(text)
	defer clear(padded)
	return s.seal(padded, now)
}

func (s Session) seal(padded []byte, now time.Time) (sealed []byte, next Session, err error) {
	if !s.Begun() {
		return nil, Session{}, ErrNone
	}
	front := s.list[0]
	sealed, front.state, err = front.state.Seal(padded, now)
	if err != nil {
		return nil, Session{}, err
	}
	front.used = now.Unix()
	return sealed, s.with(front, s.list[1:]...), nil
}

// Opened is a text that came in.
type Opened struct {
	Text []byte
	// Skipped counts the messages in front of this one that have not come, and
	// that no message before has counted.
	Skipped int
}

// Open opens what the other device has sealed, or returns [ErrOpen]. The next
// session must be stored in one transaction with the text.
func (s Session) Open(sealed []byte, now time.Time) (Opened, Session, error) {
	tag, ok := ratchet.TagOf(sealed)
	i := slices.IndexFunc(s.list, func(e entry) bool { return e.state.Tag() == tag })
	if !ok || i < 0 {
		return Opened{}, Session{}, ErrOpen
	}
	opened, state, err := s.list[i].state.Open(sealed, now)
	if err != nil {
		return Opened{}, Session{}, ErrOpen
	}
	text, err := padding.Unpad(opened.Padded)
	if err != nil {
		return Opened{}, Session{}, ErrOpen
	}
	list := slices.Clone(s.list)
	list[i].state, list[i].asked, list[i].used = state, 0, now.Unix()
	for j := i + 1; j < len(list); j++ { // nobody waits any more for an answer in those begun before
		list[j].asked = 0
	}
	if front := list[0]; i > 0 && !(front.ours && s.leads) && !(front.pending() && list[i].ours) {
		e := list[i]
		list = slices.Insert(slices.Delete(list, i, i+1), 0, e)
	}
	s.list = list
	return Opened{text, opened.Skipped}, s, nil
}

// Prune forgets what is too old to be waited for: sessions that are not the
// front, and the keys of messages that were overtaken. It reports whether
// there was anything.
func (s Session) Prune(now time.Time) (next Session, changed bool) {
	var list []entry
	for i, e := range s.list {
		if i > 0 && now.Unix()-e.used >= int64(IdleLifetime/time.Second) {
			changed = true
			continue
		}
		state, pruned := e.state.Prune(now)
		changed = changed || pruned
		e.state = state
		list = append(list, e)
	}
	s.list = list
	return s, changed
}

// Retract takes back the session that this device has begun last, if nothing
// has come in it: its request has reached nobody.
func (s Session) Retract() Session {
	if len(s.list) > 0 && s.list[0].pending() {
		s.list = s.list[1:]
	}
	return s
}
