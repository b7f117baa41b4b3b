package client

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// endless is a peer that answers a handshake and never comes to its end.
type endless struct {
	head string
	said int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head)
	e.head = e.head[n:]
	if n == 0 {
		for n = range p {
			p[n] = 'x'
		}
	}
	e.said += n
	return n, nil
}

func (*endless) Write(p []byte) (int, error)      { return len(p), nil }
func (*endless) Close() error                     { return nil }
func (*endless) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*endless) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*endless) SetDeadline(time.Time) error      { return nil }
func (*endless) SetReadDeadline(time.Time) error  { return nil }
func (*endless) SetWriteDeadline(time.Time) error { return nil }

// TestHandshakeWithoutEnd: it must not fill the memory.
func TestHandshakeWithoutEnd(t *testing.T) {
	_, _, c := newScript(t)
	for _, head := range []string{"", "HTTP/1.1 101 Switching Protocols\r\nX-A: ", "HTTP/1.1 200 OK\r\n\r\n"} {
		e := &endless{head: head}
		c.netDial = func(context.Context, string, string) (net.Conn, error) { return e, nil }
		if _, err := c.dial(t.Context()); err == nil {
			t.Errorf("%q: a connection", head)
		}
		if e.said > maxHandshake+4096 {
			t.Errorf("%q: %d bytes were read", head, e.said)
		}
	}
}

// TestNoWebSocket: who answers with HTTP is a full relay, or none.
func TestNoWebSocket(t *testing.T) {
	_, _, c := newScript(t)
	for head, want := range map[string]string{
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n": "takes no more connections",
		"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n":         "stands before the relay",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n":           "status 404 and not like a relay",
	} {
		c.netDial = func(context.Context, string, string) (net.Conn, error) { return &endless{head: head}, nil }
		if _, err := c.dial(t.Context()); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", head, err)
		}
	}
}
