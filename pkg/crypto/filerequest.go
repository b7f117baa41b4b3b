package crypto

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// FileID names a sealed file at a relay: 16 random bytes, written as 32
// lower-case hex digits. Whoever has an account and knows it can fetch the file,
// which they cannot open by that.
type FileID [16]byte

// NewFileID makes an id.
func NewFileID() (f FileID) {
	rand.Read(f[:]) // never fails since Go 1.24
	return f
}

// String writes the id.
func (f FileID) String() string { return hex.EncodeToString(f[:]) }

// MarshalText writes the id.
func (f FileID) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (f *FileID) UnmarshalText(text []byte) error { return lowerHex(f[:], text, "not a file id") }

// FileClock is how far the time of a request may be from the relay's: the clocks
// of people's machines are off by minutes. A request that is caught and comes
// again in that time does what it did, and nothing else.
const FileClock = 10 * time.Minute

// FileRequest is what a device proves with each HTTP request about a sealed file.
// It names the relay, so one that an evil relay has caught is worth nothing at
// another.
type FileRequest struct {
	Relay   RelayPublic
	Address Address
	Method  string // of HTTP
	File    FileID
	Time    time.Time // whole milliseconds
	Length  int64     // of the sealed bytes, to store a file; else 0
	Digest  [32]byte  // SHA-256 of them; else zero
}

func (r FileRequest) fields() [][]byte {
	return [][]byte{
		r.Relay.Bytes(), []byte(r.Address.User), r.Address.Device[:], []byte(r.Method), r.File[:],
		binary.BigEndian.AppendUint64(nil, uint64(r.Time.UnixMilli())), binary.BigEndian.AppendUint64(nil, uint64(r.Length)), r.Digest[:],
	}
}

// Sign makes the proof with the device key.
func (r FileRequest) Sign(device DevicePrivate) Signature {
	return device.Sign(LabelFileRequest, r.fields()...)
}

// Verify checks the proof against the device key of the certificate.
func (r FileRequest) Verify(device DevicePublic, sig Signature) bool {
	return device.Verify(sig, LabelFileRequest, r.fields()...)
}
