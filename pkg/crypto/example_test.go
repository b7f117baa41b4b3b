package crypto_test

import (
	"fmt"
	"time"

	"secure-messaging/pkg/crypto"
)

// A new account makes its keys, ties them to its name, and proves to its relay
// at every login that it still has them.
func Example() {
	relay := crypto.NewRelayPrivate() // on the relay's machine

	account, device, box := crypto.NewAccountPrivate(), crypto.NewDevicePrivate(), crypto.NewBoxPrivate()
	certificate := crypto.NewCertificate(account, crypto.Certificate{
		Relay: relay.Public(), User: "alice", Device: crypto.NewDeviceID(),
		Login: device.Public(), Box: box.Public(), Created: time.Now(),
	})

	login := crypto.Login{
		Relay: relay.Public(), Host: "chat.example.org",
		Certificate: certificate.Hash(), Address: certificate.Address(),
		RelayNonce: crypto.NewNonce(), ClientNonce: crypto.NewNonce(),
	}
	proof := login.Sign(device)
	fmt.Println("at its relay:", login.Verify(certificate.Login, proof))

	login.Host = "evil.example.org" // where somebody has caught the proof
	fmt.Println("elsewhere:", login.Verify(certificate.Login, proof))
	fmt.Println("printed:", account)
	// Output:
	// at its relay: true
	// elsewhere: false
	// printed: (secret)
}
