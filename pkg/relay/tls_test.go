package relay_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// TestTLS: the relay serves wss under its own key, and only HTTP/1.1. Noise on
// the port is logged without the address that it came from.
func TestTLS(t *testing.T) {
	var log safeBuffer
	w := newWorld(t, func(c *relay.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	cert, err := crypto.MakeTLSCertificate(w.key, []string{host}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- w.relay.Serve(context.Background(), ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}()

	noise, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	noise.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	noise.Read(make([]byte, 100)) // an alert, or the end
	noise.Close()

	var leaf *x509.Certificate
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, // the key is checked below
		VerifyConnection: func(cs tls.ConnectionState) error {
			leaf = cs.PeerCertificates[0]
			return crypto.VerifyTLS(w.key.Public(), leaf, time.Now())
		},
	}}
	ws, resp, err := dialer.Dial("wss://"+ln.Addr().String()+protocol.PathSocket, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	c := &peer{t: t, ws: ws}
	expect[*protocol.Challenge](c)

	h2, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	if p := h2.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("the relay speaks %q", p)
	}
	h2.Close()
	w.stop()
	c.expectClose(websocket.CloseServiceRestart)
	if err := <-served; err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "TLS handshake error from a peer") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the log:\n%s", text)
	}
}
