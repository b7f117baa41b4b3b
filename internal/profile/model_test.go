package profile

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// model is what a store must hold after the changes that it was given.
type model struct {
	Contacts   map[string]client.ContactRecord
	Messages   []client.Message
	Outbox     []client.OutboxItem
	Prekeys    []client.PrekeyInfo
	Secrets    map[crypto.PrekeyID]string
	Handshakes map[string]crypto.PrekeyID // by ephemeral key

	Settings  client.Settings
	Views     map[string]client.View
	Consumers map[string]client.Consumer
	Heard     map[string]time.Time // by id

	Highest crypto.PrekeyID // that was ever given

	cursors   int64 // given to messages
	positions int64 // given in the outbox
}

func newModel(first crypto.PrekeyPrivate) model {
	m := model{
		Contacts: map[string]client.ContactRecord{}, Secrets: map[crypto.PrekeyID]string{}, Handshakes: map[string]crypto.PrekeyID{},
		Settings: client.DefaultSettings,
	}
	return m.afterPrekeys(&client.Changes{AddPrekeys: []crypto.PrekeyPrivate{first}})
}

// secret writes a prekey down.
func secret(k crypto.PrekeyPrivate) string {
	text, err := k.MarshalText()
	if err != nil {
		panic(err)
	}
	return string(text)
}

// after gives the model with the changes made, and leaves m as it is.
func (m model) after(c *client.Changes) model {
	m.Contacts, m.Secrets, m.Handshakes, m.Views = maps.Clone(m.Contacts), maps.Clone(m.Secrets), maps.Clone(m.Handshakes), maps.Clone(m.Views)
	m.Messages, m.Outbox, m.Prekeys = slices.Clone(m.Messages), slices.Clone(m.Outbox), slices.Clone(m.Prekeys)
	for _, r := range c.Contacts {
		m.Contacts[r.Name] = r
	}
	for _, n := range c.Messages {
		m.cursors++
		n.Cursor = m.cursors
		m.Messages = append(m.Messages, n.Message)
	}
	for _, change := range c.States {
		for i := range m.Messages {
			if m.Messages[i].ID == change.ID.String() && m.Messages[i].State != client.Read {
				m.Messages[i].State, m.Messages[i].Reason = change.State, change.Reason
			}
		}
	}
	m.change(c)
	m.hear(c)
	for _, it := range c.Enqueue {
		m.positions++
		it.Position = m.positions
		m.Outbox = append(m.Outbox, it)
	}
	for i := range m.Outbox {
		m.Outbox[i].Stored = m.Outbox[i].Stored || slices.Contains(c.Stored, m.Outbox[i].ID)
	}
	m.Outbox = slices.DeleteFunc(m.Outbox, func(it client.OutboxItem) bool { return slices.Contains(c.Settle, it.ID) })
	return m.afterPrekeys(c)
}

// change makes the changes to messages that are there.
func (m model) change(c *client.Changes) {
	find := func(id crypto.MessageID) *client.Message {
		i := slices.IndexFunc(m.Messages, func(msg client.Message) bool { return msg.ID == id.String() })
		if i < 0 || m.Messages[i].Deleted {
			return new(client.Message)
		}
		return &m.Messages[i]
	}
	for _, r := range c.Rewrites {
		msg := find(r.ID)
		msg.Text, msg.Edited, msg.Deleted = r.Text, !r.Deleted, r.Deleted
		if r.Deleted {
			msg.Text, msg.Reactions = "", nil
			m.dropEdit(msg.Cursor)
		}
	}
	for _, r := range c.Reacts {
		msg := find(r.ID)
		msg.Reactions = slices.DeleteFunc(slices.Clone(msg.Reactions), func(o client.Reaction) bool { return o.From == string(r.By) })
		if r.Emoji != "" {
			msg.Reactions = append(msg.Reactions, client.Reaction{From: string(r.By), Emoji: r.Emoji})
		}
	}
	for _, r := range c.Reads {
		m.seen(r)
	}
}

// afterPrekeys makes the changes of prekeys to a model that is a copy.
func (m model) afterPrekeys(c *client.Changes) model {
	for _, k := range c.AddPrekeys {
		m.Prekeys = append(m.Prekeys, client.PrekeyInfo{Kind: k.Kind, ID: k.ID, Created: k.Created})
		m.Secrets[k.ID], m.Highest = secret(k), max(m.Highest, k.ID)
	}
	for _, replaced := range c.ReplacePrekeys {
		for i := range m.Prekeys {
			if m.Prekeys[i].ID == replaced.ID {
				m.Prekeys[i].Replaced = replaced.Replaced
			}
		}
	}
	for _, h := range c.AddHandshakes {
		m.Handshakes[string(h.Ephemeral.Bytes())] = h.Signed
	}
	for _, id := range c.DropPrekeys {
		m.Prekeys = slices.DeleteFunc(m.Prekeys, func(k client.PrekeyInfo) bool { return k.ID == id })
		delete(m.Secrets, id)
		maps.DeleteFunc(m.Handshakes, func(_ string, signed crypto.PrekeyID) bool { return signed == id })
	}
	return m
}

// read gives what a store holds.
func read(s *Store) (m model, err error) {
	l, err1 := s.Load()
	var err2, err3 error
	m.Messages, err2 = s.History(client.Query{Limit: 1 << 20})
	m.Outbox, err3 = s.Outbox(0, 1<<20)
	if err := errors.Join(err1, err2, err3); err != nil {
		return m, err
	}
	m.Prekeys, m.Highest, m.Settings = l.Prekeys, l.Prekey, l.Settings
	m.Contacts, m.Secrets, m.Handshakes = map[string]client.ContactRecord{}, map[crypto.PrekeyID]string{}, map[string]crypto.PrekeyID{}
	for _, c := range l.Contacts {
		c.Unread, c.LastAt = 0, time.Time{}
		m.Contacts[c.Name] = c
	}
	for _, info := range l.Prekeys {
		k, err := s.Prekey(info.Kind, info.ID)
		if err != nil {
			return m, err
		}
		m.Secrets[k.ID] = secret(k)
	}
	views, err := s.Views()
	m.Views, m.Heard = map[string]client.View{}, map[string]time.Time{}
	for _, v := range views {
		m.Views[v.Contact] = v
	}
	consumers, err4 := s.Consumers()
	for _, o := range consumers {
		m = m.afterAck(o)
	}
	return m, errors.Join(err, err4, s.read(func() error {
		return errors.Join(s.db.query(`SELECT ephemeral, prekey FROM handshakes`, func(r *sqlite3.Stmt) {
			m.Handshakes[r.ColumnText(0)] = crypto.PrekeyID(r.ColumnInt64(1))
		}), s.db.query(`SELECT id, at FROM heard`, func(r *sqlite3.Stmt) {
			m.Heard[messageID(r, 0)] = columnTime(r, 1)
		}))
	}))
}

var equateModels = cmp.Options{equateCertificates, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(model{})}

// differs says how a store differs from what it must hold.
func (m model) differs(got model) string {
	same := func(a, b client.Message) bool {
		goneAt := a.GoneAt
		if !a.At.Equal(b.At) || !a.SentAt.Equal(b.SentAt) {
			return false
		}
		a.At, a.SentAt, a.GoneAt = b.At, b.SentAt, b.GoneAt
		return goneAt.Equal(b.GoneAt) && reflect.DeepEqual(a, b)
	}
	m.Messages = m.quoting()
	if slices.EqualFunc(m.Messages, got.Messages, same) { // many, and cmp is slow
		m.Messages, got.Messages = nil, nil
	}
	return cmp.Diff(m, got, equateModels)
}
