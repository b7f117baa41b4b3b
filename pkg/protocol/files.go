package protocol

import (
	"strconv"
	"strings"

	"secure-messaging/pkg/crypto"
)

// PathFiles stands in front of the id of a sealed file.
const PathFiles = "/api/files/"

// fileScheme begins the header Authorization of a request for a file.
const fileScheme = "Device"

// FileProof is the header Authorization of a request for a file. What its
// signature covers besides, the request itself says.
type FileProof struct {
	Address   crypto.Address
	Time      UnixMilli
	Signature crypto.Signature
	Digest    [32]byte // of what is to be stored; zero in other requests
}

// String writes the header.
func (p FileProof) String() string {
	return strings.Join([]string{
		fileScheme, p.Address.String(), strconv.FormatInt(int64(p.Time), 10), crypto.Base64(p.Signature[:]), crypto.Base64(p.Digest[:]),
	}, " ")
}

// ParseFileProof reads what String wrote, and nothing else.
func ParseFileProof(header string) (p FileProof, ok bool) {
	parts := strings.Split(header, " ")
	if len(parts) != 5 || parts[0] != fileScheme || p.Address.UnmarshalText([]byte(parts[1])) != nil || p.Signature.UnmarshalText([]byte(parts[3])) != nil {
		return FileProof{}, false
	}
	at, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || needTime(UnixMilli(at)) != nil {
		return FileProof{}, false
	}
	digest, err := crypto.FromBase64(parts[4])
	if err != nil || len(digest) != len(p.Digest) {
		return FileProof{}, false
	}
	p.Time = UnixMilli(at)
	copy(p.Digest[:], digest)
	return p, p.String() == header
}
