package profile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"lukechampine.com/adiantum"
)

// A write-ahead log is a header and frames, each a header and a page, in the
// format of SQLite (https://sqlite.org/fileformat2.html#walformat), here in
// blocks that the cipher has turned to noise.
const (
	// page is how SQLite divides a database by default, and the block of the cipher.
	page        = 4096
	logHeader   = 32
	frameHeader = 24
)

// renewLog writes the log again that a process has left. If its disk failed,
// what is read back may be in memory alone, and no later sync would put it on
// the disk. A last block that is cut off cannot be deciphered, and goes.
func renewLog(path string, key []byte) error {
	log, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(log) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	log = log[:len(log)/page*page]
	if err := decipher(bytes.Clone(log), key).damage(); err != nil {
		return err
	}
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeFile(temp, log); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// plainLog is a log without its cipher.
type plainLog []byte

// decipher works in place, as the file system does that seals.
func decipher(log, key []byte) plainLog {
	cipher := adiantum.New(key)
	for at := 0; at < len(log); at += page {
		var tweak [8]byte
		binary.LittleEndian.PutUint64(tweak[:], uint64(at))
		cipher.Decrypt(log[at:at+page], tweak[:])
	}
	return log
}

// damage finds a log in which something was altered that had reached the disk.
// SQLite ends at the first frame whose checksum does not fit, and takes it for
// the write that a crash has cut off. But one commit is written only after the
// one before was synced: where a whole commit and a part of the next stand
// behind that frame, it was no crash. An altered header, last commit or end of
// the commit before is not told from a crash.
func (l plainLog) damage() error {
	if !l.begins() {
		return nil
	}
	n := 0
	for l.follows(n) {
		n++
	}
	for n > 0 && l.commits(n-1) && l.copies(n) { // of the last commit, to fill a block up
		n++
	}
	committed := -1
	for n++; n < l.frames(); n++ {
		switch {
		case !l.follows(n):
			committed = -1
		case committed >= 0 && !l.copies(n):
			return errLog
		case l.commits(n):
			committed = n
		}
	}
	return nil
}

// begins reports whether the header is whole.
func (l plainLog) begins() bool {
	if len(l) < page {
		return false
	}
	magic := binary.BigEndian.Uint32(l)
	one, two := sum(l[:24], l.order(), 0, 0)
	return magic&^1 == 0x377f0682 && binary.BigEndian.Uint32(l[8:]) == page &&
		one == binary.BigEndian.Uint32(l[24:]) && two == binary.BigEndian.Uint32(l[28:])
}

// order is that of the bytes in what checksums are made of.
func (l plainLog) order() binary.ByteOrder {
	if l[3]&1 != 0 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (l plainLog) frames() int { return (len(l) - logHeader) / (frameHeader + page) }

func (l plainLog) frame(n int) []byte {
	at := logHeader + n*(frameHeader+page)
	return l[at : at+frameHeader+page]
}

// follows reports whether frame n is whole and follows the one before it, or
// the header.
func (l plainLog) follows(n int) bool {
	if n >= l.frames() {
		return false
	}
	before := l[24:32]
	if n > 0 {
		before = l.frame(n - 1)[16:24]
	}
	f := l.frame(n)
	one, two := sum(f[:8], l.order(), binary.BigEndian.Uint32(before), binary.BigEndian.Uint32(before[4:]))
	one, two = sum(f[frameHeader:], l.order(), one, two)
	return [8]byte(f[8:16]) == [8]byte(l[16:24]) && // the log's salt
		one == binary.BigEndian.Uint32(f[16:]) && two == binary.BigEndian.Uint32(f[20:])
}

// commits reports whether frame n ends a commit: only such a one says how many
// pages the database has.
func (l plainLog) commits(n int) bool { return binary.BigEndian.Uint32(l.frame(n)[4:]) != 0 }

// copies reports whether frame n is of the same page as the one before, and
// ends a commit too.
func (l plainLog) copies(n int) bool {
	return n < l.frames() && [8]byte(l.frame(n)) == [8]byte(l.frame(n-1))
}

// sum goes on with a checksum.
func sum(b []byte, order binary.ByteOrder, one, two uint32) (uint32, uint32) {
	for ; len(b) >= 8; b = b[8:] {
		one += order.Uint32(b) + two
		two += order.Uint32(b[4:]) + one
	}
	return one, two
}
