package relay_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

func Example() {
	store, err := relaystore.OpenMem()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	r := relay.New(relay.Config{Key: crypto.NewRelayPrivate(), Directory: store, Prekeys: store, Mailboxes: store})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- r.Serve(context.Background(), ln, nil) }()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + ln.Addr().String() + "/readyz")
	if err != nil {
		fmt.Println(err)
		return
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	fmt.Println(resp.Status)
	fmt.Println(r.Shutdown(context.Background()), <-served)
	// Output:
	// 200 OK
	// <nil> <nil>
}
