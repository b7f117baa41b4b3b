// Package padding hides the length of what is sealed. A padded text is its
// length (4 bytes, big endian), the text, and zeros up to one of few sizes:
// 256, 512, 1024, 2048 or 4096 bytes, and above that the sizes of Padmé
// (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
// Communication with PURBs", 2019), which cost at most 12 %.
package padding

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

const prefix = 4

var buckets = [...]int{256, 512, 1024, 2048, 4096}

// MaxText is the longest text that is padded: far beyond every message, and
// far below where the length would not fit. Files go in pieces.
const MaxText = 1 << 24

// Pad returns a padded copy of text. It panics beyond MaxText.
func Pad(text []byte) []byte {
	if len(text) > MaxText {
		panic("padding: text too long")
	}
	b := make([]byte, Size(len(text)))
	binary.BigEndian.PutUint32(b, uint32(len(text)))
	copy(b[prefix:], text)
	return b
}

// Size is the length of a padded text of n bytes.
func Size(n int) int {
	n += prefix
	for _, size := range buckets {
		if n <= size {
			return size
		}
	}
	return int(padme(int64(n)))
}

// FileSize is the length of a padded file of n bytes: at least the last of the
// buckets, and above that a size of Padmé. A file has no length in front of it.
func FileSize(n int64) int64 {
	return padme(max(n, int64(buckets[len(buckets)-1])))
}

// padme rounds up so that only the log2(log2(n)) highest bits are set.
func padme(n int64) int64 {
	e := bits.Len64(uint64(n)) - 1
	s := bits.Len(uint(e))
	mask := int64(1)<<(e-s) - 1
	return (n + mask) &^ mask
}

// ErrPadding says that bytes were not padded by Pad.
var ErrPadding = errors.New("not a padded text")

// Unpad returns the text, which aliases b. It refuses whatever Pad would not
// have written. It sees only what has been opened, so its timing tells an
// attacker nothing.
func Unpad(b []byte) ([]byte, error) {
	if len(b) < prefix {
		return nil, ErrPadding
	}
	n := binary.BigEndian.Uint32(b)
	if n > MaxText || Size(int(n)) != len(b) { // which is at least prefix+n
		return nil, ErrPadding
	}
	for _, c := range b[prefix+n:] {
		if c != 0 {
			return nil, ErrPadding
		}
	}
	return b[prefix : prefix+n], nil
}
