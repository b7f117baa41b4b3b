package crypto

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"filippo.io/edwards25519"
)

// KeySize is the size of every public key and of every private seed, in bytes.
const KeySize = 32

// Text prefixes tell the kinds of keys apart in files and on the wire, so that
// a key pasted into the wrong place is refused there. The signing keys have
// "<role>-public:" and "<role>-secret:".
const (
	prefixBoxPublic = "box-public:"
	prefixBoxSecret = "box-secret:"
)

// Roles of the Ed25519 keys. Each gives a Go type of its own, so that the
// compiler refuses a device's key where an account's belongs.
type (
	accountRole struct{}
	deviceRole  struct{}
	relayRole   struct{}
)

type role interface{ name() string }

func (accountRole) name() string { return "account" }
func (deviceRole) name() string  { return "device" }
func (relayRole) name() string   { return "relay" }

type (
	// AccountPublic is the key that people compare to know each other.
	AccountPublic = signingPublic[accountRole]
	// AccountPrivate signs the certificates of an account's devices.
	AccountPrivate = signingPrivate[accountRole]
	// DevicePublic is the key under which a device logs in.
	DevicePublic = signingPublic[deviceRole]
	// DevicePrivate proves at login that this is the device.
	DevicePrivate = signingPrivate[deviceRole]
	// RelayPublic names a relay.
	RelayPublic = signingPublic[relayRole]
	// RelayPrivate is the identity of a relay.
	RelayPrivate = signingPrivate[relayRole]
)

// NewAccountPrivate makes a key.
func NewAccountPrivate() AccountPrivate { return newSigningPrivate[accountRole]() }

// NewDevicePrivate makes a key.
func NewDevicePrivate() DevicePrivate { return newSigningPrivate[deviceRole]() }

// NewRelayPrivate makes a key.
func NewRelayPrivate() RelayPrivate { return newSigningPrivate[relayRole]() }

var (
	errKeyText  = errors.New("not a key of the expected kind")
	errKeyPoint = errors.New("the key is not a usable Ed25519 key")
	errLowOrder = errors.New("the key is not a usable X25519 key")
)

// Signature is an Ed25519 signature over an encoded structure.
type Signature [ed25519.SignatureSize]byte

// MarshalText writes the signature as base64url.
func (s Signature) MarshalText() ([]byte, error) { return []byte(Base64(s[:])), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Signature) UnmarshalText(text []byte) error {
	b, err := FromBase64(string(text))
	if err != nil || len(b) != len(s) {
		return errors.New("not a signature")
	}
	copy(s[:], b)
	return nil
}

// signingPublic is an Ed25519 public key of one role. The zero value is no key
// and verifies nothing.
type signingPublic[R role] struct{ b [KeySize]byte }

// Bytes gives the 32 bytes of the key.
func (p signingPublic[R]) Bytes() []byte { return p.b[:] }

// Verify reports whether sig was made by this key over the structure.
func (p signingPublic[R]) Verify(sig Signature, label Label, fields ...[]byte) bool {
	return p != signingPublic[R]{} && ed25519.Verify(p.b[:], Encode(label, fields...), sig[:])
}

// Fingerprint names the key to people.
func (p signingPublic[R]) Fingerprint() Fingerprint {
	var r R
	return fingerprint(r.name(), p.b[:])
}

// MarshalText writes the key with its prefix.
func (p signingPublic[R]) MarshalText() ([]byte, error) {
	var r R
	return keyText(r.name()+"-public:", p.b[:])
}

// UnmarshalText reads what MarshalText wrote and refuses unusable keys.
func (p *signingPublic[R]) UnmarshalText(text []byte) error {
	var r R
	b, err := parseKeyText(r.name()+"-public:", text, KeySize)
	if err != nil {
		return err
	}
	*p, err = parseSigningPublic[R](b)
	return err
}

func parseSigningPublic[R role](b []byte) (p signingPublic[R], err error) {
	if len(b) != KeySize {
		return p, errKeyText
	}
	if err := checkPoint(b); err != nil {
		return p, err
	}
	copy(p.b[:], b)
	return p, nil
}

// checkPoint refuses what crypto/ed25519 would accept: encodings that are not
// canonical, and points of small order, under which one signature fits many
// messages.
func checkPoint(b []byte) error {
	p, err := new(edwards25519.Point).SetBytes(b)
	if err != nil || string(p.Bytes()) != string(b) {
		return errKeyPoint
	}
	if new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return errKeyPoint
	}
	return nil
}

// signingPrivate is an Ed25519 private key of one role. The key stands inside
// a function: that forbids ==, and fmt, which does not ask Format for a value
// in an unexported field and looks behind pointers, prints an address.
type signingPrivate[R role] struct{ key func() ed25519.PrivateKey }

func holdSigning[R role](key ed25519.PrivateKey) signingPrivate[R] {
	return signingPrivate[R]{func() ed25519.PrivateKey { return key }}
}

func newSigningPrivate[R role]() signingPrivate[R] {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails since Go 1.24
	}
	return holdSigning[R](key)
}

// Public gives the public half.
func (k signingPrivate[R]) Public() signingPublic[R] {
	return signingPublic[R]{[KeySize]byte(k.key()[KeySize:])}
}

// Sign signs a structure.
func (k signingPrivate[R]) Sign(label Label, fields ...[]byte) Signature {
	return Signature(ed25519.Sign(k.key(), Encode(label, fields...)))
}

// MarshalText writes the secret with its prefix; the caller seals it at once.
func (k signingPrivate[R]) MarshalText() ([]byte, error) {
	var r R
	return keyText(r.name()+"-secret:", k.key().Seed())
}

// UnmarshalText reads what MarshalText wrote.
func (k *signingPrivate[R]) UnmarshalText(text []byte) error {
	var r R
	seed, err := parseKeyText(r.name()+"-secret:", text, KeySize)
	if err != nil {
		return err
	}
	*k = holdSigning[R](ed25519.NewKeyFromSeed(seed))
	clear(seed)
	return nil
}

// Format keeps the secret out of whatever prints the value.
func (signingPrivate[R]) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue keeps the secret out of logs, which would ask MarshalText.
func (signingPrivate[R]) LogValue() slog.Value { return slog.StringValue(redacted) }

const redacted = "(secret)"

// tlsSigner gives a relay's key to crypto/x509, which signs the relay's TLS
// certificate with it. A DER certificate begins with byte 0x30, an encoded
// structure with 0x00, so neither can pass for the other.
func tlsSigner(k RelayPrivate) ed25519.PrivateKey { return k.key() }

func keyText(prefix string, b []byte) ([]byte, error) {
	return []byte(prefix + Base64(b)), nil
}

func parseKeyText(prefix string, text []byte, size int) ([]byte, error) {
	body, ok := strings.CutPrefix(string(text), prefix)
	if !ok {
		return nil, errKeyText
	}
	b, err := FromBase64(body)
	if err != nil || len(b) != size {
		return nil, errKeyText
	}
	return b, nil
}

// BoxPublic is the NaCl box key of a device.
type BoxPublic struct{ b [KeySize]byte }

// Bytes gives the 32 bytes of the key.
func (k BoxPublic) Bytes() []byte { return k.b[:] }

// ParseBoxPublic takes the 32 bytes of a key. Low-order points are refused.
func ParseBoxPublic(b []byte) (k BoxPublic, err error) {
	if len(b) != KeySize {
		return k, errKeyText
	}
	k.b = [KeySize]byte(b)
	// crypto/ecdh tells low order only by agreeing; any scalar will do.
	if _, err := lowOrderProbe.Agree(k); err != nil {
		return BoxPublic{}, errLowOrder
	}
	return k, nil
}

var lowOrderProbe = NewBoxPrivate()

// MarshalText writes the key with its prefix.
func (k BoxPublic) MarshalText() ([]byte, error) { return keyText(prefixBoxPublic, k.Bytes()) }

// UnmarshalText reads what MarshalText wrote and refuses unusable keys.
func (k *BoxPublic) UnmarshalText(text []byte) error {
	b, err := parseKeyText(prefixBoxPublic, text, KeySize)
	if err != nil {
		return err
	}
	*k, err = ParseBoxPublic(b)
	return err
}

// BoxPrivate agrees on message keys with other devices. Its key stands inside
// a function for the reason that signingPrivate gives.
type BoxPrivate struct{ key func() *ecdh.PrivateKey }

func holdBox(key *ecdh.PrivateKey) BoxPrivate {
	return BoxPrivate{func() *ecdh.PrivateKey { return key }}
}

// NewBoxPrivate makes a key.
func NewBoxPrivate() BoxPrivate {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails since Go 1.24
	}
	return holdBox(key)
}

// BoxPrivateFromBytes makes the key of a scalar, which it copies.
func BoxPrivateFromBytes(b []byte) (BoxPrivate, error) {
	key, err := ecdh.X25519().NewPrivateKey(b)
	if err != nil {
		return BoxPrivate{}, errKeyText
	}
	return holdBox(key), nil
}

// Bytes gives the 32 secret bytes of the key, for the caller to seal or clear.
func (k BoxPrivate) Bytes() []byte { return k.key().Bytes() }

// Public gives the public half.
func (k BoxPrivate) Public() BoxPublic {
	return BoxPublic{[KeySize]byte(k.key().PublicKey().Bytes())}
}

// Agree is X25519 (RFC 7748). It fails for low-order points.
func (k BoxPrivate) Agree(peer BoxPublic) ([]byte, error) { return k.AgreeBytes(peer.b) }

// AgreeBytes is Agree with a key that was not parsed, for one that is used
// once: parsing costs as much as agreeing.
func (k BoxPrivate) AgreeBytes(peer [KeySize]byte) ([]byte, error) {
	p, err := ecdh.X25519().NewPublicKey(peer[:])
	if err != nil {
		return nil, errLowOrder
	}
	return k.key().ECDH(p)
}

// MarshalText writes the secret with its prefix; the caller seals it at once.
func (k BoxPrivate) MarshalText() ([]byte, error) { return keyText(prefixBoxSecret, k.Bytes()) }

// UnmarshalText reads what MarshalText wrote.
func (k *BoxPrivate) UnmarshalText(text []byte) error {
	b, err := parseKeyText(prefixBoxSecret, text, KeySize)
	if err != nil {
		return err
	}
	*k, err = BoxPrivateFromBytes(b)
	clear(b)
	return err
}

// Format keeps the secret out of whatever prints the value.
func (BoxPrivate) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue keeps the secret out of logs, which would ask MarshalText.
func (BoxPrivate) LogValue() slog.Value { return slog.StringValue(redacted) }
