package session

import (
	"encoding/binary"

	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/ratchet"
)

// stateVersion begins every stored session. 0 was the time before the ratchet.
const stateVersion = 1

const (
	flagLeads = 1 // of the whole
	flagOurs  = 1 // of an entry
)

// entrySize is what stands in front of a stored ratchet: flags, when it was
// asked for and when it was used (8 bytes each, big endian), its length (4).
const entrySize = 1 + 8 + 8 + 4

// State gives the bytes to store: version, flags, and the sessions, each as
// entrySize says. They are secret.
func (s Session) State() []byte {
	states := make([][]byte, len(s.list))
	size := 2
	for i, e := range s.list {
		states[i] = e.state.Bytes()
		size += entrySize + len(states[i])
	}
	b := make([]byte, 2, size) // of this size at once: growing would leave copies
	b[0] = stateVersion
	if s.leads {
		b[1] = flagLeads
	}
	for i, e := range s.list {
		var flags byte
		if e.ours {
			flags = flagOurs
		}
		b = binary.BigEndian.AppendUint64(append(b, flags), uint64(e.asked))
		b = binary.BigEndian.AppendUint64(b, uint64(e.used))
		b = binary.BigEndian.AppendUint32(b, uint32(len(states[i])))
		b = append(b, states[i]...)
		clear(states[i])
	}
	return b
}

// Restore takes up a session again from its State. No bytes at all are the
// zero Session.
func Restore(state []byte) (Session, error) { return restore(state, source.System) }

func restore(b []byte, src *source.Source) (Session, error) {
	if len(b) == 0 {
		return Session{}, nil
	}
	if len(b) < 2 || b[0] != stateVersion || b[1] > flagLeads {
		return Session{}, ErrState
	}
	s := Session{leads: b[1] == flagLeads}
	for b = b[2:]; len(b) > 0; {
		if len(b) < entrySize || b[0] > flagOurs || len(s.list) == MaxSessions {
			return Session{}, ErrState
		}
		e := entry{ours: b[0] == flagOurs, asked: int64(binary.BigEndian.Uint64(b[1:])), used: int64(binary.BigEndian.Uint64(b[9:]))}
		n := binary.BigEndian.Uint32(b[17:])
		if b = b[entrySize:]; uint64(n) > uint64(len(b)) {
			return Session{}, ErrState
		}
		var err error
		if e.state, err = ratchet.Parse(b[:n], src); err != nil {
			return Session{}, ErrState
		}
		s.list, b = append(s.list, e), b[n:]
	}
	return s, nil
}
