package session

import (
	"encoding/binary"

	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/ratchet"
)

// stateVersion begins every stored session. 0 was the time before the ratchet.
const stateVersion = 1

const (
	flagLeads   = 1 // of the whole
	flagPending = 1 // of an entry
	flagCrossed = 2
)

// State gives the bytes to store: version, flags, and for each session its
// flags, its length (4 bytes, big endian) and its ratchet. They are secret.
func (s Session) State() []byte {
	b := []byte{stateVersion, 0}
	if s.leads {
		b[1] = flagLeads
	}
	for _, e := range s.list {
		var flags byte
		if e.pending {
			flags |= flagPending
		}
		if e.crossed {
			flags |= flagCrossed
		}
		state := e.state.Bytes()
		b = binary.BigEndian.AppendUint32(append(b, flags), uint32(len(state)))
		b = append(b, state...)
		clear(state)
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
		if len(b) < 5 || b[0] >= 2*flagCrossed || len(s.list) == MaxSessions {
			return Session{}, ErrState
		}
		flags, n := b[0], binary.BigEndian.Uint32(b[1:])
		if b = b[5:]; uint64(n) > uint64(len(b)) {
			return Session{}, ErrState
		}
		state, err := ratchet.Parse(b[:n], src)
		if err != nil {
			return Session{}, ErrState
		}
		s.list, b = append(s.list, entry{state, flags&flagPending != 0, flags&flagCrossed != 0}), b[n:]
	}
	return s, nil
}
