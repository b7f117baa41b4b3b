package handshake

import (
	"slices"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/ratchet"
)

var begun = time.Unix(1_900_000_000, 0)

func local(p vectors.Person) Local { return Local{p.Certificate, p.Box} }

// bundle is what the relay hands out about a person.
func bundle(p vectors.Person, oneTime bool) Bundle {
	b := Bundle{Certificate: p.Certificate, Signed: p.Sign(p.Signed)}
	if oneTime {
		b.OneTime = p.Sign(p.OneTime)
	}
	return b
}

// secrets are the prekeys that a device still has.
type secrets []crypto.PrekeyPrivate

func (s secrets) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, bool) {
	i := slices.IndexFunc(s, func(k crypto.PrekeyPrivate) bool { return k.Kind == kind && k.ID == id })
	if i < 0 {
		return crypto.PrekeyPrivate{}, false
	}
	return s[i], true
}

func secretsOf(p vectors.Person) secrets { return secrets{p.Signed, p.OneTime} }

// request asks and seals a first message.
func request(t *testing.T, from Local, b Bundle) []byte {
	t.Helper()
	hello, state, err := Ask(from, b, begun, source.System)
	if err != nil {
		t.Fatal(err)
	}
	return firstMessage(t, hello, state)
}

func firstMessage(t *testing.T, hello []byte, state ratchet.State) []byte {
	t.Helper()
	sealed, _, err := state.Seal([]byte("hi"), begun)
	if err != nil {
		t.Fatal(err)
	}
	return append(hello, sealed...)
}

// answers opens a request with its first message, after which the asker is
// proved.
func answers(to Local, prekeys Prekeys, data []byte) (Asked, error) {
	asked, err := Answer(to, prekeys, data, begun, source.System)
	if err != nil {
		return Asked{}, err
	}
	o, state, err := asked.State.Open(asked.Message, begun)
	if err != nil || string(o.Padded) != "hi" {
		return Asked{}, ErrOpen
	}
	asked.State = state
	return asked, nil
}

func opens(t *testing.T, to Local, prekeys Prekeys, data []byte) Asked {
	t.Helper()
	asked, err := answers(to, prekeys, data)
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

func refuses(t *testing.T, what string, to vectors.Person, data []byte) {
	t.Helper()
	if _, err := answers(local(to), secretsOf(to), data); err != ErrOpen {
		t.Errorf("%s: %v", what, err)
	}
}

// known is all that goes into a session, as its asker knows it.
type known struct {
	hello      helloFrame
	transcript transcript
	ephemeral  crypto.BoxPrivate
	agreements [][]byte // DH2, DH3, and DH4 with a one-time prekey
	kem        []byte
}

// asker lets the production code ask, and notes what it has drawn.
func asker(t *testing.T, from Local, b Bundle) *known {
	t.Helper()
	k := new(known)
	src := *source.System
	src.Box = func() crypto.BoxPrivate {
		k.ephemeral = source.System.Box()
		return k.ephemeral
	}
	src.Encapsulate = func(key crypto.KEMPublic) (secret, ciphertext []byte) {
		secret, ciphertext = source.System.Encapsulate(key)
		k.kem = slices.Clone(secret)
		return secret, ciphertext
	}
	hello, _, err := Ask(from, b, begun, &src)
	if err != nil {
		t.Fatal(err)
	}
	k.hello, _, _ = decodeHello(hello)
	k.transcript = transcript{
		version: k.hello.version, asked: b.Certificate, signed: b.Signed.Hash(),
		ephemeral: k.hello.ephemeral, ciphertext: k.hello.ciphertext,
	}
	with := []crypto.BoxPublic{b.Certificate.Box, b.Signed.Box}
	if !b.OneTime.IsZero() {
		hash := b.OneTime.Hash()
		k.transcript.oneTime, with = hash[:], append(with, b.OneTime.Box)
	}
	for _, key := range with {
		k.agreements = append(k.agreements, agree(t, k.ephemeral, key))
	}
	return k
}

func (k *known) first(agreements [][]byte, kem []byte) []byte {
	var in [][]byte
	for _, a := range append(slices.Clone(agreements), kem) {
		in = append(in, slices.Clone(a)) // firstSecret clears them
	}
	return firstSecret(k.transcript.hash(), in...)
}

// forge is a request in which the asker shows any certificate and gives
// anything for DH1, the agreement that only its holder can make.
func (k *known) forge(t *testing.T, b Bundle, shows crypto.Certificate, dh1 []byte) []byte {
	t.Helper()
	first, hash := k.first(k.agreements, k.kem), k.transcript.hash()
	hello := k.hello
	hello.certificate = certificateKey(first, hash).Seal(shows.Raw())
	id := sessionID(hash, shows)
	return firstMessage(t, hello.encode(), ratchet.NewInitiator(id, firstRoot(id, first, slices.Clone(dh1)), b.Signed.Box, begun, source.System))
}

func agree(t *testing.T, k crypto.BoxPrivate, key crypto.BoxPublic) []byte {
	t.Helper()
	a, err := k.Agree(key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// certify is a certificate that a person signs about any name and any box key.
func certify(p vectors.Person, change func(*crypto.Certificate)) crypto.Certificate {
	c := p.Certificate
	change(&c)
	return crypto.NewCertificate(p.Account, c)
}
