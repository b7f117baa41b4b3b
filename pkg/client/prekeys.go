package client

import (
	"errors"
	"slices"
	"time"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// How this device keeps its prekeys.
const (
	// prekeyStock is how many one-time prekeys should wait at the relay.
	prekeyStock = 50
	// prekeyRotation is how old a signed prekey becomes before a newer one
	// takes its place, and prekeyGrace how long its secret is kept after that,
	// for requests that are on their way.
	prekeyRotation = 7 * 24 * time.Hour
	prekeyGrace    = 14 * 24 * time.Hour
	// maxSigned bounds the signed prekeys that are kept; four are what a
	// rotation every week needs.
	maxSigned = 8
	// maxAhead bounds how far the relay's word may move the ids: a profile that
	// was put back to an older copy of itself is behind by what it published.
	maxAhead = 1 << 20
	// maxOneTime bounds the secrets of one-time prekeys: a relay that goes on
	// asking for more gets the oldest forgotten.
	maxOneTime = 500
	// maxHandshakes bounds the requests that are remembered under one signed
	// prekey, 400 KB. With half of them, the next prekey is due; past it,
	// requests are refused until then.
	maxHandshakes = 10000
)

// stock is the relay's word on what it holds of this device.
type stock struct {
	signed  crypto.PrekeyID
	oneTime int
}

// maintain makes, replaces and drops prekeys as they are due, and forgets what
// sessions need no more. Without the relay's word it looks at the clock alone.
func (s *session) maintain(at *stock, now time.Time) (*step, error) {
	st := &step{}
	for _, c := range s.contacts {
		if peer, err := e2e.Restore(c.Session); err == nil {
			if peer, changed := peer.Prune(now); changed {
				c.Session = peer.State()
				st.Contacts = append(st.Contacts, c)
			}
		}
	}
	newest := s.newestSigned()
	for _, k := range s.prekeys {
		// A clock that was far ahead must not keep it for ever, either.
		if age := now.Sub(k.Replaced); !k.Replaced.IsZero() && (age >= prekeyGrace || age < -prekeyGrace) {
			st.DropPrekeys = append(st.DropPrekeys, k.ID)
		}
	}
	if s.publishing() {
		at = nil // its word is out of date
	}
	_, handshakes, err := s.stored.Handshakes(newest.ID, crypto.BoxPublic{})
	if err != nil {
		return nil, err
	}
	frame := &protocol.PublishPrekeys{ID: crypto.NewMessageID()}
	next := s.prekey
	ahead := at != nil && at.signed > newest.ID // this profile is an older copy of itself
	if ahead && at.signed-newest.ID <= maxAhead {
		next = max(next, at.signed)
	}
	add := func(kind crypto.PrekeyKind) protocol.RawPrekey {
		next++
		k := crypto.NewPrekey(kind, next, now)
		st.AddPrekeys = append(st.AddPrekeys, k)
		return k.Sign(s.keys.Certificate, s.keys.Device).Raw()
	}
	switch age := now.Sub(newest.Created); {
	case newest.ID == 0 || age >= prekeyRotation || handshakes >= maxHandshakes/2 || ahead,
		age < -prekeyRotation: // made by a clock that was far ahead
		frame.Signed = add(crypto.PrekeySigned)
		if newest.ID != 0 {
			newest.Replaced = now.Round(0) // without the monotonic reading, which stands still while a laptop sleeps
			st.ReplacePrekeys = []PrekeyInfo{newest}
		}
	case at != nil && at.signed < newest.ID:
		k, err := s.stored.Prekey(crypto.PrekeySigned, newest.ID)
		if err != nil {
			return nil, err
		}
		frame.Signed = k.Sign(s.keys.Certificate, s.keys.Device).Raw()
	}
	if at != nil && at.oneTime <= protocol.LowPrekeys {
		for range prekeyStock - at.oneTime {
			frame.OneTime = append(frame.OneTime, add(crypto.PrekeyOneTime))
		}
		st.DropPrekeys = append(st.DropPrekeys, s.oldest(crypto.PrekeyOneTime, len(frame.OneTime), maxOneTime)...)
	}
	st.DropPrekeys = append(st.DropPrekeys, s.oldest(crypto.PrekeySigned, len(st.ReplacePrekeys), maxSigned)...)
	if frame.Signed != nil || frame.OneTime != nil {
		st.enqueue(frame, frame.ID, "", now)
	}
	return st, nil
}

// newestSigned is the signed prekey in force, zero if there is none.
func (s *session) newestSigned() (newest PrekeyInfo) {
	for _, k := range s.prekeys {
		if k.Kind == crypto.PrekeySigned && k.ID > newest.ID {
			newest = k
		}
	}
	return newest
}

// oldest names the prekeys of a kind that have to go for n new ones, so that
// no more than max are kept.
func (s *session) oldest(kind crypto.PrekeyKind, n, max int) []crypto.PrekeyID {
	var ids []crypto.PrekeyID
	for id, k := range s.prekeys {
		if k.Kind == kind {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if surplus := len(ids) + n - max; surplus > 0 {
		return ids[:surplus]
	}
	return nil
}

// publishing reports whether prekeys are on their way to the relay, whose word
// on its stock is out of date then.
func (s *session) publishing() bool {
	for _, it := range s.outbox {
		if it.Kind == kindPrekeys {
			return true
		}
	}
	return false
}

func (s *session) applyPrekeys(st *step) {
	for _, k := range st.AddPrekeys {
		s.prekeys[k.ID] = PrekeyInfo{Kind: k.Kind, ID: k.ID, Created: k.Created}
		s.prekey = max(s.prekey, k.ID)
	}
	for _, k := range st.ReplacePrekeys {
		s.prekeys[k.ID] = k
	}
	for _, id := range st.DropPrekeys {
		delete(s.prekeys, id)
	}
}

// secrets finds prekeys for a handshake and keeps what the store has failed
// with.
type secrets struct {
	stored lookups
	err    error
}

// Prekey implements session.Prekeys.
func (f *secrets) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, bool) {
	k, err := f.stored.Prekey(kind, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		f.err = err
	}
	return k, err == nil
}
