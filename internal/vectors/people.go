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
	Signed      crypto.PrekeyPrivate // id 1
	OneTime     crypto.PrekeyPrivate // id 2
}

// The people of the vectors. Each key is one byte, 32 times.

// Relay has the key 01.
func Relay() crypto.RelayPrivate { return secret[crypto.RelayPrivate]("relay-secret:", 0x01) }

// OtherRelay has the key 02.
func OtherRelay() crypto.RelayPrivate { return secret[crypto.RelayPrivate]("relay-secret:", 0x02) }

// Alice has the keys a1 to a7.
func Alice() Person { return NewPerson("alice", Relay(), 0xa1) }

// Bob has the keys b1 to b7.
func Bob() Person { return NewPerson("bob", Relay(), 0xb1) }

// Mallory has the keys e1 to e7.
func Mallory() Person { return NewPerson("mallory", Relay(), 0xe1) }

// Created is when all devices were made.
var Created = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)

// NewPerson makes a person whose keys are first (account), first+1 (device),
// first+2 (box), first+3 and first+4 (signed prekey), first+5 and first+6
// (one-time prekey). The last two come as X25519 and ML-KEM.
func NewPerson(name crypto.Username, relay crypto.RelayPrivate, first byte) Person {
	p := Person{
		Account: secret[crypto.AccountPrivate]("account-secret:", first),
		Device:  secret[crypto.DevicePrivate]("device-secret:", first+1),
		Box:     Box(first + 2),
		Signed:  prekey(crypto.PrekeySigned, 1, first+3),
		OneTime: prekey(crypto.PrekeyOneTime, 2, first+5),
	}
	p.Certificate = crypto.NewCertificate(p.Account, crypto.Certificate{
		Relay: relay.Public(), User: name, Device: crypto.DeviceID{first, 1, 2, 3, 4, 5, 6, 7},
		Login: p.Device.Public(), Box: p.Box.Public(), Version: crypto.EndToEndVersion, Created: Created,
	})
	return p
}

// Sign makes the public half of one of the person's prekeys.
func (p Person) Sign(k crypto.PrekeyPrivate) crypto.Prekey { return k.Sign(p.Certificate, p.Device) }

func prekey(kind crypto.PrekeyKind, id crypto.PrekeyID, first byte) crypto.PrekeyPrivate {
	return crypto.PrekeyPrivate{Kind: kind, ID: id, Created: Created, Box: Box(first), KEM: KEM(first + 1)}
}

// KEM makes an ML-KEM key whose seed is one byte, 64 times.
func KEM(b byte) crypto.KEMPrivate {
	k, err := crypto.KEMPrivateFromSeed(bytes.Repeat([]byte{b}, crypto.KEMSeedSize))
	if err != nil {
		panic(err)
	}
	return k
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
