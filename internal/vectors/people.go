package vectors

import (
	"bytes"
	"time"

	"secure-messaging/pkg/crypto"
)

// Person is an account with one device whose keys everybody knows.
type Person struct {
	Account     crypto.AccountPrivate
	Device      crypto.DevicePrivate
	Box         crypto.BoxPrivate
	Certificate crypto.Certificate
}

// The people of the vectors. Each key is one byte, 32 times.

// Relay has the key 01.
func Relay() crypto.RelayPrivate { return secret[crypto.RelayPrivate]("relay-secret:", 0x01) }

// OtherRelay has the key 02.
func OtherRelay() crypto.RelayPrivate { return secret[crypto.RelayPrivate]("relay-secret:", 0x02) }

// Alice has the keys a1, a2 and a3.
func Alice() Person { return NewPerson("alice", Relay(), 0xa1) }

// Bob has the keys b1, b2 and b3.
func Bob() Person { return NewPerson("bob", Relay(), 0xb1) }

// Mallory has the keys e1, e2 and e3.
func Mallory() Person { return NewPerson("mallory", Relay(), 0xe1) }

// Created is when all devices were made.
var Created = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)

// NewPerson makes a person whose keys are first, first+1 and first+2.
func NewPerson(name crypto.Username, relay crypto.RelayPrivate, first byte) Person {
	p := Person{
		Account: secret[crypto.AccountPrivate]("account-secret:", first),
		Device:  secret[crypto.DevicePrivate]("device-secret:", first+1),
		Box:     Box(first + 2),
	}
	p.Certificate = crypto.NewCertificate(p.Account, crypto.Certificate{
		Relay: relay.Public(), User: name, Device: crypto.DeviceID{first, 1, 2, 3, 4, 5, 6, 7},
		Login: p.Device.Public(), Box: p.Box.Public(), Version: crypto.EndToEndVersion, Created: Created,
	})
	return p
}

// Box makes a box key of one byte, 32 times.
func Box(b byte) crypto.BoxPrivate { return secret[crypto.BoxPrivate]("box-secret:", b) }

func secret[K any, P interface {
	*K
	UnmarshalText([]byte) error
}](prefix string, b byte) (k K) {
	if err := P(&k).UnmarshalText([]byte(prefix + crypto.Base64(bytes.Repeat([]byte{b}, crypto.KeySize)))); err != nil {
		panic(err)
	}
	return k
}
