package crypto_test

import (
	"bytes"
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
	registration := crypto.Registration{Host: login.Host, Certificate: alice.Certificate, RelayNonce: bytes.Repeat([]byte{0xc3}, 56)}
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
			crypto.Base64(registration.RelayNonce), byAccount, byDevice,
		},
	})
}
