package client

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
)

// MemStore is a Store that remembers nothing beyond its process. It keeps
// copies, as a disk would.
type MemStore struct {
	mu       sync.Mutex
	keys     Keys
	contacts map[string]ContactRecord
	messages []NewMessage // by cursor
	outbox   []OutboxItem // by position
	prekeys  map[crypto.PrekeyID]heldPrekey
	prekey   crypto.PrekeyID // the highest ever given
	requests map[Handshake]bool
	heard    map[Heard]bool // without At; also what has disappeared
	settings Settings
	views    map[string]View
	reading  map[string]Consumer // nil before the first
	uploads  []Upload
	groups   map[string]GroupRecord
	fanouts  map[crypto.MessageID]Fanout
	copies   map[crypto.FileID][]byte
	cursor   int64
	position int64

	onCommit func(*Changes) error // may refuse, before anything is stored
	onOutbox func() error
	onVanish func() error
}

type heldPrekey struct {
	PrekeyInfo
	secret crypto.PrekeyPrivate
}

// NewMemStore makes a store for a device.
func NewMemStore(k Keys, first crypto.PrekeyPrivate) *MemStore {
	m := &MemStore{
		keys: k, contacts: make(map[string]ContactRecord),
		prekeys: make(map[crypto.PrekeyID]heldPrekey), requests: make(map[Handshake]bool),
		heard: make(map[Heard]bool), settings: DefaultSettings, views: make(map[string]View),
		copies: make(map[crypto.FileID][]byte), groups: make(map[string]GroupRecord), fanouts: make(map[crypto.MessageID]Fanout),
	}
	m.addPrekey(first)
	return m
}

func (m *MemStore) addPrekey(k crypto.PrekeyPrivate) {
	m.prekeys[k.ID] = heldPrekey{PrekeyInfo{Kind: k.Kind, ID: k.ID, Created: k.Created}, k}
	m.prekey = max(m.prekey, k.ID)
}

// Prekey implements Store.
func (m *MemStore) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.prekeys[id]
	if !ok || k.Kind != kind {
		return crypto.PrekeyPrivate{}, ErrNotFound
	}
	return k.secret, nil
}

// Handshakes implements Store.
func (m *MemStore) Handshakes(signed crypto.PrekeyID, ephemeral crypto.BoxPublic) (seen bool, count int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h := range m.requests {
		if h.Signed == signed {
			count++
		}
	}
	return m.requests[Handshake{signed, ephemeral}], count, nil
}

// Load implements Store.
func (m *MemStore) Load() (Loaded, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := Loaded{Keys: m.keys, Profile: "memory", Settings: m.settings}
	for _, c := range m.contacts {
		c.Session = slices.Clone(c.Session)
		for _, msg := range m.messages {
			if msg.Contact == c.Name {
				c.LastAt = msg.At
				if msg.Unread {
					c.Unread++
				}
			}
		}
		l.Contacts = append(l.Contacts, c)
	}
	for _, it := range m.outbox {
		it.Frame = nil
		l.Outbox = append(l.Outbox, it)
	}
	for _, k := range m.prekeys {
		l.Prekeys = append(l.Prekeys, k.PrekeyInfo)
	}
	l.Prekey = m.prekey
	l.Uploads = slices.Clone(m.uploads)
	l.Groups, l.Fanouts = m.loadGroups(), slices.Collect(maps.Values(m.fanouts))
	for id := range m.copies {
		if !slices.ContainsFunc(m.uploads, func(u Upload) bool { return u.Blob == id }) {
			delete(m.copies, id)
		}
	}
	return l, nil
}

// Commit implements Store.
func (m *MemStore) Commit(ch *Changes) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.onCommit != nil {
		if err := m.onCommit(ch); err != nil {
			return err
		}
	}
	for _, msg := range ch.Messages {
		if m.has(msg.Author, msg.ID) {
			return &Error{Code: CodeInternal, Text: "a message is stored twice"}
		}
	}
	for _, h := range ch.AddHandshakes {
		if m.requests[h] {
			return &Error{Code: CodeInternal, Text: "a request is opened twice"}
		}
		m.requests[h] = true
	}
	for _, k := range ch.AddPrekeys {
		m.addPrekey(k)
	}
	for _, k := range ch.ReplacePrekeys {
		held := m.prekeys[k.ID]
		held.Replaced = k.Replaced
		m.prekeys[k.ID] = held
	}
	for _, id := range ch.DropPrekeys {
		delete(m.prekeys, id)
		for h := range m.requests {
			if h.Signed == id {
				delete(m.requests, h)
			}
		}
	}
	for _, c := range ch.Contacts {
		c.Session = slices.Clone(c.Session)
		c.Unread, c.LastAt, c.Online = 0, time.Time{}, false
		m.contacts[c.Name] = c
	}
	for i := range ch.Messages {
		m.cursor++
		ch.Messages[i].Cursor = m.cursor
		m.messages = append(m.messages, ch.Messages[i])
	}
	for _, s := range ch.States {
		if msg := m.find(m.self(), s.ID); msg != nil && msg.State != Read {
			msg.State, msg.Reason = s.State, s.Reason
		}
	}
	m.change(ch)
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
	m.outbox = slices.DeleteFunc(m.outbox, func(it OutboxItem) bool { return slices.Contains(ch.Settle, it.ID) })
	m.changeUploads(ch)
	m.changeGroups(ch)
	return nil
}

func (m *MemStore) has(from crypto.Address, id string) bool {
	var h Heard
	h.Author = from
	h.ID.UnmarshalText([]byte(id))
	return m.heard[h] || slices.ContainsFunc(m.messages, func(msg NewMessage) bool { return msg.Author == from && msg.ID == id })
}

// Seen implements Store.
func (m *MemStore) Seen(from crypto.Address, id crypto.MessageID) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.has(from, id.String()), nil
}

// History implements Store.
func (m *MemStore) History(q Query) ([]Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Message
	for _, msg := range m.messages {
		if (q.Contact == "" || msg.Contact == q.Contact) && msg.Cursor > q.After &&
			(q.Before <= 0 || msg.Cursor < q.Before) && (!q.Incoming || !msg.Outgoing()) && (q.ID == "" || q.ID == msg.ID) {
			all = append(all, m.filled(msg))
		}
	}
	if q.After != 0 {
		return all[:min(q.Limit, len(all))], nil
	}
	return all[max(0, len(all)-q.Limit):], nil
}

// Outbox implements Store.
func (m *MemStore) Outbox(after int64, max int) ([]OutboxItem, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.onOutbox != nil {
		if err := m.onOutbox(); err != nil {
			return nil, err
		}
	}
	var items []OutboxItem
	for _, it := range m.outbox {
		if it.Position > after && len(items) < max {
			it.Frame = slices.Clone(it.Frame)
			items = append(items, it)
		}
	}
	return items, nil
}

// Reopen makes a new client of the store of one that has ended, as the next
// run of a program does.
func Reopen(t testing.TB, c *Client) *Client {
	t.Helper()
	next, err := New(c.store)
	if err != nil {
		t.Fatal(err)
	}
	return next
}
