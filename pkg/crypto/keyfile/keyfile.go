// Package keyfile keeps the master key of a profile under a passphrase.
//
// The passphrase goes through argon2id (RFC 9106) with a salt of the file's
// own; the result wraps a random master key. A commitment beside it makes one
// file open under one passphrase only. The form is one JSON object:
//
//	{"version":1,"time":T,"memory":KiB,"threads":P,"salt":…,"commitment":…,"wrapped":…}
package keyfile

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"golang.org/x/crypto/argon2"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/seal"
)

// MinPassphrase is the least number of bytes of a passphrase.
const MinPassphrase = 8

// Cost is how much work one guess of a passphrase takes.
type Cost struct {
	Time    uint32 // passes
	Memory  uint32 // KiB
	Threads uint8
}

// DefaultCost takes about half a second of two small cores, most of it for
// memory that a fresh process has to be given (BenchmarkOpen with -benchtime 1x;
// a guesser gets it for half of that): the passes that RFC 9106 (section 4)
// recommends for 64 MiB, with three times the memory.
var DefaultCost = Cost{Time: 3, Memory: 192 << 10, Threads: 2}

// Bounds of what a file may ask for, so that a planted file cannot take the
// machine's memory or bring the cost down to nothing.
const (
	minMemory  = 8 << 10 // KiB
	maxMemory  = 1 << 20
	maxTime    = 64
	maxThreads = 16
)

func (c Cost) bounded() bool {
	return c.Time >= 1 && c.Time <= maxTime && c.Memory >= minMemory && c.Memory <= maxMemory && c.Threads >= 1 && c.Threads <= maxThreads
}

// Sizes in bytes.
const (
	keySize  = 32 // of the master key, and of everything derived
	saltSize = 16 // RFC 9106, section 3.1
	sealSalt = 32 // of SealSecret: it alone keeps two sealings under one name apart
)

// Errors that callers tell apart.
var (
	ErrPassphrase = errors.New("wrong passphrase")
	ErrDamaged    = errors.New("the key file is damaged")
)

// Master is the key of a profile, from which all others are derived.
type Master struct{ key [keySize]byte }

// Derive makes a 32-byte key for one purpose.
func (m *Master) Derive(label crypto.Label) []byte {
	mac := hmac.New(sha256.New, m.key[:])
	mac.Write(crypto.Encode(label))
	return mac.Sum(nil)
}

// SealSecret seals bytes that only this profile may open, bound to a name. The salt
// is random, so a name can be sealed again and again.
func (m *Master) SealSecret(name string, secret []byte) []byte {
	salt := make([]byte, sealSalt)
	rand.Read(salt) // never fails since Go 1.24
	k := seal.Derive(m.key[:], crypto.LabelProfileSecret, []byte(name), salt)
	return append(salt, k.Seal(secret)...)
}

// OpenSecret opens what SealSecret sealed under the same name.
func (m *Master) OpenSecret(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealSalt+seal.Overhead {
		return nil, ErrDamaged
	}
	k := seal.Derive(m.key[:], crypto.LabelProfileSecret, []byte(name), sealed[:sealSalt])
	secret, err := k.Open(sealed[sealSalt:])
	if err != nil {
		return nil, ErrDamaged
	}
	return secret, nil
}

// Format keeps the key out of whatever prints the value or a pointer to it.
func (Master) Format(f fmt.State, _ rune) { fmt.Fprint(f, "(secret)") }

// Clear forgets the key.
func (m *Master) Clear() { *m = Master{} }

type file struct {
	Version    int    `json:"version"`
	Time       uint32 `json:"time"`
	Memory     uint32 `json:"memory"`
	Threads    uint8  `json:"threads"`
	Salt       string `json:"salt"`
	Commitment string `json:"commitment"`
	Wrapped    string `json:"wrapped"`
}

// New makes a master key and the file that keeps it under the passphrase. It
// refuses a cost that Open would.
func New(passphrase []byte, cost Cost) (*Master, []byte, error) {
	if err := admissible(passphrase, cost); err != nil {
		return nil, nil, err
	}
	m := new(Master)
	rand.Read(m.key[:]) // never fails since Go 1.24
	b, err := m.Wrap(passphrase, cost)
	return m, b, err
}

// Wrap makes a file that keeps the master key under a passphrase, as New does.
// Files that kept it before open as they did.
func (m *Master) Wrap(passphrase []byte, cost Cost) ([]byte, error) {
	if err := admissible(passphrase, cost); err != nil {
		return nil, err
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	stretched := stretch(passphrase, salt, cost)
	defer clear(stretched)
	wrap := seal.Derive(stretched, crypto.LabelKeyfileWrap, salt)
	b, err := json.Marshal(file{
		Version: 1, Time: cost.Time, Memory: cost.Memory, Threads: cost.Threads,
		Salt:       crypto.Base64(salt),
		Commitment: crypto.Base64(commitment(stretched, salt)),
		Wrapped:    crypto.Base64(wrap.Seal(m.key[:])),
	})
	return append(b, '\n'), err
}

func admissible(passphrase []byte, cost Cost) error {
	if len(passphrase) < MinPassphrase {
		return fmt.Errorf("a passphrase has at least %d bytes", MinPassphrase)
	}
	if !cost.bounded() {
		return errors.New("the cost of a passphrase is out of bounds")
	}
	return nil
}

// Open gives the master key of a file. It returns ErrPassphrase or ErrDamaged.
func Open(b, passphrase []byte) (*Master, error) {
	var f file
	if err := json.Unmarshal(b, &f, json.RejectUnknownMembers(true)); err != nil || f.Version != 1 {
		return nil, ErrDamaged
	}
	cost := Cost{f.Time, f.Memory, f.Threads}
	if !cost.bounded() {
		return nil, ErrDamaged
	}
	salt, err1 := crypto.FromBase64(f.Salt)
	want, err2 := crypto.FromBase64(f.Commitment)
	wrapped, err3 := crypto.FromBase64(f.Wrapped)
	if errors.Join(err1, err2, err3) != nil || len(salt) != saltSize || len(want) != sha256.Size || len(wrapped) != keySize+seal.Overhead {
		return nil, ErrDamaged
	}
	stretched := stretch(passphrase, salt, cost)
	defer clear(stretched)
	if !hmac.Equal(commitment(stretched, salt), want) {
		return nil, ErrPassphrase
	}
	k := seal.Derive(stretched, crypto.LabelKeyfileWrap, salt)
	key, err := k.Open(wrapped)
	if err != nil {
		return nil, ErrDamaged
	}
	defer clear(key)
	return &Master{[keySize]byte(key)}, nil
}

func stretch(passphrase, salt []byte, c Cost) []byte {
	return argon2.IDKey(passphrase, salt, c.Time, c.Memory, c.Threads, keySize)
}

func commitment(stretched, salt []byte) []byte {
	mac := hmac.New(sha256.New, stretched)
	mac.Write(crypto.Encode(crypto.LabelKeyfileCommit, salt))
	return mac.Sum(nil)
}
