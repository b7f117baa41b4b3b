package crypto

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// Nonce is 32 random bytes that are used once.
type Nonce [32]byte

// NewNonce makes a nonce.
func NewNonce() (n Nonce) {
	rand.Read(n[:]) // never fails since Go 1.24
	return n
}

// MarshalText writes the nonce as base64url.
func (n Nonce) MarshalText() ([]byte, error) { return []byte(Base64(n[:])), nil }

// UnmarshalText reads what MarshalText wrote.
func (n *Nonce) UnmarshalText(text []byte) error {
	b, err := FromBase64(string(text))
	if err != nil || len(b) != len(n) {
		return errors.New("not a nonce")
	}
	copy(n[:], b)
	return nil
}

// NonceLifetime is how long a registration nonce is good for: time for a slow
// line, not for a replay. The nonce of a challenge ends with its connection.
const NonceLifetime = 30 * time.Second

// SignChallenge is the relay's word that this nonce is its own.
func SignChallenge(relay RelayPrivate, nonce Nonce) Signature {
	return relay.Sign(LabelChallenge, nonce[:])
}

// VerifyChallenge reports whether the relay with that key made the nonce.
func VerifyChallenge(relay RelayPublic, nonce Nonce, sig Signature) bool {
	return relay.Verify(sig, LabelChallenge, nonce[:])
}

// Login is what a device proves when it authenticates. A proof names the
// relay and the host that the client dialled, so one that an evil relay has
// caught is worth nothing at another.
type Login struct {
	Relay       RelayPublic
	Host        string // host name as the client dialled it, without port
	Certificate [32]byte
	Address     Address
	RelayNonce  Nonce
	ClientNonce Nonce
}

func (l Login) fields() [][]byte {
	return [][]byte{
		l.Relay.Bytes(), []byte(l.Host), []byte(l.Address.User), l.Address.Device[:],
		l.Certificate[:], l.RelayNonce[:], l.ClientNonce[:],
	}
}

// Sign makes the proof with the device key.
func (l Login) Sign(device DevicePrivate) Signature { return device.Sign(LabelLogin, l.fields()...) }

// Verify checks the proof against the device key of the certificate.
func (l Login) Verify(device DevicePublic, sig Signature) bool {
	return device.Verify(sig, LabelLogin, l.fields()...)
}

// SignWelcome is the relay's answer to a login. It covers the client's nonce,
// so it proves that the relay itself, not a recording, is at the other end.
func (l Login) SignWelcome(relay RelayPrivate) Signature {
	return relay.Sign(LabelWelcome, l.fields()...)
}

// VerifyWelcome checks that answer.
func (l Login) VerifyWelcome(sig Signature) bool {
	return l.Relay.Verify(sig, LabelWelcome, l.fields()...)
}

// Registration is what a new account proves: that it holds the account key
// and the device key of the certificate, now, to this relay.
type Registration struct {
	Host        string
	Certificate Certificate
	Prekey      Prekey // the first signed prekey
	RelayNonce  []byte // as GET /api/relay gave it
}

func (r Registration) fields() [][]byte {
	cert, prekey := r.Certificate.Hash(), r.Prekey.Hash()
	return [][]byte{r.Certificate.Relay.Bytes(), []byte(r.Host), cert[:], r.RelayNonce, prekey[:]}
}

// Sign makes both proofs.
func (r Registration) Sign(account AccountPrivate, device DevicePrivate) (byAccount, byDevice Signature) {
	return account.Sign(LabelRegister, r.fields()...), device.Sign(LabelRegister, r.fields()...)
}

// Verify checks both proofs.
func (r Registration) Verify(byAccount, byDevice Signature) bool {
	return r.Certificate.Account.Verify(byAccount, LabelRegister, r.fields()...) &&
		r.Certificate.Login.Verify(byDevice, LabelRegister, r.fields()...)
}

// RegistrationNonces makes and checks the nonces of GET /api/relay without
// remembering them: each carries its time and a tag that only this relay can
// make. Replaying a registration gives nothing, for its name is taken then.
type RegistrationNonces struct {
	tag func([]byte) []byte // holds the key, where nothing can print it
}

// NewRegistrationNonces makes a maker with a key of its own.
func NewRegistrationNonces() *RegistrationNonces {
	key := make([]byte, 32)
	rand.Read(key) // never fails since Go 1.24
	return &RegistrationNonces{func(b []byte) []byte {
		m := hmac.New(sha256.New, key)
		m.Write(Encode(LabelRegisterNonce, b))
		return m.Sum(nil)
	}}
}

// Make gives a nonce of 56 bytes: 16 random, 8 of time, 32 of tag.
func (r *RegistrationNonces) Make(now time.Time) []byte {
	b := make([]byte, 16, 56)
	rand.Read(b) // never fails since Go 1.24
	b = binary.BigEndian.AppendUint64(b, uint64(now.Unix()))
	return append(b, r.tag(b)...)
}

// Check reports whether the nonce is this relay's and at most NonceLifetime
// old.
func (r *RegistrationNonces) Check(nonce []byte, now time.Time) bool {
	if len(nonce) != 56 || !hmac.Equal(r.tag(nonce[:24]), nonce[24:]) {
		return false
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(nonce[16:24])), 0))
	return age >= -time.Second && age <= NonceLifetime
}
