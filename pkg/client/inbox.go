package client

import (
	"sync"

	"secure-messaging/pkg/protocol"
)

// What may have arrived on a connection without being handled: what is worth
// one transaction. Meanwhile nothing more is read, and the relay waits.
const (
	inboxFrames = 64
	inboxBytes  = 256 << 10 // and the frame that goes over
)

// inbox is what has arrived on a connection, between who reads it and who
// handles it: all that is there at once, and nobody waits for more.
type inbox struct {
	mu     sync.Mutex
	moved  sync.Cond // frames were put or taken, or it has ended
	frames []protocol.Frame
	bytes  int
	end    error // why nothing more will be put, or taken
}

func newInbox() *inbox {
	b := &inbox{}
	b.moved.L = &b.mu
	return b
}

// put adds a frame of a size. It waits for room, and drops what comes after
// the end.
func (b *inbox) put(f protocol.Frame, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.end == nil && (len(b.frames) >= inboxFrames || b.bytes >= inboxBytes) {
		b.moved.Wait()
	}
	if b.end == nil {
		b.frames, b.bytes = append(b.frames, f), b.bytes+size
		b.moved.Signal()
	}
}

// take returns everything that is there, and waits while there is nothing.
// What was put before the end is taken before the end is told.
func (b *inbox) take() ([]protocol.Frame, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.end == nil && len(b.frames) == 0 {
		b.moved.Wait()
	}
	frames := b.frames
	b.frames, b.bytes = nil, 0
	b.moved.Signal()
	if len(frames) == 0 {
		return nil, b.end
	}
	return frames, nil
}

// close says why nothing more will be put, or will be taken. The first reason
// counts.
func (b *inbox) close(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end == nil {
		b.end = why
	}
	b.moved.Broadcast()
}
