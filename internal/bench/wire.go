package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"secure-messaging/pkg/protocol"
)

// Opcodes and bits of a WebSocket frame (RFC 6455, section 5.2).
const (
	opText   = 0x1
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xA
	finBit   = 0x80
	maskBit  = 0x80
	maskSize = 4
)

// Sizes of the buffer that a connection reads into. It grows to what a frame
// needs; who is idle holds little.
const (
	idleBuffer = 1 << 10
	busyBuffer = 64 << 10
	maxBuffer  = protocol.MaxFrame + 64
)

// dialTimeout bounds connecting, both handshakes and the login.
const dialTimeout = 30 * time.Second

// mask is the key of every frame that the load sends. It spares random numbers
// and saves the server nothing: it unmasks all the same.
var mask = [maskSize]byte{0x5a, 0xc3, 0x96, 0x2d}

// handler takes all frames that one read brought. They are good until it
// returns. An error ends the connection.
type handler func(frames [][]byte) error

// conn is the client's end of a WebSocket that costs little: it takes all that
// one read brings, and writes what has gathered at once.
type conn struct {
	nc     net.Conn
	handle atomic.Pointer[handler] // what to do with frames; set by on
	ended  chan struct{}           // closed after loop has returned
	err    error                   // why; read after ended

	closed atomic.Bool // by us

	write sync.Mutex // of nc

	// Owned by whoever reads: first login, then loop.
	buf    []byte // buf[r:w] is read and not handled
	r, w   int
	frames [][]byte
}

// dial opens a WebSocket at a path of the server.
func dial(ctx context.Context, p *process, path string, buffer int) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	if p.tls {
		t := tls.Client(nc, loopbackTLS())
		if err := t.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, err
		}
		nc = t
	}
	deadline, _ := ctx.Deadline()
	nc.SetDeadline(deadline)
	c := &conn{nc: nc, buf: make([]byte, buffer), ended: make(chan struct{})}
	if err := c.upgrade(p.addr, path); err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

// loopbackTLS trusts whoever answers: it is the server that this program has
// just started.
func loopbackTLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
}

// upgrade makes a WebSocket of the connection and keeps what was read beyond
// the answer.
func (c *conn) upgrade(host, path string) error {
	_, err := fmt.Fprintf(c.nc, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path, host)
	if err != nil {
		return err
	}
	br := bufio.NewReaderSize(c.nc, idleBuffer)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the server answers %s to a WebSocket", resp.Status)
	}
	c.w, err = io.ReadFull(br, c.buf[:br.Buffered()])
	return err
}

// on sets what to do with the frames that come from now on.
func (c *conn) on(h handler) { c.handle.Store(&h) }

// start reads until the connection ends.
func (c *conn) start() {
	c.nc.SetDeadline(time.Time{})
	go func() {
		defer close(c.ended)
		for c.err == nil {
			c.err = c.once()
		}
		c.nc.Close()
	}()
}

// close ends the connection without ceremony and waits for its reader.
func (c *conn) close() {
	c.closed.Store(true)
	c.nc.Close()
	<-c.ended
}

func (c *conn) once() error {
	frames, err := c.read(maxBuffer)
	if err != nil {
		return err
	}
	return (*c.handle.Load())(frames)
}

// read returns the frames that are there: at least one, at most limit.
func (c *conn) read(limit int) ([][]byte, error) {
	c.frames = c.frames[:0]
	for {
		if err := c.split(limit); err != nil {
			return nil, err
		}
		if len(c.frames) > 0 {
			return c.frames, nil
		}
		c.makeRoom()
		n, err := c.nc.Read(c.buf[c.w:])
		if c.w += n; err != nil {
			return nil, err
		}
	}
}

// makeRoom moves the beginning of a frame to the front, or doubles the buffer
// where it is there already.
func (c *conn) makeRoom() {
	switch {
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	case c.w == len(c.buf):
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
}

// split takes the whole frames in the buffer apart.
func (c *conn) split(limit int) error {
	for len(c.frames) < limit {
		b := c.buf[c.r:c.w]
		if len(b) < 2 {
			return nil
		}
		size, head := int(b[1]), 2
		switch {
		case size == 126 && len(b) >= 4:
			size, head = int(binary.BigEndian.Uint16(b[2:])), 4
		case size == 127 && len(b) >= 10:
			size, head = int(binary.BigEndian.Uint64(b[2:])), 10
		case size >= 126:
			return nil
		}
		if size < 0 || size > maxBuffer || b[0]&finBit == 0 {
			return errors.New("the server sends frames that are too long, or in pieces")
		}
		if len(b) < head+size {
			return nil
		}
		payload := b[head : head+size]
		c.r += head + size
		switch b[0] &^ finBit {
		case opText:
			c.frames = append(c.frames, payload)
		case opPing:
			if err := c.send(appendFrame(nil, opPong, payload)); err != nil {
				return err
			}
		case opClose:
			return closeError(bytes.Clone(payload))
		}
	}
	return nil
}

// closeError is the server's close frame.
type closeError []byte

func (e closeError) Error() string {
	if len(e) < 2 {
		return "the server has closed the connection"
	}
	return fmt.Sprintf("the server has closed the connection with %d %s", e.code(), string(e[2:]))
}

func (e closeError) code() int { return int(binary.BigEndian.Uint16(e)) }

// send writes frames that were gathered.
func (c *conn) send(frames []byte) error {
	if len(frames) == 0 {
		return nil
	}
	c.write.Lock()
	defer c.write.Unlock()
	_, err := c.nc.Write(frames)
	return err
}

// appendHeader begins a masked frame.
func appendHeader(dst []byte, op byte, size int) []byte {
	dst = append(dst, finBit|op)
	switch {
	case size < 126:
		dst = append(dst, maskBit|byte(size))
	case size < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, maskBit|126), uint16(size))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, maskBit|127), uint64(size))
	}
	return append(dst, mask[:]...)
}

// appendFrame writes a masked frame behind dst.
func appendFrame(dst []byte, op byte, payload []byte) []byte {
	dst = appendHeader(dst, op, len(payload))
	for i, b := range payload {
		dst = append(dst, b^mask[i%maskSize])
	}
	return dst
}
