package relay

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// TestGateKeepsWhatEndsWithAnError: what comes together with an error is not
// lost, as TLS gives the last data together with the end.
func TestGateKeepsWhatEndsWithAnError(t *testing.T) {
	errLine := errors.New("the line is cut")
	all := counting(burstSize + 700)
	g := &gate{Conn: &script{pieces: [][]byte{bytes.Clone(all[:100]), bytes.Clone(all[100:])}, err: errLine}}
	got, err := io.ReadAll(pieces{g, 100})
	if !errors.Is(err, errLine) || !bytes.Equal(got, all) {
		t.Errorf("%d bytes of %d, %v", len(got), len(all), err)
	}
}

// pieces reads from r with buffers of at most one size.
type pieces struct {
	r    io.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.size)]) }
