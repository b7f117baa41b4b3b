package client

import (
	"errors"
	"slices"

	"secure-messaging/pkg/crypto"
)

// What a batch has to say of the messages that contents are about.

// change adds what a step does to messages of the history. A store writes each
// kind of change in one go, so a reaction that was taken before the message was
// deleted is not written any more.
func (b *batch) change(st *step) {
	for _, r := range st.Rewrites {
		if r.Deleted {
			b.Reacts = slices.DeleteFunc(b.Reacts, func(o React) bool { return o.Author == r.Author && o.ID == r.ID })
		}
	}
	b.Rewrites = append(b.Rewrites, st.Rewrites...)
	b.Reacts = append(b.Reacts, st.Reacts...)
	b.Reads = append(b.Reads, st.Reads...)
	b.Heard = append(b.Heard, st.Heard...)
	if st.Settings != nil {
		b.Settings = st.Settings
	}
}

// Written implements lookups.
func (b *batch) Written(author crypto.Address, id crypto.MessageID) (Message, error) {
	text := id.String()
	i := slices.IndexFunc(b.Messages, func(m NewMessage) bool { return m.ID == text && m.Author == author })
	var m Message
	var err error
	if i >= 0 {
		m = b.Messages[i].Message
	} else if m, err = b.under.Written(author, id); err != nil {
		return m, err
	}
	b.rewrite(&m, author, id)
	return m, nil
}

// Place implements lookups. What is not written yet has no cursor.
func (b *batch) Place(cursor int64) (NewMessage, error) {
	m, err := b.under.Place(cursor)
	if err != nil {
		return m, err
	}
	id, err := m.id()
	b.rewrite(&m.Message, m.Author, id)
	return m, err
}

// rewrite does to a message what the batch is going to.
func (b *batch) rewrite(m *Message, author crypto.Address, id crypto.MessageID) {
	for _, r := range b.Rewrites {
		if r.Author == author && r.ID == id && !m.Deleted {
			m.Text, m.Edited, m.Deleted = r.Text, !r.Deleted, r.Deleted
		}
	}
}

// History implements lookups: what is written already.
func (b *batch) History(q Query) ([]Message, error) { return b.under.History(q) }

// id is the id of a message as its author's device gave it.
func (m *Message) id() (id crypto.MessageID, err error) {
	if id.UnmarshalText([]byte(m.ID)) != nil {
		return id, &Error{Code: CodeInternal, Err: errors.New("a stored message has no id"), Text: "The profile holds a message without an id, which is a fault of this program."}
	}
	return id, nil
}
