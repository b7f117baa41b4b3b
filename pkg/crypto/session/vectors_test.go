package session_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"slices"
	"testing"

	"golang.org/x/crypto/nacl/secretbox"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/session"
)

// envelopeVector is one sealed message with every step on the way to it, for
// who writes a peer. Bytes are base64url.
type envelopeVector struct {
	Text       string `json:"text"`
	Ephemeral  string `json:"ephemeral"` // secret key
	OnceSecret string `json:"onceSecret"`
	Static     string `json:"staticSecret"`
	Info       string `json:"info"`
	Key        string `json:"key"`
	Nonce      string `json:"nonce"`
	Sealed     string `json:"sealed"`
}

type envelopeFile struct {
	Sender       string           `json:"senderCertificate"`
	SenderBox    string           `json:"senderBox"`
	Recipient    string           `json:"recipientCertificate"`
	RecipientBox string           `json:"recipientBox"`
	Messages     []envelopeVector `json:"messages"`
}

func text(t *testing.T, v interface{ MarshalText() ([]byte, error) }) string {
	t.Helper()
	b, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The production code seals; the steps are done here once more, from the
// specification and the standard library alone.
func TestVectors(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	file := envelopeFile{
		Sender: text(t, alice.Certificate), SenderBox: text(t, alice.Box),
		Recipient: text(t, bob.Certificate), RecipientBox: text(t, bob.Box),
	}
	for i, content := range []string{
		`{"id":"000102030405060708090a0b0c0d0e0f","type":"text","sent_at":1735787045678,"body":"hi"}`,
		`{"id":"101112131415161718191a1b1c1d1e1f","type":"accept","sent_at":1735787045678,"body":""}`,
		`{"id":"202122232425262728292a2b2c2d2e2f","type":"text","sent_at":1735787045678,"body":"` + string(bytes.Repeat([]byte("→ "), 80)) + `"}`,
	} {
		ephemeral := vectors.Box(0xee + byte(i))
		fixed := session.WithEphemeral(between(t, alice, bob), func() crypto.BoxPrivate { return ephemeral })
		sealed, _, err := fixed.Seal([]byte(content))
		if err != nil {
			t.Fatal(err)
		}
		v := openByHand(t, alice.Certificate, bob, sealed)
		v.Ephemeral = text(t, ephemeral)
		if v.Text != content {
			t.Errorf("by hand %q was opened, not %q", v.Text, content)
		}
		opens(t, between(t, bob, alice), sealed, content)
		file.Messages = append(file.Messages, v)
	}
	vectors.Check(t, "envelope.json", file)
}

func openByHand(t *testing.T, sender crypto.Certificate, recipient vectors.Person, sealed []byte) envelopeVector {
	t.Helper()
	boxSecret, err := crypto.FromBase64(text(t, recipient.Box)[len("box-secret:"):])
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdh.X25519().NewPrivateKey(boxSecret)
	if err != nil {
		t.Fatal(err)
	}
	agree := func(public []byte) []byte {
		p, err := ecdh.X25519().NewPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := own.ECDH(p)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	ephemeral := sealed[1:33]
	once, static := agree(ephemeral), agree(sender.Box.Bytes())
	from, to := sender.Hash(), recipient.Certificate.Hash()
	info := crypto.Encode("secure-messaging v0 envelope", from[:], to[:], ephemeral)
	b, err := hkdf.Key(sha256.New, slices.Concat(once, static), nil, string(info), 56)
	if err != nil {
		t.Fatal(err)
	}
	padded, ok := secretbox.Open(nil, sealed[33:], (*[24]byte)(b[32:]), (*[32]byte)(b[:32]))
	if !ok {
		t.Fatal("by hand it does not open")
	}
	n := int(padded[2])<<8 | int(padded[3])
	return envelopeVector{
		Text: string(padded[4 : 4+n]), OnceSecret: crypto.Base64(once), Static: crypto.Base64(static),
		Info: crypto.Base64(info), Key: crypto.Base64(b[:32]), Nonce: crypto.Base64(b[32:]), Sealed: crypto.Base64(sealed),
	}
}
