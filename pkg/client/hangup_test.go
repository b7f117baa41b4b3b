package client_test

import (
	"context"
	"net"
	"testing"
	"time"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// TestLeaveWhileConnecting: a relay that takes the connection and then says
// nothing keeps nobody from leaving.
func TestLeaveWhileConnecting(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	server, err := client.ParseServer("ws://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	keys, first, err := client.NewKeys(server, crypto.NewRelayPrivate().Public(), "alice", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.NewMemStore(keys, first))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil { // the handshake has begun
		t.Fatal(err)
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(5 * time.Second): // the handshake's own limit is three times that
		t.Error("it waits for the relay")
	}
}
