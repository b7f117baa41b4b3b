package relay

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// script is a connection that gives one piece with each Read, and with the last
// the error that ends it.
type script struct {
	net.Conn
	pieces [][]byte
	err    error
	sizes  []int // of the buffers that were offered
}

func (s *script) Read(p []byte) (int, error) {
	s.sizes = append(s.sizes, len(p))
	if len(s.pieces) == 0 {
		return 0, s.err
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) > 0 {
		return n, nil
	}
	if s.pieces = s.pieces[1:]; len(s.pieces) == 0 {
		return n, s.err
	}
	return n, nil
}

// counting is n bytes of which each says where it is.
func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

// TestGate: a burst is read in large pieces and comes whole, an idle line is
// read with the caller's buffer, and holds none of the relay's.
func TestGate(t *testing.T) {
	all := counting(3*burstSize + 1500)
	s := &script{pieces: [][]byte{bytes.Clone(all), counting(7), counting(9)}, err: io.EOF}
	waits := 0
	g := &gate{Conn: s}
	g.beforeWait = func() {
		waits++
		if g.buf != nil {
			t.Error("a buffer is held while the gate waits")
		}
	}
	const small = 1000
	var got []byte
	for len(got) < len(all) {
		p := make([]byte, small)
		n, err := g.Read(p)
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(got), err)
		}
		got = append(got, p[:n]...)
	}
	if !bytes.Equal(got, all) {
		t.Fatal("it came changed")
	}
	if waits != len(s.sizes) || waits > 5 {
		t.Errorf("%d reads, before %d of which somebody was told", len(s.sizes), waits)
	}
	for i, size := range s.sizes {
		if want := burstSize; i == 0 && size != small || i > 0 && size != want {
			t.Errorf("read %d was of %d bytes", i, size)
		}
	}
	p := make([]byte, small)
	for _, want := range []int{7, 9} { // the line is quiet again
		if n, _ := g.Read(p); n != want || s.sizes[len(s.sizes)-1] != small || g.buf != nil {
			t.Errorf("then: %d bytes, asked for %d, holds a buffer: %t", n, s.sizes[len(s.sizes)-1], g.buf != nil)
		}
	}
	if n, err := g.Read(p); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	g.release()
}

// TestTextFrames: the header that is put in front is the one that RFC 6455 wants
// for that size, and nothing before or in the text changes.
func TestTextFrames(t *testing.T) {
	before := []byte("before")
	for _, n := range []int{0, 1, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537, 1 << 20} {
		var header []byte
		switch {
		case n < 126:
			header = []byte{0x81, byte(n)}
		case n < 65536:
			header = []byte{0x81, 126, byte(n >> 8), byte(n)}
		default:
			header = []byte{0x81, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
		}
		want := append(append(bytes.Clone(before), header...), counting(n)...)
		for _, room := range []int{0, 2 << 20} { // it moves, or grows in place
			b := append(make([]byte, 0, room), before...)
			if got := appendText(b, counting(n)); !bytes.Equal(got, want) {
				t.Errorf("a text of %d bytes: %d bytes that begin %x", n, len(got), got[:min(len(got), 20)])
			}
		}
	}
}

// TestQueue: what is in flight comes out in its order, and the queue does not
// grow with what went through it.
func TestQueue(t *testing.T) {
	var q queue
	in, out := uint64(0), uint64(0)
	for round := range 2000 {
		for range 1 + round%97 {
			if q.len() == flightWindow {
				break
			}
			in++
			q.push(flying{number: in})
		}
		want := out
		for f := range q.all() {
			if want++; f.number != want {
				t.Fatalf("%d is in the place of %d", f.number, want)
			}
		}
		if want != in || q.len() != int(in-out) {
			t.Fatalf("holds %d, up to %d; want %d, up to %d", q.len(), want, in-out, in)
		}
		for range 1 + round%89 {
			if q.len() == 0 {
				break
			}
			out++
			if q.front().number != out || q.pop().number != out {
				t.Fatalf("not %d", out)
			}
		}
	}
	if cap(q.items) > 4*flightWindow {
		t.Errorf("holds room for %d", cap(q.items))
	}
}
