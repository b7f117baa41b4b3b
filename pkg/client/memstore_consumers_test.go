package client

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Consumers implements Store.
func (m *MemStore) Consumers() ([]Consumer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.reading), func(a, b Consumer) int { return strings.Compare(a.Name, b.Name) }), nil
}

// Ack implements Store.
func (m *MemStore) Ack(consumer string, cursor int64, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cursor > m.cursor {
		return ErrNotFound
	}
	if m.reading == nil {
		m.reading = map[string]Consumer{}
	}
	m.reading[consumer] = Consumer{Name: consumer, Cursor: max(cursor, m.reading[consumer].Cursor), At: now}
	return nil
}

// DropConsumer implements Store.
func (m *MemStore) DropConsumer(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.reading, name)
	return nil
}
