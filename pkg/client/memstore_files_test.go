package client

import (
	"bytes"
	"io"
	"slices"

	"secure-messaging/pkg/crypto"
)

func (m *MemStore) changeUploads(ch *Changes) {
	m.uploads = slices.DeleteFunc(m.uploads, func(u Upload) bool { return slices.Contains(ch.Uploaded, u.Blob) })
	m.uploads = append(m.uploads, ch.Uploads...)
	for _, s := range ch.Saves {
		if msg := m.find(s.Author, s.ID); msg != nil && msg.File != nil {
			f := *msg.File
			f.Saved = s.Path
			msg.File = &f
		}
	}
}

// memCopy is a sealed copy that is being made.
type memCopy struct {
	bytes.Buffer
	m  *MemStore
	id crypto.FileID
}

// NewCopy implements Store.
func (m *MemStore) NewCopy(id crypto.FileID) (Copy, error) { return &memCopy{m: m, id: id}, nil }

// Keep implements Copy.
func (c *memCopy) Keep() error {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.m.copies[c.id] = c.Bytes()
	return nil
}

// Drop implements Copy.
func (c *memCopy) Drop() {}

// OpenCopy implements Store.
func (m *MemStore) OpenCopy(id crypto.FileID) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.copies[id]
	if !ok {
		return nil, ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// DropCopy implements Store.
func (m *MemStore) DropCopy(id crypto.FileID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.copies, id)
	return nil
}

// SealedOf is what a client keeps to itself of the file of a message.
func SealedOf(c *Client, cursor int64) SealedFile {
	m, err := c.store.Place(cursor)
	if err != nil || m.Sealed == nil {
		panic("no file there")
	}
	return *m.Sealed
}
