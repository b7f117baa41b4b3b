package crypto

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
)

// InviteCode lets somebody register at a relay that asks for it: 16 random
// bytes, more than anybody can try. It is a secret until it is used up.
type InviteCode [16]byte

// NewInviteCode makes a code.
func NewInviteCode() (c InviteCode) {
	rand.Read(c[:]) // never fails since Go 1.24
	return c
}

var errInvite = errors.New("not the code of an invite")

// MarshalText writes the code.
func (c InviteCode) MarshalText() ([]byte, error) { return []byte(Base64(c[:])), nil }

// UnmarshalText reads what MarshalText wrote. The error does not hold the text.
func (c *InviteCode) UnmarshalText(text []byte) error {
	b, err := FromBase64(string(text))
	if err != nil || len(b) != len(c) || subtle.ConstantTimeCompare(b, make([]byte, len(c))) == 1 {
		return errInvite
	}
	copy(c[:], b)
	return nil
}

// String hides the code from whoever prints it.
func (c InviteCode) String() string { return "(code of an invite)" }

// Hash is what a relay keeps of the code.
func (c InviteCode) Hash() InviteHash { return Hash(LabelInvite, c[:]) }

// InviteHash is the hash of an invite's code.
type InviteHash [32]byte

// ID names the invite to its operator: enough of the hash to tell invites apart,
// and nothing that could be used.
func (h InviteHash) ID() InviteID { return InviteID(h[:8]) }

// InviteID names an invite.
type InviteID [8]byte

// String writes the id.
func (i InviteID) String() string { return hex.EncodeToString(i[:]) }

// MarshalText writes the id.
func (i InviteID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *InviteID) UnmarshalText(text []byte) error {
	return lowerHex(i[:], text, "not the id of an invite")
}
