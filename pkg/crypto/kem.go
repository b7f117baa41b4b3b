package crypto

import (
	"crypto/mlkem"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Sizes of ML-KEM-768 (FIPS 203), in bytes.
const (
	KEMPublicSize     = mlkem.EncapsulationKeySize768 // 1184
	KEMCiphertextSize = mlkem.CiphertextSize768       // 1088
	KEMSeedSize       = mlkem.SeedSize                // 64: d and z
)

const prefixKEMSecret = "kem-secret:"

var errKEM = errors.New("not a usable ML-KEM-768 key or ciphertext")

// KEMPublic is an ML-KEM-768 encapsulation key. The zero value is no key.
type KEMPublic struct{ b [KEMPublicSize]byte }

// ParseKEMPublic reads an encapsulation key and refuses one that FIPS 203,
// section 7.2, refuses.
func ParseKEMPublic(b []byte) (k KEMPublic, err error) {
	if _, err := mlkem.NewEncapsulationKey768(b); err != nil {
		return k, errKEM
	}
	k.b = [KEMPublicSize]byte(b)
	return k, nil
}

// Bytes gives the 1184 bytes of the key.
func (k KEMPublic) Bytes() []byte { return k.b[:] }

// Encapsulate makes a shared secret of 32 bytes, and the ciphertext from which
// the holder of the private key gets it.
func (k KEMPublic) Encapsulate() (secret, ciphertext []byte) {
	key, err := mlkem.NewEncapsulationKey768(k.b[:])
	if err != nil {
		panic("crypto: a KEMPublic that was not parsed")
	}
	return key.Encapsulate()
}

// KEMPrivate is an ML-KEM-768 decapsulation key. It stands inside a function
// for the reason that signingPrivate gives.
type KEMPrivate struct {
	key func() *mlkem.DecapsulationKey768
}

func holdKEM(key *mlkem.DecapsulationKey768) KEMPrivate {
	return KEMPrivate{func() *mlkem.DecapsulationKey768 { return key }}
}

// NewKEMPrivate makes a key.
func NewKEMPrivate() KEMPrivate {
	key, err := mlkem.GenerateKey768()
	if err != nil {
		panic(err) // crypto/rand never fails since Go 1.24
	}
	return holdKEM(key)
}

// KEMPrivateFromSeed makes the key of a seed, d ‖ z of FIPS 203.
func KEMPrivateFromSeed(seed []byte) (KEMPrivate, error) {
	key, err := mlkem.NewDecapsulationKey768(seed)
	if err != nil {
		return KEMPrivate{}, errKEM
	}
	return holdKEM(key), nil
}

// Seed gives the 64 secret bytes of the key, for the caller to seal or clear.
func (k KEMPrivate) Seed() []byte { return k.key().Bytes() }

// Public gives the encapsulation key.
func (k KEMPrivate) Public() KEMPublic {
	return KEMPublic{[KEMPublicSize]byte(k.key().EncapsulationKey().Bytes())}
}

// Decapsulate gives the shared secret of a ciphertext. It fails for a wrong
// length alone: a ciphertext that was altered gives another secret.
func (k KEMPrivate) Decapsulate(ciphertext []byte) ([]byte, error) {
	secret, err := k.key().Decapsulate(ciphertext)
	if err != nil {
		return nil, errKEM
	}
	return secret, nil
}

// MarshalText writes the seed with its prefix; the caller seals it at once.
func (k KEMPrivate) MarshalText() ([]byte, error) { return keyText(prefixKEMSecret, k.Seed()) }

// UnmarshalText reads what MarshalText wrote.
func (k *KEMPrivate) UnmarshalText(text []byte) error {
	b, err := parseKeyText(prefixKEMSecret, text, KEMSeedSize)
	if err != nil {
		return err
	}
	*k, err = KEMPrivateFromSeed(b)
	clear(b)
	return err
}

// Format keeps the secret out of whatever prints the value.
func (KEMPrivate) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue keeps the secret out of logs, which would ask MarshalText.
func (KEMPrivate) LogValue() slog.Value { return slog.StringValue(redacted) }
