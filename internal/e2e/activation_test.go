//go:build unix

package e2e

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whoever connects while the relay is started anew waits, and is not refused: the
// socket belongs to the service manager.
func TestSocketActivation(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	socket, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	dir := t.TempDir()
	short, err := os.MkdirTemp("", "sd") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(short, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	hears := func(want string) {
		t.Helper()
		buf := make([]byte, 64)
		manager.SetReadDeadline(time.Now().Add(waitTime))
		if n, err := manager.Read(buf); err != nil || string(buf[:n]) != want {
			t.Fatalf("the service manager heard %q, %v; want %q", buf[:n], err, want)
		}
	}

	r := newRelay(dir, append(os.Environ(), "NOTIFY_SOCKET="+manager.LocalAddr().String()))
	r.given = []*os.File{socket}
	defer r.end(os.Kill)
	begin := func() {
		t.Helper()
		if err := r.start(); err != nil {
			t.Fatal(err)
		}
		hears("READY=1")
		if r.addr != ln.Addr().String() {
			t.Errorf("it listens on %s, and was given %s", r.addr, ln.Addr())
		}
	}
	stop := func() {
		t.Helper()
		if err := r.end(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		hears("STOPPING=1")
	}
	begin()
	stop()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatalf("refused while no relay runs: %v", err)
	}
	begin()
	if got := statusOver(t, conn); got != http.StatusOK {
		t.Errorf("who has waited gets %d", got)
	}
	stop()

	r.given = []*os.File{socket, socket}
	if err := r.start(); err == nil || !strings.Contains(err.Error(), "2 sockets") {
		t.Errorf("with two sockets: %v", err)
	}
}

// statusOver asks a relay how it is over a connection that is there already.
func statusOver(t *testing.T, conn net.Conn) int {
	t.Helper()
	asks := &http.Client{Timeout: waitTime, Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}}
	resp, err := asks.Get("https://" + conn.RemoteAddr().String() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
