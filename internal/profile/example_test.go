package profile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

func Example() {
	dir, err := os.MkdirTemp("", "profile")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	server, err := client.ParseServer("wss://chat.example.org")
	if err != nil {
		panic(err)
	}
	keys, first, err := client.NewKeys(server, crypto.NewRelayPrivate().Public(), "alice", time.Now())
	if err != nil {
		panic(err)
	}
	// profile.RefFor gives the usual place; a demonstration has one of its own.
	ref := profile.Ref{Name: "alice", Server: server.Address(), Dir: filepath.Join(dir, "alice")}
	cost := keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1} // keyfile.DefaultCost outside of tests
	store, err := profile.Create(ref, keys, first, []byte("correct horse"), cost)
	if err != nil {
		panic(err)
	}

	_, err = profile.Acquire(ref)
	fmt.Println("busy:", errors.Is(err, client.ErrBusy))
	store.Close()

	lock, err := profile.Acquire(ref)
	if err != nil {
		panic(err)
	}
	defer lock.Release()
	_, err = lock.Open([]byte("battery staple"))
	fmt.Println("locked:", errors.Is(err, client.ErrLocked))
	store, err = lock.Open([]byte("correct horse"))
	if err != nil {
		panic(err)
	}
	defer store.Close()
	loaded, err := store.Load()
	if err != nil {
		panic(err)
	}
	fmt.Println(loaded.Keys.Certificate.User)
	// Output:
	// busy: true
	// locked: true
	// alice
}
