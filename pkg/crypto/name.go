package crypto

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
)

// Limits of a username, in bytes.
const (
	MinUsername = 3
	MaxUsername = 32
)

// ErrUsername says what a username must look like.
var ErrUsername = errors.New("a username is 3 to 32 of a-z, 0-9 and _")

// Username is the name of an account at its relay: [a-z0-9_]{3,32}.
type Username string

// ParseUsername checks a name. It does not fold case: Bob is not bob.
func ParseUsername(s string) (Username, error) {
	if len(s) < MinUsername || len(s) > MaxUsername {
		return "", ErrUsername
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return "", ErrUsername
		}
	}
	return Username(s), nil
}

// UnmarshalText reads and checks a name.
func (u *Username) UnmarshalText(text []byte) (err error) {
	*u, err = ParseUsername(string(text))
	return err
}

// MarshalText writes the name.
func (u Username) MarshalText() ([]byte, error) { return []byte(u), nil }

// DeviceID tells the devices of one account apart: 8 random bytes, written
// as 16 lower-case hex digits.
type DeviceID [8]byte

// NewDeviceID makes an id.
func NewDeviceID() (d DeviceID) {
	rand.Read(d[:]) // never fails since Go 1.24
	return d
}

// String writes the id.
func (d DeviceID) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes the id.
func (d DeviceID) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *DeviceID) UnmarshalText(text []byte) error {
	return lowerHex(d[:], text, "not a device id")
}

// MessageID names a message among those of one device: 16 random bytes,
// written as 32 lower-case hex digits.
type MessageID [16]byte

// NewMessageID makes an id.
func NewMessageID() (m MessageID) {
	rand.Read(m[:]) // never fails since Go 1.24
	return m
}

// String writes the id.
func (m MessageID) String() string { return hex.EncodeToString(m[:]) }

// MarshalText writes the id.
func (m MessageID) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *MessageID) UnmarshalText(text []byte) error {
	return lowerHex(m[:], text, "not a message id")
}

func lowerHex(dst, text []byte, complaint string) error {
	if len(text) != 2*len(dst) || strings.ToLower(string(text)) != string(text) {
		return errors.New(complaint)
	}
	b, err := hex.DecodeString(string(text))
	if err != nil {
		return errors.New(complaint)
	}
	copy(dst, b)
	return nil
}

// Address names one device of one account, written name/device.
type Address struct {
	User   Username
	Device DeviceID
}

// String writes the address.
func (a Address) String() string { return string(a.User) + "/" + a.Device.String() }

// MarshalText writes the address.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Address) UnmarshalText(text []byte) error {
	name, device, ok := strings.Cut(string(text), "/")
	if !ok {
		return errors.New("not an address of the form name/device")
	}
	user, err := ParseUsername(name)
	if err != nil {
		return err
	}
	a.User = user
	return a.Device.UnmarshalText([]byte(device))
}
