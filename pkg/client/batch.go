package client

import (
	"slices"

	"secure-messaging/pkg/crypto"
)

// batch is a row of steps that are written in one transaction. Each is computed
// on what those before it leave behind: the session takes them over at once,
// and gives them back if the transaction fails. While a batch is open, it
// stands between the session and its store, and answers for what is not
// written yet.
type batch struct {
	Changes  // of all steps, to be written
	session  *session
	under    lookups // what the session asks while no batch is open
	steps    []*step
	contacts undo[crypto.Username, ContactRecord]
	outbox   undo[crypto.MessageID, OutboxItem]
	prekeys  undo[crypto.PrekeyID, PrekeyInfo]
	prekey   crypto.PrekeyID
	settings Settings
	uploads  []Upload
	groups   undo[string, GroupRecord]
	fanouts  undo[crypto.MessageID, Fanout]
	spent    [][]byte // states of sessions that steps have replaced
}

// begin opens a batch. Exactly one of keep and giveBack has to end it.
func (s *session) begin() *batch {
	b := &batch{
		session: s, under: s.stored, prekey: s.prekey, settings: s.settings, uploads: s.uploads,
		contacts: make(undo[crypto.Username, ContactRecord]),
		outbox:   make(undo[crypto.MessageID, OutboxItem]),
		prekeys:  make(undo[crypto.PrekeyID, PrekeyInfo]),
		groups:   make(undo[string, GroupRecord]),
		fanouts:  make(undo[crypto.MessageID, Fanout]),
	}
	s.stored = b
	return b
}

// add lets the session take over a step and adds it to what is written.
func (b *batch) add(st *step) {
	touched, before := b.note(st)
	regrouped := b.noteGroups(st)
	b.spent = append(b.spent, b.session.apply(st)...)
	for i, name := range touched {
		if c := b.session.contacts[name].Contact; len(st.Messages) > 0 || c != before[i] {
			st.touched = append(st.touched, c)
		}
	}
	for _, name := range regrouped {
		st.grouped = append(st.grouped, b.session.shown(b.session.groups[name]))
	}
	b.steps = append(b.steps, st)
	for _, c := range st.Contacts {
		if i := slices.IndexFunc(b.Contacts, func(o ContactRecord) bool { return o.Name == c.Name }); i >= 0 {
			b.Contacts[i] = c
		} else {
			b.Contacts = append(b.Contacts, c)
		}
	}
	b.Messages = append(b.Messages, st.Messages...)
	b.States = append(b.States, st.States...)
	b.Enqueue = append(b.Enqueue, st.Enqueue...)
	b.Settle = append(b.Settle, st.Settle...)
	b.Stored = append(b.Stored, st.Stored...)
	b.Groups = append(b.Groups, st.Groups...)
	b.Fanouts = append(b.Fanouts, st.Fanouts...)
	b.Uploads = slices.DeleteFunc(b.Uploads, func(u Upload) bool { return slices.Contains(st.Uploaded, u.Blob) })
	b.Uploads = append(b.Uploads, st.Uploads...)
	b.Uploaded = append(b.Uploaded, st.Uploaded...)
	b.Saves = append(b.Saves, st.Saves...)
	b.change(st)
	b.AddPrekeys = append(b.AddPrekeys, st.AddPrekeys...)
	b.ReplacePrekeys = append(b.ReplacePrekeys, st.ReplacePrekeys...)
	b.DropPrekeys = append(b.DropPrekeys, st.DropPrekeys...)
	b.AddHandshakes = append(b.AddHandshakes, st.AddHandshakes...)
}

// note remembers what a step is about to change, and returns the names of the
// contacts among it, and what those were before.
func (b *batch) note(st *step) (touched []crypto.Username, before []Contact) {
	for _, c := range st.Contacts {
		touched = append(touched, crypto.Username(c.Name))
	}
	for _, m := range st.Messages {
		if !isGroup(m.Contact) {
			touched = append(touched, crypto.Username(m.Contact))
		}
	}
	slices.Sort(touched)
	touched = slices.Compact(touched)
	for _, name := range touched {
		b.contacts.note(b.session.contacts, name)
		before = append(before, b.session.contacts[name].Contact)
	}
	for _, it := range st.Enqueue {
		b.outbox.note(b.session.outbox, it.ID)
	}
	for _, id := range slices.Concat(st.Stored, st.Settle) {
		b.outbox.note(b.session.outbox, id)
	}
	for _, k := range st.AddPrekeys {
		b.prekeys.note(b.session.prekeys, k.ID)
	}
	for _, k := range st.ReplacePrekeys {
		b.prekeys.note(b.session.prekeys, k.ID)
	}
	for _, id := range st.DropPrekeys {
		b.prekeys.note(b.session.prekeys, id)
	}
	return touched, before
}

// keep ends a batch that has been written.
func (b *batch) keep() {
	b.session.stored = b.under
	messages := b.Messages
	for _, st := range b.steps {
		messages = messages[copy(st.Messages, messages):] // with their cursors
	}
	for _, state := range b.spent {
		clear(state)
	}
}

// giveBack ends a batch that has not been written: the session is as it was.
func (b *batch) giveBack() {
	s := b.session
	s.stored = b.under
	b.contacts.restore(s.contacts)
	b.outbox.restore(s.outbox)
	b.prekeys.restore(s.prekeys)
	b.groups.restore(s.groups)
	b.fanouts.restore(s.fanouts)
	s.prekey, s.settings, s.uploads, s.waiting = b.prekey, b.settings, b.uploads, sending(b.uploads)
	for _, it := range s.outbox {
		if it.counts() {
			s.waiting++
		}
	}
}

// Seen implements lookups.
func (b *batch) Seen(from crypto.Address, id crypto.MessageID) (bool, error) {
	text := id.String()
	if slices.ContainsFunc(b.Messages, func(m NewMessage) bool { return m.ID == text && m.Author == from }) ||
		slices.ContainsFunc(b.Heard, func(h Heard) bool { return h.ID == id && h.Author == from }) {
		return true, nil
	}
	return b.under.Seen(from, id)
}

// Prekey implements lookups.
func (b *batch) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, error) {
	if slices.Contains(b.DropPrekeys, id) {
		return crypto.PrekeyPrivate{}, ErrNotFound
	}
	for _, k := range b.AddPrekeys {
		if k.ID == id && k.Kind == kind {
			return k, nil
		}
	}
	return b.under.Prekey(kind, id)
}

// Handshakes implements lookups.
func (b *batch) Handshakes(signed crypto.PrekeyID, ephemeral crypto.BoxPublic) (seen bool, count int, err error) {
	if slices.Contains(b.DropPrekeys, signed) {
		return false, 0, nil
	}
	seen, count, err = b.under.Handshakes(signed, ephemeral)
	for _, h := range b.AddHandshakes {
		if h.Signed == signed {
			count++
			seen = seen || h.Ephemeral == ephemeral
		}
	}
	return seen, count, err
}

// undo remembers what a map held before it was changed; nil is for nothing.
type undo[K comparable, V any] map[K]*V

func (u undo[K, V]) note(m map[K]V, k K) {
	if _, noted := u[k]; noted {
		return
	}
	u[k] = nil
	if v, ok := m[k]; ok {
		u[k] = &v
	}
}

func (u undo[K, V]) restore(m map[K]V) {
	for k, v := range u {
		if v != nil {
			m[k] = *v
		} else {
			delete(m, k)
		}
	}
}
