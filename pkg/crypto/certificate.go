package crypto

import (
	"encoding/binary"
	"errors"
	"time"
)

// Certificate ties a username at a relay to the keys of one device. The
// account key has signed it. Values come from [NewCertificate] or
// [ParseCertificate] only, so a Certificate in hand has a good signature;
// whether its account key is the right one is for the reader to know.
type Certificate struct {
	Relay   RelayPublic
	User    Username
	Device  DeviceID
	Account AccountPublic
	Login   DevicePublic
	Box     BoxPublic
	Version byte      // highest end-to-end protocol version that the device speaks
	Created time.Time // by the device's clock, whole seconds

	raw []byte // the signed structure with its signature, as on the wire
}

// EndToEndVersion is the version of the end-to-end protocol that this module
// speaks, for the certificates of its devices.
const EndToEndVersion = 1

// maxCreated, in seconds since 1970, is the largest number that every reader
// of JSON holds exactly. Beyond what an int64 holds a time would turn negative.
const maxCreated = 1<<53 - 1

// certificateFields counts the fields of the encoding, the signature included.
const certificateFields = 9

// NewCertificate fills in the account key and signs. A clock before 1970 is
// taken for 1970.
func NewCertificate(account AccountPrivate, c Certificate) Certificate {
	c.Account = account.Public()
	c.Created = time.Unix(min(max(c.Created.Unix(), 0), maxCreated), 0).UTC()
	fields := c.fields()
	sig := account.Sign(LabelCertificate, fields...)
	c.raw = Encode(LabelCertificate, append(fields, sig[:])...)
	return c
}

func (c Certificate) fields() [][]byte {
	return [][]byte{
		c.Relay.Bytes(),
		[]byte(c.User),
		c.Device[:],
		c.Account.Bytes(),
		c.Login.Bytes(),
		c.Box.Bytes(),
		{c.Version},
		binary.BigEndian.AppendUint64(nil, uint64(c.Created.Unix())),
	}
}

// ErrCertificate is the one answer to a certificate that is not one.
var ErrCertificate = errors.New("the certificate is not valid")

// ParseCertificate reads the bytes of a certificate and checks its keys and
// its signature.
func ParseCertificate(raw []byte) (Certificate, error) {
	var c Certificate
	f, err := decode(raw, LabelCertificate, certificateFields)
	if err != nil || len(f[2]) != len(c.Device) || len(f[6]) != 1 || len(f[7]) != 8 || len(f[8]) != len(Signature{}) {
		return Certificate{}, ErrCertificate
	}
	created := binary.BigEndian.Uint64(f[7])
	if created > maxCreated {
		return Certificate{}, ErrCertificate
	}
	user, errUser := ParseUsername(string(f[1]))
	relay, errRelay := parseSigningPublic[relayRole](f[0])
	account, errAccount := parseSigningPublic[accountRole](f[3])
	login, errLogin := parseSigningPublic[deviceRole](f[4])
	box, errBox := ParseBoxPublic(f[5])
	if errors.Join(errUser, errRelay, errAccount, errLogin, errBox) != nil {
		return Certificate{}, ErrCertificate
	}
	c = Certificate{
		Relay: relay, User: user, Device: DeviceID(f[2]),
		Account: account, Login: login, Box: box,
		Version: f[6][0],
		Created: time.Unix(int64(created), 0).UTC(),
		raw:     append([]byte(nil), raw...),
	}
	if !c.Account.Verify(Signature(f[8]), LabelCertificate, f[:8]...) {
		return Certificate{}, ErrCertificate
	}
	return c, nil
}

// Address names the device.
func (c Certificate) Address() Address { return Address{c.User, c.Device} }

// Raw gives the signed bytes, which the caller must not change.
func (c Certificate) Raw() []byte { return c.raw }

// Hash names the certificate in proofs and key derivations.
func (c Certificate) Hash() [32]byte { return Hash(LabelCertHash, c.raw) }

// IsZero reports whether there is no certificate.
func (c Certificate) IsZero() bool { return c.raw == nil }

// MarshalText writes the signed bytes as base64url.
func (c Certificate) MarshalText() ([]byte, error) {
	if c.IsZero() {
		return nil, ErrCertificate
	}
	return []byte(Base64(c.raw)), nil
}

// UnmarshalText reads and checks what MarshalText wrote.
func (c *Certificate) UnmarshalText(text []byte) error {
	raw, err := FromBase64(string(text))
	if err != nil {
		return ErrCertificate
	}
	*c, err = ParseCertificate(raw)
	return err
}
