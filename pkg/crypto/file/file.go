// Package file seals files of any length, in chunks, so that neither side has
// to hold one in memory: the STREAM construction (Hoang, Reyhanitabar, Rogaway
// and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
// Misuse-Resistance", 2015) with a key for each chunk in place of a nonce.
//
// A file has a [Key] of its own. It is padded with zeros to one of few lengths
// (package padding) and cut into chunks of ChunkSize bytes, of which the last may
// be shorter. Each is sealed under a key that comes from the file's key, the
// chunk's number and whether it is the last. So chunks that were altered, swapped,
// repeated, left out or put in do not open, nor does a file that was cut off or
// goes on.
//
// The length of the file is not in the sealed bytes: whoever is to open it is told
// with the key.
package file

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/padding"
	"secure-messaging/pkg/crypto/seal"
)

// ChunkSize is how much of a padded file is sealed at a time, in bytes: what
// either side holds in memory.
const ChunkSize = 64 << 10

// Errors of sealing and opening. Those of the reader and the writer come as they
// are.
var (
	// ErrOpen is the one answer to sealed bytes that are not this file, whatever
	// the reason.
	ErrOpen = errors.New("the sealed file cannot be opened")
	// ErrShort says that a file has less to read than was said.
	ErrShort = errors.New("the file is shorter than it was")
)

// Key is the secret of one file. The zero Key is none. It seals one file and no
// second.
type Key struct {
	secret func() []byte // a function, because fmt cannot look into one
}

// KeySize is the length of a key in bytes.
const KeySize = 32

// NewKey makes a key.
func NewKey() Key {
	b := make([]byte, KeySize)
	rand.Read(b) // never fails since Go 1.24
	return Key{func() []byte { return b }}
}

// ParseKey takes the bytes of a key.
func ParseKey(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, errors.New("not the key of a file")
	}
	own := append([]byte(nil), b...)
	return Key{func() []byte { return own }}, nil
}

// Secret gives the bytes of the key, which stay its own.
func (k Key) Secret() []byte { return k.secret() }

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.secret == nil }

// MarshalText writes the key as base64url.
func (k Key) MarshalText() ([]byte, error) { return []byte(crypto.Base64(k.secret())), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *Key) UnmarshalText(text []byte) error {
	b, err := crypto.FromBase64(string(text))
	if err == nil {
		*k, err = ParseKey(b)
	}
	return err
}

// SealedSize is the length of a sealed file of size bytes.
func SealedSize(size int64) int64 {
	padded := padding.FileSize(size)
	return padded + (padded+ChunkSize-1)/ChunkSize*seal.Overhead
}

// Seal reads size bytes and writes them sealed. What may be left to read is no
// part of the file.
func Seal(dst io.Writer, src io.Reader, size int64, k Key) error {
	text := io.MultiReader(&exact{src, size}, zeros{})
	buf := make([]byte, ChunkSize)
	for c := chunksOf(size); c.left > 0; c.next() {
		part := buf[:c.size()]
		if _, err := io.ReadFull(text, part); err != nil {
			return err
		}
		if _, err := dst.Write(k.chunk(c).Seal(part)); err != nil {
			return err
		}
	}
	return nil
}

// Open reads the sealed bytes of a file of size bytes to their end, and writes
// the file. It writes only what has opened; whether that is all of it, the error
// says alone.
func Open(dst io.Writer, src io.Reader, size int64, k Key) error {
	buf := make([]byte, ChunkSize+seal.Overhead)
	for c := chunksOf(size); c.left > 0; c.next() {
		box := buf[:c.size()+seal.Overhead]
		if _, err := io.ReadFull(src, box); err != nil {
			return broken(err)
		}
		part, err := k.chunk(c).Open(box)
		if err != nil {
			return ErrOpen
		}
		text := part[:min(size, int64(len(part)))]
		size -= int64(len(text))
		for _, b := range part[len(text):] {
			if b != 0 {
				return ErrOpen
			}
		}
		if _, err := dst.Write(text); err != nil {
			return err
		}
	}
	if n, err := io.ReadFull(src, buf[:1]); n > 0 {
		return ErrOpen
	} else if err != io.EOF {
		return err
	}
	return nil
}

// broken says what the end of the sealed bytes means where there should be more.
func broken(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrOpen
	}
	return err
}

// chunks goes through the chunks of a padded file.
type chunks struct {
	number uint64
	left   int64 // bytes, from this chunk on
}

func chunksOf(size int64) *chunks { return &chunks{left: padding.FileSize(size)} }

func (c *chunks) size() int { return int(min(c.left, ChunkSize)) }

func (c *chunks) last() bool { return c.left <= ChunkSize }

func (c *chunks) next() {
	c.left -= int64(c.size())
	c.number++
}

// chunk is the key of one chunk.
func (k Key) chunk(c *chunks) seal.Key {
	last := []byte{0}
	if c.last() {
		last[0] = 1
	}
	return seal.Derive(k.secret(), crypto.LabelFileChunk, binary.BigEndian.AppendUint64(nil, c.number), last)
}

// exact reads as many bytes as are left, and no fewer.
type exact struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case err == io.EOF && e.left > 0:
		err = ErrShort
	case err == io.EOF:
		err = nil
	}
	return n, err
}

// zeros is the padding.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
