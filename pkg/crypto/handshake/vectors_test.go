package handshake_test

import (
	"bytes"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/handshake"
	"secure-messaging/pkg/crypto/internal/source"
)

// handshakeVector is one handshake with every step on the way. The request is
// the hello with the first message of the ratchet behind it.
type handshakeVector struct {
	OneTime    bool          `json:"oneTime"`
	Ephemeral  vectors.Bytes `json:"ephemeralSecret"`    // x
	Coins      vectors.Bytes `json:"encapsulationCoins"` // m of FIPS 203
	Ciphertext vectors.Bytes `json:"ct"`
	DH1        vectors.Bytes `json:"dh1"`
	DH2        vectors.Bytes `json:"dh2"`
	DH3        vectors.Bytes `json:"dh3"`
	DH4        vectors.Bytes `json:"dh4,omitempty"`
	SS         vectors.Bytes `json:"ss"`
	Transcript vectors.Bytes `json:"transcript"`
	T          vectors.Bytes `json:"t"`
	F          vectors.Bytes `json:"f"`
	Key        vectors.Bytes `json:"certKey"`
	Nonce      vectors.Bytes `json:"certNonce"`
	Sealed     vectors.Bytes `json:"cert"`
	ID         vectors.Bytes `json:"id"`
	Root       vectors.Bytes `json:"root"`
	Ratchet    vectors.Bytes `json:"ratchetSecret"` // r of the first message
	Salt       vectors.Bytes `json:"salt"`          // of the first message
	Content    string        `json:"content"`
	Request    vectors.Bytes `json:"request"`
}

type handshakeFile struct {
	Asker        crypto.Certificate   `json:"asker"`
	AskerBox     crypto.BoxPrivate    `json:"askerBox"`
	Asked        crypto.Certificate   `json:"asked"`
	AskedBox     crypto.BoxPrivate    `json:"askedBox"`
	Signed       vectors.Bytes        `json:"signedPrekey"`
	SignedSecret crypto.PrekeyPrivate `json:"signedPrekeySecret"`
	OneTime      vectors.Bytes        `json:"oneTimePrekey"`
	OneTimeSec   crypto.PrekeyPrivate `json:"oneTimePrekeySecret"`
	Requests     []handshakeVector    `json:"requests"`
}

// prekeysOf are the prekeys of a person of the vectors.
type prekeysOf vectors.Person

func (p prekeysOf) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, bool) {
	for _, k := range []crypto.PrekeyPrivate{p.Signed, p.OneTime} {
		if k.Kind == kind && k.ID == id {
			return k, true
		}
	}
	return crypto.PrekeyPrivate{}, false
}

func numbered(n *vectors.Numbers) *source.Source {
	return &source.Source{Box: n.Box, KEM: n.KEM, Encapsulate: n.Encapsulate, Salt: n.Salt}
}

// The production code asks and answers; every step is done here once more by
// hand.
func TestVectors(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	file := handshakeFile{
		Asker: alice.Certificate, AskerBox: alice.Box, Asked: bob.Certificate, AskedBox: bob.Box,
		Signed: bob.Sign(bob.Signed).Raw(), SignedSecret: bob.Signed,
		OneTime: bob.Sign(bob.OneTime).Raw(), OneTimeSec: bob.OneTime,
	}
	for i, oneTime := range []bool{true, false} {
		content := `{"id":"0` + string(rune('1'+i)) + `0102030405060708090a0b0c0d0e0f","type":"request","sent_at":1735787045678,"n":1,"body":"it is alice →"}`
		file.Requests = append(file.Requests, ask(t, alice, bob, oneTime, &vectors.Numbers{Side: 0x31 + byte(i)}, content))
	}
	vectors.Check(t, "handshake.json", file)
}

func ask(t *testing.T, alice, bob vectors.Person, oneTime bool, n *vectors.Numbers, content string) handshakeVector {
	t.Helper()
	bundle := handshake.Bundle{Certificate: bob.Certificate, Signed: bob.Sign(bob.Signed)}
	if oneTime {
		bundle.OneTime = bob.Sign(bob.OneTime)
	}
	hello, state, err := handshake.Ask(handshake.Local{Certificate: alice.Certificate, Box: alice.Box}, bundle, vectors.Created, numbered(n))
	if err != nil {
		t.Fatal(err)
	}
	message, _, err := state.Seal(vectors.Pad([]byte(content)), vectors.Created)
	if err != nil {
		t.Fatal(err)
	}
	request := append(bytes.Clone(hello), message...)

	h := byHand(alice, bob, bundle, n, hello)
	if !bytes.Equal(h.Hello, hello) {
		t.Error("by hand the request is another")
	}
	r := vectors.Ratchet{ID: h.ID, Root: h.Root, Last: bob.Signed.Box.Public().Bytes()}
	r.Know(n)
	if s, err := r.Step(message, 1); err != nil || !bytes.Equal(s.Body, vectors.Boxed(s.Key, s.Nonce, vectors.Pad([]byte(content)))) {
		t.Errorf("by hand the first message is another: %v", err)
	}
	answered(t, alice, bob, h, request, content)
	return handshakeVector{
		oneTime, h.Ephemeral, n.Coins[0], h.Ciphertext, h.DH1, h.DH2, h.DH3, h.DH4, h.SS, h.Transcript, h.T,
		h.F, h.Key, h.Nonce, h.Certificate, h.ID, h.Root, n.Scalars[1], n.Salts[0], content, request,
	}
}

func byHand(alice, bob vectors.Person, b handshake.Bundle, n *vectors.Numbers, hello []byte) vectors.Handshake {
	h := vectors.Handshake{
		Asker: alice.Certificate.Raw(), Asked: bob.Certificate.Raw(), AskerBox: alice.Box.Bytes(), Ephemeral: n.Scalars[0],
		Signed: b.Signed.Raw(), OneTime: b.OneTime.Raw(),
		SignedSeed: bob.Signed.KEM.Seed(), OneTimeSeed: bob.OneTime.KEM.Seed(), Ciphertext: hello[42 : 42+1088],
	}
	h.Do()
	return h
}

// answered opens the request at the other side.
func answered(t *testing.T, alice, bob vectors.Person, h vectors.Handshake, request []byte, content string) {
	t.Helper()
	asked, err := handshake.Answer(handshake.Local{Certificate: bob.Certificate, Box: bob.Box}, prekeysOf(bob), request, vectors.Created, source.System)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(asked.Certificate.Raw(), alice.Certificate.Raw()) || asked.State.ID() != [32]byte(h.ID) {
		t.Error("the answer knows another asker or session")
	}
	opened, _, err := asked.State.Open(asked.Message, vectors.Created)
	if err != nil || !bytes.Equal(opened.Padded, vectors.Pad([]byte(content))) {
		t.Errorf("the first message does not open: %v", err)
	}
}
