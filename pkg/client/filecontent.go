package client

import (
	"errors"
	"unicode/utf8"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

// fileContent is the member "file" of a content: where a sealed file lies, what
// opens it, and what its author says of it.
type fileContent struct {
	ID     crypto.FileID `json:"id"`
	Key    file.Key      `json:"key"`
	Size   int64         `json:"size"`
	SHA256 digest        `json:"sha256"` // of the sealed bytes
	Name   string        `json:"name"`
}

// digest is base64url in a content.
type digest [32]byte

// MarshalText writes the digest.
func (d digest) MarshalText() ([]byte, error) { return []byte(crypto.Base64(d[:])), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *digest) UnmarshalText(text []byte) error {
	b, err := crypto.FromBase64(string(text))
	if err != nil || len(b) != len(d) {
		return errors.New("not a digest")
	}
	copy(d[:], b)
	return nil
}

// maxFileName bounds the name of a file, in bytes: what common disks take.
const maxFileName = 255

// well reports whether a file can be what it is said to be. A size that nobody
// can send is not believed.
func (f *fileContent) well() bool {
	return f != nil && f.ID != (crypto.FileID{}) && !f.Key.IsZero() && f.SHA256 != (digest{}) &&
		f.Size >= 0 && f.Size <= MaxFile && len(f.Name) <= maxFileName && utf8.ValidString(f.Name)
}

// takeFile fills in what a content says of the file of its message.
func (m *NewMessage) takeFile(body content) {
	if body.Type == contentFile {
		f := body.File
		m.File = &File{Name: f.Name, Size: f.Size}
		m.Sealed = &SealedFile{Blob: f.ID, Key: f.Key, Digest: f.SHA256}
	}
}

// newFileContent tells of a file as the history has it.
func newFileContent(told File, sealed SealedFile) *fileContent {
	return &fileContent{ID: sealed.Blob, Key: sealed.Key, Size: told.Size, SHA256: sealed.Digest, Name: told.Name}
}
