package relay

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// gate is the network end of a WebSocket. It reads a burst in large pieces and
// an idle line with the small buffer of its caller, and says when it is about
// to wait for the peer: what was gathered by then must go out.
type gate struct {
	net.Conn
	beforeWait func()

	buf   *[]byte // borrowed from bursts
	ahead []byte  // of it, what nobody has taken yet
	more  bool    // the last read filled its buffer: there is probably more
}

// burstSize holds a few dozen small frames.
const burstSize = 16 << 10

var bursts = sync.Pool{New: func() any { b := make([]byte, burstSize); return &b }}

// Read implements net.Conn, for one goroutine.
func (g *gate) Read(p []byte) (int, error) {
	if len(g.ahead) == 0 {
		g.release()
		if g.beforeWait != nil {
			g.beforeWait()
		}
		if !g.more || len(p) >= burstSize {
			n, err := g.Conn.Read(p)
			g.more = n == len(p)
			return n, err
		}
		g.buf = bursts.Get().(*[]byte)
		n, err := g.Conn.Read(*g.buf)
		g.ahead, g.more = (*g.buf)[:n], n == burstSize
		if n == 0 {
			return 0, err
		} // else the error comes again
	}
	n := copy(p, g.ahead)
	g.ahead = g.ahead[n:]
	return n, nil
}

// release gives a borrowed buffer back.
func (g *gate) release() {
	if g.buf != nil {
		bursts.Put(g.buf)
		g.buf, g.ahead = nil, nil
	}
}

// gatekeeper puts a gate between a connection that is taken over from net/http
// and its new owner.
type gatekeeper struct {
	http.ResponseWriter
	gate *gate
}

// Hijack implements http.Hijacker.
func (k *gatekeeper) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(k.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	k.gate = &gate{Conn: conn}
	return k.gate, rw, nil
}

// The frames that a relay writes, RFC 6455 section 5.2: whole messages, without
// a mask. The WebSocket library writes each with a system call of its own; here
// they are gathered in one buffer.
const (
	finalText = 0x81
	finalPing = 0x89
	finalPong = 0x8a
)

// openText begins a text message at the end of b.
func openText(b []byte) (open []byte, start int) {
	start = len(b)
	return append(b, 0, 0, 0, 0), start + 4
}

// closeText puts the header in front of what was appended since.
func closeText(b []byte, start int) []byte {
	n := len(b) - start
	switch {
	case n < 126:
		copy(b[start-2:], b[start:])
		b = b[:len(b)-2]
		b[start-4], b[start-3] = finalText, byte(n)
	case n < 1<<16:
		b[start-4], b[start-3], b[start-2], b[start-1] = finalText, 126, byte(n>>8), byte(n)
	default:
		b = append(b, 0, 0, 0, 0, 0, 0)
		copy(b[start+6:], b[start:])
		h := b[start-4:]
		h[0], h[1], h[2], h[3] = finalText, 127, 0, 0
		h[4], h[5], h[6], h[7], h[8], h[9] = 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	}
	return b
}

// appendText appends a text message.
func appendText(b, text []byte) []byte {
	b, start := openText(b)
	return closeText(append(b, text...), start)
}
