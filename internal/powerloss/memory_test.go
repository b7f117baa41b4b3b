package powerloss

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// memory is a client.Store whose commits are durable by definition: what the
// power does to a device is tested where its store is. It keeps copies, as a
// disk would.
type memory struct {
	mu       sync.Mutex
	keys     client.Keys
	contacts map[string]client.ContactRecord
	messages []client.Message // each at its cursor, less one
	index    map[origin]int   // of messages
	outbox   []client.OutboxItem
	position int64
	prekeys  map[crypto.PrekeyID]held
	last     crypto.PrekeyID
	requests map[client.Handshake]bool
	twice    bool // it takes a message a second time
}

type origin struct {
	author crypto.Address
	id     string
}

type held struct {
	client.PrekeyInfo
	secret crypto.PrekeyPrivate
}

func newMemory(k client.Keys, first crypto.PrekeyPrivate) *memory {
	m := &memory{
		keys: k, contacts: map[string]client.ContactRecord{}, index: map[origin]int{},
		prekeys: map[crypto.PrekeyID]held{}, requests: map[client.Handshake]bool{},
	}
	m.addPrekey(first)
	return m
}

func (m *memory) addPrekey(k crypto.PrekeyPrivate) {
	m.prekeys[k.ID] = held{client.PrekeyInfo{Kind: k.Kind, ID: k.ID, Created: k.Created}, k}
	m.last = max(m.last, k.ID)
}

// Load implements client.Store.
func (m *memory) Load() (client.Loaded, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := client.Loaded{Keys: m.keys, Outbox: slices.Clone(m.outbox), Prekey: m.last, Profile: "memory"}
	for _, c := range m.contacts {
		c.Session = slices.Clone(c.Session)
		l.Contacts = append(l.Contacts, c)
	}
	for _, k := range m.prekeys {
		l.Prekeys = append(l.Prekeys, k.PrekeyInfo)
	}
	slices.SortFunc(l.Prekeys, func(a, b client.PrekeyInfo) int { return cmp.Compare(a.ID, b.ID) })
	return l, nil
}

// Commit implements client.Store.
func (m *memory) Commit(ch *client.Changes) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, msg := range ch.Messages {
		if _, there := m.index[origin{msg.Author, msg.ID}]; there && !m.twice {
			return &client.Error{Code: client.CodeInternal, Text: "A message is stored twice."}
		}
	}
	m.commitKeys(ch)
	for _, c := range ch.Contacts {
		c.Session = slices.Clone(c.Session)
		c.Unread, c.LastAt = 0, time.Time{}
		m.contacts[c.Name] = c
	}
	for i := range ch.Messages {
		msg := &ch.Messages[i]
		msg.Cursor = int64(len(m.messages) + 1)
		m.index[origin{msg.Author, msg.ID}] = len(m.messages)
		m.messages = append(m.messages, msg.Message)
	}
	for _, s := range ch.States {
		if i, ok := m.index[origin{m.keys.Certificate.Address(), s.ID.String()}]; ok {
			m.messages[i].State, m.messages[i].Reason = s.State, s.Reason
		}
	}
	for i := range ch.Enqueue {
		m.position++
		ch.Enqueue[i].Position = m.position
		it := ch.Enqueue[i]
		it.Frame = slices.Clone(it.Frame)
		m.outbox = append(m.outbox, it)
	}
	for i := range m.outbox {
		if slices.Contains(ch.Stored, m.outbox[i].ID) {
			m.outbox[i].Stored = true
		}
	}
	m.outbox = slices.DeleteFunc(m.outbox, func(it client.OutboxItem) bool { return slices.Contains(ch.Settle, it.ID) })
	return nil
}

func (m *memory) commitKeys(ch *client.Changes) {
	for _, k := range ch.AddPrekeys {
		m.addPrekey(k)
	}
	for _, k := range ch.ReplacePrekeys {
		h := m.prekeys[k.ID]
		h.Replaced = k.Replaced
		m.prekeys[k.ID] = h
	}
	for _, id := range ch.DropPrekeys {
		delete(m.prekeys, id)
		maps.DeleteFunc(m.requests, func(h client.Handshake, _ bool) bool { return h.Signed == id })
	}
	for _, h := range ch.AddHandshakes {
		m.requests[h] = true
	}
}

// Seen implements client.Store.
func (m *memory) Seen(from crypto.Address, id crypto.MessageID) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.index[origin{from, id.String()}]
	return there, nil
}

// Prekey implements client.Store.
func (m *memory) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.prekeys[id]; ok && k.Kind == kind {
		return k.secret, nil
	}
	return crypto.PrekeyPrivate{}, client.ErrNotFound
}

// Handshakes implements client.Store.
func (m *memory) Handshakes(signed crypto.PrekeyID, ephemeral crypto.BoxPublic) (seen bool, count int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h := range m.requests {
		if h.Signed == signed {
			count++
		}
	}
	return m.requests[client.Handshake{Signed: signed, Ephemeral: ephemeral}], count, nil
}

// History implements client.Store.
func (m *memory) History(q client.Query) ([]client.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var got []client.Message
	for _, msg := range m.messages[max(0, q.After):] {
		if len(got) < q.Limit && (q.Contact == "" || msg.Contact == q.Contact) &&
			(q.Before <= 0 || msg.Cursor < q.Before) && !(q.Incoming && msg.Outgoing()) {
			got = append(got, msg)
		}
	}
	return got, nil
}

// Sent implements client.Store.
func (m *memory) Sent(id crypto.MessageID) (client.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, ok := m.index[origin{m.keys.Certificate.Address(), id.String()}]; ok {
		return m.messages[i], nil
	}
	return client.Message{}, client.ErrNotFound
}

// Written implements client.Store. Nobody says anything about a message here.
func (m *memory) Written(crypto.Address, crypto.MessageID) (client.Message, error) {
	return client.Message{}, client.ErrNotFound
}

// Place implements client.Store.
func (m *memory) Place(int64) (client.NewMessage, error) {
	return client.NewMessage{}, client.ErrNotFound
}

// MarkRead implements client.Store. Nobody reads here.
func (m *memory) MarkRead(string, int64, time.Time) (none client.Marked, err error) { return none, nil }

// Vanish implements client.Store. Nothing disappears.
func (m *memory) Vanish(time.Time, int) (gone []client.Message, next time.Time, err error) {
	return nil, next, nil
}

// Search implements client.Store.
func (m *memory) Search(client.Search) ([]client.Message, error) { return nil, nil }

// Views implements client.Store.
func (m *memory) Views() ([]client.View, error) { return nil, nil }

// SetView implements client.Store.
func (m *memory) SetView(client.View) error { return nil }

// NewCopy implements client.Store. Nobody sends files here.
func (m *memory) NewCopy(crypto.FileID) (client.Copy, error) { return nil, errNoCopies }

// OpenCopy implements client.Store.
func (m *memory) OpenCopy(crypto.FileID) (io.ReadCloser, error) { return nil, errNoCopies }

// DropCopy implements client.Store.
func (m *memory) DropCopy(crypto.FileID) error { return nil }

var errNoCopies = &client.Error{Code: client.CodeStorage, Text: "This store takes no files."}

// Consumers implements client.Store. There are none.
func (m *memory) Consumers() ([]client.Consumer, error) { return nil, nil }

// Ack implements client.Store.
func (m *memory) Ack(string, int64, time.Time) error { return nil }

// DropConsumer implements client.Store.
func (m *memory) DropConsumer(string) error { return nil }

// Outbox implements client.Store.
func (m *memory) Outbox(after int64, max int) (items []client.OutboxItem, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range m.outbox {
		if it.Position > after && len(items) < max {
			it.Frame = slices.Clone(it.Frame)
			items = append(items, it)
		}
	}
	return items, nil
}

// watched is a store that says when something was committed.
type watched struct {
	client.Store
	kept func()
}

// Commit implements client.Store.
func (w watched) Commit(ch *client.Changes) error {
	err := w.Store.Commit(ch)
	w.kept()
	return err
}

// full is a store on a disk without room.
type full struct{ client.Store }

// Commit implements client.Store.
func (full) Commit(*client.Changes) error {
	return &client.Error{Code: client.CodeStorage, Err: syscall.ENOSPC, Text: "The disk is full. Free some space."}
}

// forgetful is a store that knows no message again, and takes all.
type forgetful struct{ *memory }

func newForgetful(m *memory) forgetful {
	m.twice = true
	return forgetful{m}
}

// Seen implements client.Store.
func (forgetful) Seen(crypto.Address, crypto.MessageID) (bool, error) { return false, nil }
