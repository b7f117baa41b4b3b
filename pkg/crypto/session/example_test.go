package session_test

import (
	"fmt"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto/session"
)

// Alice seals a text for bob. Bob opens it, and gets the session to keep for
// the next one.
func Example() {
	alice, bob := vectors.Alice(), vectors.Bob()
	toBob, err := session.New(session.Local{Certificate: alice.Certificate, Box: alice.Box}, bob.Certificate)
	if err != nil {
		panic(err)
	}
	sealed, _, err := toBob.Seal([]byte("hi bob"))
	if err != nil {
		panic(err)
	}

	fromAlice, err := session.New(session.Local{Certificate: bob.Certificate, Box: bob.Box}, alice.Certificate)
	if err != nil {
		panic(err)
	}
	text, next, err := fromAlice.Open(sealed)
	fmt.Println(len(sealed), string(text), err)

	_, _, err = next.Open(sealed[1:])
	fmt.Println(err)
	// Output:
	// 305 hi bob <nil>
	// the message cannot be opened
}
