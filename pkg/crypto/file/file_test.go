package file_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"secure-messaging/pkg/crypto/file"
	"secure-messaging/pkg/crypto/padding"
	"secure-messaging/pkg/crypto/seal"
)

const (
	chunk  = file.ChunkSize
	sealed = chunk + seal.Overhead
)

// pattern makes a content in which no two chunks are the same.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)
	}
	return b
}

func seals(t testing.TB, k file.Key, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := file.Seal(&b, bytes.NewReader(content), int64(len(content)), k); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opens(k file.Key, box []byte, size int) ([]byte, error) {
	var b bytes.Buffer
	err := file.Open(&b, bytes.NewReader(box), int64(size), k)
	return b.Bytes(), err
}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 4097, chunk - 1, chunk, chunk + 1, 2 * chunk, 2*chunk + 1, 5*chunk + 7, 1 << 20} {
		k, content := file.NewKey(), pattern(n)
		box := seals(t, k, content)
		if int64(len(box)) != file.SealedSize(int64(n)) {
			t.Errorf("%d bytes are sealed in %d, not %d", n, len(box), file.SealedSize(int64(n)))
		}
		if got, err := opens(k, box, n); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: %d come back, %v", n, len(got), err)
		}
		same, err := file.ParseKey(k.Secret())
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer // in pieces, as from a line
		if err := file.Open(&b, iotest.OneByteReader(bytes.NewReader(box[:min(len(box), 1<<17)])), int64(n), same); len(box) <= 1<<17 && (err != nil || !bytes.Equal(b.Bytes(), content)) {
			t.Errorf("%d bytes, one by one: %v", n, err)
		}
	}
}

// Whoever changes a sealed file in any way has broken it, and what is written
// before that is noticed is a beginning of the file.
func TestAltered(t *testing.T) {
	k, content := file.NewKey(), pattern(3*chunk+100)
	box := seals(t, k, content)
	part := func(i int) []byte { return box[i*sealed : min(len(box), (i+1)*sealed)] }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	twoChunks := seals(t, k, content[:2*chunk])
	cases := map[string][]byte{
		"empty":                       {},
		"cut within the last chunk":   box[:len(box)-1],
		"cut between chunks":          box[:3*sealed],
		"cut to one chunk":            part(0),
		"cut before the second chunk": box[:sealed+1],
		"a byte longer":               append(bytes.Clone(box), 0),
		"a chunk longer":              join(box, part(3)),
		"two chunks swapped":          join(part(1), part(0), part(2), part(3)),
		"a chunk twice":               join(part(0), part(0), part(2), part(3)),
		"a chunk left out":            join(part(0), part(2), part(3)),
		"a chunk of another file":     join(part(0), seals(t, file.NewKey(), content)[sealed:2*sealed], part(2), part(3)),
		"the last of another length":  join(part(0), twoChunks[sealed:], part(2), part(3)),
	}
	for i := 0; i < len(box); i += 4099 {
		b := bytes.Clone(box)
		b[i] ^= 0x10
		cases[fmt.Sprintf("byte %d altered", i)] = b
	}
	for name, b := range cases {
		got, err := opens(k, b, len(content))
		if err != file.ErrOpen {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.HasPrefix(content, got) {
			t.Errorf("%s: what was written is no beginning of the file", name)
		}
	}
	if _, err := opens(file.NewKey(), box, len(content)); err != file.ErrOpen {
		t.Errorf("another key: %v", err)
	}
}

// A file that was cut at the border of a chunk does not open as a shorter one,
// for its last chunk is not sealed as the last; nor does a shorter one go on.
func TestLastChunkIsBound(t *testing.T) {
	k, content := file.NewKey(), pattern(2*chunk)
	long, short := seals(t, k, content), seals(t, k, content[:chunk])
	if _, err := opens(k, long[:sealed], chunk); err != file.ErrOpen {
		t.Errorf("cut to a chunk: %v", err)
	}
	if _, err := opens(k, append(bytes.Clone(short), long[sealed:]...), 2*chunk); err != file.ErrOpen {
		t.Errorf("made longer: %v", err)
	}
}

// Another length of the same padding is refused unless only zeros are cut off.
func TestWrongSize(t *testing.T) {
	k, content := file.NewKey(), pattern(5000)
	box := seals(t, k, content)
	for _, size := range []int{4999, 4096, 0, 6000, 1 << 40} {
		if _, err := opens(k, box, size); err != file.ErrOpen {
			t.Errorf("%d bytes for %d: %v", size, len(content), err)
		}
	}
}

func TestFileThatShrinks(t *testing.T) {
	err := file.Seal(io.Discard, strings.NewReader("four"), 5, file.NewKey())
	if err != file.ErrShort {
		t.Errorf("a file that is too short: %v", err)
	}
	var b bytes.Buffer
	k := file.NewKey()
	if err := file.Seal(&b, strings.NewReader("grows"), 4, k); err != nil {
		t.Fatal(err)
	}
	if got, err := opens(k, b.Bytes(), 4); err != nil || string(got) != "grow" {
		t.Errorf("of a file that grows: %q, %v", got, err)
	}
}

// failing writes so much and then fails.
type failing struct{ left int }

var errDisk = errors.New("the disk")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

// An error of the disk or the line is told from a file that is not whole: it can
// be tried again.
func TestErrorsPass(t *testing.T) {
	k, content := file.NewKey(), pattern(2*chunk)
	box := seals(t, k, content)
	line := errors.New("the line")
	if err := file.Open(io.Discard, io.MultiReader(bytes.NewReader(box[:sealed+5]), iotest.ErrReader(line)), 2*chunk, k); err != line {
		t.Errorf("reading: %v", err)
	}
	if err := file.Open(io.Discard, io.MultiReader(bytes.NewReader(box), iotest.ErrReader(line)), 2*chunk, k); err != line {
		t.Errorf("reading at the end: %v", err)
	}
	if err := file.Open(&failing{chunk}, bytes.NewReader(box), 2*chunk, k); err != errDisk {
		t.Errorf("writing: %v", err)
	}
	if err := file.Seal(&failing{sealed}, bytes.NewReader(content), 2*chunk, k); err != errDisk {
		t.Errorf("sealing: %v", err)
	}
	if err := file.Seal(io.Discard, iotest.ErrReader(line), 2*chunk, k); err != line {
		t.Errorf("reading what is to be sealed: %v", err)
	}
}

// The relay sees few sizes, and pays at most an eighth for it.
func TestSizes(t *testing.T) {
	seen := map[int64]bool{}
	for n := int64(0); n < 1<<30; n += 1 + n/1000 {
		size := padding.FileSize(n)
		seen[size] = true
		if size < n || n > 4096 && float64(size) > 1.12*float64(n) || n <= 4096 && size != 4096 {
			t.Fatalf("%d bytes are padded to %d", n, size)
		}
	}
	if len(seen) > 600 {
		t.Errorf("%d sizes", len(seen))
	}
}

func TestKeyDoesNotPrint(t *testing.T) {
	k := file.NewKey()
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		if s := fmt.Sprintf(verb, struct{ k file.Key }{k}); strings.Contains(s, fmt.Sprintf("%x", k.Secret()[:4])) {
			t.Errorf("%s prints %s", verb, s)
		}
	}
	if _, err := file.ParseKey(make([]byte, 31)); err == nil {
		t.Error("31 bytes are a key")
	}
}

// FuzzOpen looks for sealed bytes that open and are not what Seal writes.
func FuzzOpen(f *testing.F) {
	k, _ := file.ParseKey(make([]byte, file.KeySize))
	for _, n := range []int{0, 1, 4097, chunk + 1} {
		f.Add(seals(f, k, pattern(n)), n)
		f.Add(seals(f, k, pattern(n))[1:], n)
	}
	f.Fuzz(func(t *testing.T, box []byte, size int) {
		if size < 0 || size > 1<<20 {
			return
		}
		content, err := opens(k, box, size)
		if err != nil && err != file.ErrOpen {
			t.Fatalf("refused with %v", err)
		}
		if err == nil && !bytes.Equal(seals(t, k, content), box) {
			t.Errorf("%d bytes open to %d, which are not sealed so", len(box), len(content))
		}
	})
}
