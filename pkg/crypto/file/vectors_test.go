package file_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto/file"
)

type fileVector struct {
	Key    vectors.Bytes `json:"key"`
	Size   int           `json:"size"` // of the content; its byte i is i ^ i>>8 ^ i>>16, the lowest 8 bits
	Chunks []chunkVector `json:"chunks"`
	Sealed int           `json:"sealed"` // length of the sealed bytes
	SHA256 vectors.Bytes `json:"sha256"` // of them
}

type chunkVector struct {
	Key   vectors.Bytes `json:"key"`
	Nonce vectors.Bytes `json:"nonce"`
	Begin vectors.Bytes `json:"begin"` // the first 32 sealed bytes
}

// The production code seals; byHand does it from the page.
func TestVectors(t *testing.T) {
	var vs []fileVector
	for i, n := range []int{0, 10, 4097, chunk, chunk + 1, 3*chunk + 12345} {
		secret := bytes.Repeat([]byte{byte(i + 1)}, file.KeySize)
		k, err := file.ParseKey(secret)
		if err != nil {
			t.Fatal(err)
		}
		v, want := byHand(secret, pattern(n))
		if got := seals(t, k, pattern(n)); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: the code and the page part", n)
		}
		vs = append(vs, v)
	}
	vectors.Check(t, "files.json", vs)
}

func byHand(secret, content []byte) (fileVector, []byte) {
	v := fileVector{Key: secret, Size: len(content)}
	padded := vectors.PadFile(content)
	var box []byte
	for number := uint64(0); len(padded) > 0; number++ {
		part := padded[:min(len(padded), chunk)]
		padded = padded[len(part):]
		last := byte(0)
		if len(padded) == 0 {
			last = 1
		}
		key, nonce := vectors.Seal(secret, "file chunk", binary.BigEndian.AppendUint64(nil, number), []byte{last})
		c := vectors.Boxed(key, nonce, part)
		v.Chunks = append(v.Chunks, chunkVector{key, nonce, c[:32]})
		box = append(box, c...)
	}
	sum := sha256.Sum256(box)
	v.Sealed, v.SHA256 = len(box), sum[:]
	return v, box
}
