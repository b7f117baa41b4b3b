package crypto

import (
	"crypto/rand"
	"encoding/hex"
)

// GroupID names a group among its members: 16 random bytes, written as 32
// lower-case hex digits. No relay hears of it.
type GroupID [16]byte

// NewGroupID makes an id.
func NewGroupID() (g GroupID) {
	rand.Read(g[:]) // never fails since Go 1.24
	return g
}

// String writes the id.
func (g GroupID) String() string { return hex.EncodeToString(g[:]) }

// MarshalText writes the id.
func (g GroupID) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (g *GroupID) UnmarshalText(text []byte) error { return lowerHex(g[:], text, "not a group id") }
