package padding_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto/padding"
)

func TestRoundTripOfEverySize(t *testing.T) {
	for n := range 5000 {
		text := bytes.Repeat([]byte{0xff}, n)
		padded := padding.Pad(text)
		if len(padded) != padding.Size(n) {
			t.Fatalf("%d bytes are padded to %d, not %d", n, len(padded), padding.Size(n))
		}
		if got, err := padding.Unpad(padded); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

// What an observer sees must be coarse, and what it costs bounded.
func TestSizes(t *testing.T) {
	const most = 300 << 10
	distinct := map[int]bool{}
	for n, last := 0, 0; n <= most; n++ {
		size := padding.Size(n)
		distinct[size] = true
		if size < n+4 || size < last {
			t.Fatalf("%d bytes are padded to %d", n, size)
		}
		if size > 4096 && float64(size) > 1.12*float64(n+4) {
			t.Fatalf("%d bytes are padded to %d, more than 12 %% above", n, size)
		}
		last = size
	}
	if len(distinct) > 140 {
		t.Errorf("up to %d bytes there are %d sizes", most, len(distinct))
	}
}

// One text has one padding: what follows the text is zero and as long as it
// must be.
func TestOnePaddingOnly(t *testing.T) {
	for _, n := range []int{0, 1, 100, 251, 252, 253, 508, 4092, 4093, 5000} {
		good := padding.Pad(bytes.Repeat([]byte{1}, n))
		for i := 4 + n; i < len(good); i++ {
			b := bytes.Clone(good)
			b[i] ^= 0x80
			if _, err := padding.Unpad(b); err != padding.ErrPadding {
				t.Errorf("%d bytes: byte %d altered: %v", n, i, err)
			}
		}
		for name, b := range map[string][]byte{
			"shorter": good[:len(good)-1], "longer": append(bytes.Clone(good), 0), "next size": append(bytes.Clone(good), make([]byte, len(good))...),
		} {
			if _, err := padding.Unpad(b); err != padding.ErrPadding {
				t.Errorf("%d bytes, %s: %v", n, name, err)
			}
		}
	}
	for n := range 4 {
		if _, err := padding.Unpad(make([]byte, n)); err != padding.ErrPadding {
			t.Errorf("%d zeros: %v", n, err)
		}
	}
	huge := make([]byte, 256)
	for _, length := range []uint32{253, 1 << 31, 1<<32 - 1} {
		binary.BigEndian.PutUint32(huge, length)
		if _, err := padding.Unpad(huge); err != padding.ErrPadding {
			t.Errorf("length %d in 256 bytes: %v", length, err)
		}
	}
}

func TestTooLong(t *testing.T) {
	b := make([]byte, padding.Size(padding.MaxText+1))
	binary.BigEndian.PutUint32(b, padding.MaxText+1)
	if _, err := padding.Unpad(b); err != padding.ErrPadding {
		t.Errorf("a text over the limit is read: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a text over the limit is padded")
		}
	}()
	padding.Pad(make([]byte, padding.MaxText+1))
}

func FuzzUnpad(f *testing.F) {
	vectors.Seeds(f, 5)
	f.Add(padding.Pad([]byte("text")))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := padding.Unpad(b)
		if err == nil && !bytes.Equal(padding.Pad(text), b) {
			t.Error("what is taken is not what Pad makes")
		}
		if err != nil && err != padding.ErrPadding {
			t.Errorf("refused with %v", err)
		}
	})
}

func TestVectors(t *testing.T) {
	type vector struct {
		Length int `json:"length"`
		Padded int `json:"padded"`
	}
	var vs []vector
	for _, n := range []int{
		0, 1, 251, 252, 253, 508, 509, 1020, 1021, 2044, 2045, 4092, 4093, 4348, 4349,
		8188, 8189, 10000, 32768, 65532, 65533, 100000, 200000, 262144, padding.MaxText,
	} {
		vs = append(vs, vector{n, padding.Size(n)})
	}
	vectors.Check(t, "padding.json", vs)
}
