package relayhost

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"time"

	"secure-messaging/pkg/crypto"
)

// A backup is a tar of
//
//	backup.json    what it is
//	relay.key      the relay's identity
//	store/...      the store as it was at one moment
//	SHA256SUMS     of all before it, as sha256sum writes and checks them
//
// in this order. Without the last one it is not whole.
const (
	aboutFile     = "backup.json"
	sumsFile      = "SHA256SUMS"
	backupVersion = 1
	fileMode      = 0o600
)

// Backup says what a backup is.
type Backup struct {
	Version int                `json:"version"` // of this layout
	Made    time.Time          `json:"made"`
	Relay   crypto.Fingerprint `json:"relay"`
	Format  int                `json:"format"` // of the store
	Bytes   int64              `json:"-"`      // of what is in it
	Files   int                `json:"-"`
}

// Why something is no backup to restore from.
var (
	errNoBackup  = errors.New("this is not a relay's backup")
	errNotWhole  = errors.New("the backup is not whole: its end is missing; take another")
	errDamaged   = errors.New("the backup is damaged; take another")
	errNewBackup = errors.New("the backup was made by a newer version of this program; install that")
)

// archiver writes a backup.
type archiver struct {
	w    *tar.Writer
	now  time.Time
	sums bytes.Buffer
}

// add writes a file of a known size.
func (a *archiver) add(name string, size int64, content io.Reader) error {
	h := &tar.Header{Name: name, Size: size, Mode: fileMode, ModTime: a.now, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	if err := a.w.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(a.w, sum), content, size); err != nil {
		return err
	}
	fmt.Fprintf(&a.sums, "%x  %s\n", sum.Sum(nil), name)
	return nil
}

func (a *archiver) addText(name string, text []byte) error {
	return a.add(name, int64(len(text)), bytes.NewReader(text))
}

// addDir adds what is in a directory, under a name.
func (a *archiver) addDir(dir, name string) error {
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, at)
		if err != nil {
			return err
		}
		f, size, err := openSized(at)
		if err != nil {
			return err
		}
		defer f.Close()
		return a.add(path.Join(name, filepath.ToSlash(rel)), size, f)
	})
	return hideName(err)
}

// hideName takes the name of a file out of an error: ids are no business of a log.
func hideName(err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return fmt.Errorf("read a file of the store: %w", named.Err)
	}
	return err
}

func (a *archiver) close() error {
	sums := bytes.Clone(a.sums.Bytes())
	if err := a.addText(sumsFile, sums); err != nil {
		return err
	}
	return a.w.Close()
}

// writeBackup writes the backup of a store's snapshot.
func writeBackup(w io.Writer, about Backup, key []byte, snapshot string) error {
	a := &archiver{w: tar.NewWriter(w), now: about.Made}
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	if err := a.addText(aboutFile, append(text, '\n')); err != nil {
		return err
	}
	if err := a.addText(keyFile, key); err != nil {
		return err
	}
	if err := a.addDir(snapshot, storeDir); err != nil {
		return err
	}
	return a.close()
}

// ReadBackup reads a backup to its end and checks all of it. It gives each file
// to keep, which may be nil, before its checksum is known: only a backup that was
// read without an error is one.
func ReadBackup(r io.Reader, keep func(name string, content io.Reader) error) (Backup, error) {
	buffered := bufio.NewReader(r)
	archive := tar.NewReader(buffered)
	lines := sha256.New() // of the checksums: their text may be longer than memory has room for
	about, err := readAbout(archive, lines)
	if err != nil {
		return Backup{}, err
	}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return Backup{}, errNotWhole
		}
		if err != nil {
			return Backup{}, unreadable(err)
		}
		if h.Name == sumsFile {
			break
		}
		if !isOfBackup(h) {
			return Backup{}, fmt.Errorf("%w: it has %q in it", errNoBackup, h.Name)
		}
		sum := sha256.New()
		content := io.TeeReader(source{archive}, sum)
		if keep != nil {
			if err := keep(h.Name, content); err != nil {
				return Backup{}, err
			}
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return Backup{}, err
		}
		fmt.Fprintf(lines, "%x  %s\n", sum.Sum(nil), h.Name)
		about.Bytes, about.Files = about.Bytes+h.Size, about.Files+1
	}
	said := sha256.New()
	if _, err := io.Copy(said, source{archive}); err != nil {
		return Backup{}, err
	}
	if !bytes.Equal(said.Sum(nil), lines.Sum(nil)) {
		return Backup{}, errDamaged
	}
	_, err = io.Copy(io.Discard, buffered) // the end of the tar
	return about, err
}

// readAbout reads what a backup says of itself, and writes the line with its
// checksum.
func readAbout(archive *tar.Reader, lines io.Writer) (about Backup, err error) {
	h, err := archive.Next()
	if err != nil || h.Name != aboutFile {
		return about, errNoBackup
	}
	text, err := io.ReadAll(io.LimitReader(source{archive}, maxKeyFile))
	if err != nil {
		return about, err
	}
	if json.Unmarshal(text, &about) != nil || about.Version < 1 {
		return about, errNoBackup
	}
	if about.Version > backupVersion {
		return about, errNewBackup
	}
	_, err = fmt.Fprintf(lines, "%x  %s\n", sha256.Sum256(text), aboutFile)
	return about, err
}

// isOfBackup admits plain files of a relay, and no name that leads elsewhere.
func isOfBackup(h *tar.Header) bool {
	parts := strings.Split(h.Name, "/")
	return h.Typeflag == tar.TypeReg && filepath.IsLocal(h.Name) && path.Clean(h.Name) == h.Name && !strings.ContainsAny(h.Name, "\\:\x00\n") &&
		(h.Name == keyFile || len(parts) > 1 && parts[0] == storeDir)
}

// source says of what cannot be read what that means for a backup.
type source struct{ io.Reader }

func (s source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = unreadable(err)
	}
	return n, err
}

func unreadable(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errNotWhole
	}
	return fmt.Errorf("%w (%w)", errDamaged, err)
}
