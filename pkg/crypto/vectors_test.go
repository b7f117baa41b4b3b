package crypto_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

type encodingVector struct {
	Label   crypto.Label `json:"label"`
	Fields  []string     `json:"fields"`
	Encoded string       `json:"encoded"`
	Hash    string       `json:"hash"`
}

type relayVector struct {
	Secret      crypto.RelayPrivate `json:"secret"`
	Public      crypto.RelayPublic  `json:"public"`
	Fingerprint crypto.Fingerprint  `json:"fingerprint"`
}

type accountVector struct {
	AccountSecret   crypto.AccountPrivate `json:"accountSecret"`
	AccountPublic   crypto.AccountPublic  `json:"accountPublic"`
	Fingerprint     crypto.Fingerprint    `json:"fingerprint"`
	DeviceSecret    crypto.DevicePrivate  `json:"deviceSecret"`
	DevicePublic    crypto.DevicePublic   `json:"devicePublic"`
	BoxSecret       crypto.BoxPrivate     `json:"boxSecret"`
	BoxPublic       crypto.BoxPublic      `json:"boxPublic"`
	Address         crypto.Address        `json:"address"`
	Version         byte                  `json:"version"`
	Created         int64                 `json:"created"`
	Certificate     crypto.Certificate    `json:"certificate"`
	CertificateHash string                `json:"certificateHash"`
}

// proofVector is a login and a registration of the first account.
type proofVector struct {
	Host               string           `json:"host"`
	RelayNonce         crypto.Nonce     `json:"relayNonce"`
	ChallengeSignature crypto.Signature `json:"challengeSignature"`
	ClientNonce        crypto.Nonce     `json:"clientNonce"`
	LoginProof         crypto.Signature `json:"loginProof"`
	Welcome            crypto.Signature `json:"welcome"`
	RegistrationNonce  string           `json:"registrationNonce"`
	Prekey             string           `json:"prekey"` // the first signed one
	AccountSignature   crypto.Signature `json:"accountSignature"`
	DeviceSignature    crypto.Signature `json:"deviceSignature"`
}

func encode(label crypto.Label, fields ...string) encodingVector {
	v := encodingVector{Label: label}
	var raw [][]byte
	for _, f := range fields {
		raw, v.Fields = append(raw, []byte(f)), append(v.Fields, crypto.Base64([]byte(f)))
	}
	h := crypto.Hash(label, raw...)
	v.Encoded, v.Hash = crypto.Base64(crypto.Encode(label, raw...)), crypto.Base64(h[:])
	return v
}

func account(p vectors.Person) accountVector {
	c, hash := p.Certificate, p.Certificate.Hash()
	return accountVector{
		p.Account, p.Account.Public(), p.Account.Public().Fingerprint(), p.Device, p.Device.Public(),
		p.Box, p.Box.Public(), c.Address(), c.Version, c.Created.Unix(), c, crypto.Base64(hash[:]),
	}
}

func TestVectors(t *testing.T) {
	relay, alice := vectors.Relay(), vectors.Alice()
	login := crypto.Login{
		Relay: relay.Public(), Host: "chat.example.org", Certificate: alice.Certificate.Hash(), Address: alice.Certificate.Address(),
		RelayNonce: crypto.Nonce(bytes.Repeat([]byte{0xc1}, 32)), ClientNonce: crypto.Nonce(bytes.Repeat([]byte{0xc2}, 32)),
	}
	registration := crypto.Registration{Host: login.Host, Certificate: alice.Certificate, Prekey: alice.Sign(alice.Signed), RelayNonce: bytes.Repeat([]byte{0xc3}, 56)}
	byAccount, byDevice := registration.Sign(alice.Account, alice.Device)

	vectors.Check(t, "identity.json", struct {
		Encodings []encodingVector `json:"encodings"`
		Relay     relayVector      `json:"relay"`
		Accounts  []accountVector  `json:"accounts"`
		Proofs    proofVector      `json:"proofs"`
	}{
		[]encodingVector{
			encode(crypto.LabelLogin),
			encode(crypto.LabelLogin, ""),
			encode(crypto.LabelLogin, "one", "", "three"),
		},
		relayVector{relay, relay.Public(), relay.Public().Fingerprint()},
		[]accountVector{account(alice), account(vectors.Bob())},
		proofVector{
			login.Host, login.RelayNonce, crypto.SignChallenge(relay, login.RelayNonce),
			login.ClientNonce, login.Sign(alice.Device), login.SignWelcome(relay),
			crypto.Base64(registration.RelayNonce), crypto.Base64(registration.Prekey.Raw()), byAccount, byDevice,
		},
	})
}

type prekeyVector struct {
	Kind      byte                 `json:"kind"`
	ID        uint32               `json:"id"`
	Created   int64                `json:"created"`
	BoxSecret crypto.BoxPrivate    `json:"boxSecret"`
	BoxPublic crypto.BoxPublic     `json:"boxPublic"`
	KEMSecret crypto.KEMPrivate    `json:"kemSecret"`
	KEMPublic string               `json:"kemPublic"`
	Secret    crypto.PrekeyPrivate `json:"secret"`
	Signed    string               `json:"signed"` // what the signature covers
	Signature string               `json:"signature"`
	Hash      string               `json:"hash"`
	Prekey    string               `json:"prekey"`
}

// The production code signs; every field is made here once more by hand.
func TestPrekeyVectors(t *testing.T) {
	bob := vectors.Bob()
	var vs []prekeyVector
	for _, k := range []crypto.PrekeyPrivate{bob.Signed, bob.OneTime} {
		public := bob.Sign(k)
		f := vectors.Split(public.Raw())
		v := prekeyByHand(t, bob, k)
		v.Signature = crypto.Base64(f[6])
		raw, err := crypto.FromBase64(v.Signed)
		if err != nil || !ed25519.Verify(bob.Device.Public().Bytes(), raw, f[6]) {
			t.Errorf("by hand the signature of prekey %d does not hold: %v", k.ID, err)
		}
		hash := public.Hash()
		v.Prekey = crypto.Base64(vectors.E("prekey", append(vectors.Split(raw)[2:], f[6])...))
		if v.Prekey != crypto.Base64(public.Raw()) || v.Hash != crypto.Base64(hash[:]) {
			t.Errorf("by hand prekey %d is another", k.ID)
		}
		if read, err := crypto.ParsePrekey(public.Raw(), bob.Certificate); err != nil || read.Hash() != hash {
			t.Errorf("prekey %d is not read: %v", k.ID, err)
		}
		vs = append(vs, v)
	}
	vectors.Check(t, "prekeys.json", struct {
		Certificate  crypto.Certificate   `json:"certificate"`
		DeviceSecret crypto.DevicePrivate `json:"deviceSecret"`
		Prekeys      []prekeyVector       `json:"prekeys"`
	}{bob.Certificate, bob.Device, vs})
}

func prekeyByHand(t *testing.T, owner vectors.Person, k crypto.PrekeyPrivate) prekeyVector {
	t.Helper()
	scalar, seed := k.Box.Bytes(), k.KEM.Seed()
	box, kem := vectors.Public(scalar), vectors.KEMPublicOf(seed)
	id := binary.BigEndian.AppendUint32(nil, uint32(k.ID))
	created := binary.BigEndian.AppendUint64(nil, uint64(k.Created.Unix()))
	fields := [][]byte{vectors.H("hash of certificate", owner.Certificate.Raw()), {byte(k.Kind)}, id, created, box, kem}
	text, err := k.MarshalText()
	if err != nil || string(text) != "prekey-secret:"+crypto.Base64(slices.Concat([]byte{byte(k.Kind)}, id, created, scalar, seed)) {
		t.Errorf("by hand the text of prekey %d is another: %v", k.ID, err)
	}
	return prekeyVector{
		Kind: byte(k.Kind), ID: uint32(k.ID), Created: k.Created.Unix(),
		BoxSecret: k.Box, BoxPublic: k.Box.Public(), KEMSecret: k.KEM, KEMPublic: crypto.Base64(kem), Secret: k,
		Signed: crypto.Base64(vectors.E("prekey", fields...)), Hash: crypto.Base64(vectors.H("hash of prekey", fields...)),
	}
}
