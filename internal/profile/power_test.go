package profile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/adiantum"
)

// sector is what a disk writes in one go.
const sector = 512

// power is a file system whose power can fail. It lies under the one that
// seals, and works on the real folder, but knows of each file what a sync has
// put on the platter and what has changed since. After a failure of power it
// makes the folder hold what a platter may hold then.
type power struct {
	vfs.VFS
	rand *rand.Rand

	left int // changes until the power fails; negative: it does not
	off  bool
	deaf bool // syncs do nothing
	lost bool // syncs of the folder do nothing

	fault *fault // nil for none

	names   map[string]*inode // as programs see them
	platter map[string]*inode // as of the last sync of the folder
	moves   []move            // of names since then
}

// inode is a file: what was synced, and every change since.
type inode struct {
	info    os.FileInfo
	synced  []byte
	changes []change
}

// change is a write, or a new size where data is nil.
type change struct {
	at   int64
	data []byte
}

// move gives a name to a file, or takes it where file is nil.
type move struct {
	name string
	file *inode
}

// fault is an error of the disk at a change of one kind.
type fault struct {
	kind  string // write, sync, truncate, delete or create
	err   syscall.Errno
	after int  // changes of that kind that still work
	again bool // from then on, not only once
	met   int  // how often it has happened
}

// usePower registers a disk and gives its name.
func usePower(t *testing.T, seed uint64) (*power, string) {
	p := &power{VFS: vfs.Find(""), rand: rand.New(rand.NewPCG(seed, 0)), left: -1}
	p.begin()
	name := fmt.Sprintf("power-%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), seed)
	vfs.Register(name, adiantum.Wrap(p, nil))
	t.Cleanup(func() { vfs.Unregister(name) })
	return p, name
}

// change counts one; it fails when there is no power, or the disk fails.
func (p *power) change(kind string) error {
	if p.left == 0 {
		p.off = true
	}
	if p.left--; p.off {
		return syscall.EIO
	}
	if f := p.fault; f != nil && f.kind == kind {
		if f.after--; f.after == -1 || f.after < -1 && f.again {
			f.met++
			return f.err
		}
	}
	return nil
}

func (p *power) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	path := name.String()
	before, err := os.ReadFile(path)
	isNew := errors.Is(err, fs.ErrNotExist) && flags&vfs.OPEN_CREATE != 0
	if p.off {
		return nil, flags, syscall.EIO
	}
	if isNew {
		if err := p.change("create"); err != nil {
			return nil, flags, err
		}
	}
	file, flags, err := vfsutil.WrapOpenFilename(p.VFS, name, flags)
	if err != nil {
		return nil, flags, err
	}
	f := p.names[path]
	info, err := os.Stat(path)
	if err != nil {
		return nil, flags, errors.Join(err, file.Close())
	}
	switch {
	case isNew:
		f = &inode{info: info}
		p.moves = append(p.moves, move{path, f})
	case f == nil || !os.SameFile(f.info, info): // made and synced by other means
		f = &inode{info: info, synced: before}
		p.platter[path] = f
		p.moves = slices.DeleteFunc(p.moves, func(m move) bool { return m.name == path })
	}
	p.names[path] = f
	log := flags&(vfs.OPEN_MAIN_JOURNAL|vfs.OPEN_WAL) != 0
	return &powerFile{File: file, power: p, inode: f, syncDir: log && flags&vfs.OPEN_CREATE != 0}, flags, nil
}

func (p *power) Delete(path string, syncDir bool) error {
	if err := p.change("delete"); err != nil {
		return err
	}
	if err := p.VFS.Delete(path, false); err != nil {
		return err
	}
	delete(p.names, path)
	p.moves = append(p.moves, move{name: path})
	if syncDir {
		p.syncDir()
	}
	return nil
}

func (p *power) syncDir() {
	if p.deaf || p.lost {
		return
	}
	for _, m := range p.moves {
		p.platter[m.name] = m.file
	}
	p.moves = nil
}

// powerFile is an open file.
type powerFile struct {
	vfs.File
	*power
	inode   *inode
	syncDir bool // with the next sync, as SQLite does for a log it has made
}

func (f *powerFile) ReadAt(b []byte, off int64) (int, error) {
	if f.off {
		return 0, syscall.EIO
	}
	return f.File.ReadAt(b, off)
}

// WriteAt writes. A write that fails may have been made in part, but what
// there was is not harmed for want of room.
func (f *powerFile) WriteAt(b []byte, off int64) (int, error) {
	was := f.off
	failed := f.change("write")
	if was {
		return 0, failed
	}
	if failed != nil && !f.off {
		size, err := f.Size()
		if err != nil {
			return 0, err
		}
		if b = b[:f.rand.IntN(len(b))/sector*sector]; failed == syscall.ENOSPC && off < size {
			b = nil
		}
	}
	if len(b) > 0 {
		f.inode.changes = append(f.inode.changes, change{off, bytes.Clone(b)})
	}
	if f.off {
		return 0, failed
	}
	n, err := f.File.WriteAt(b, off)
	if failed == syscall.ENOSPC {
		failed = sqlite3.FULL // as the library does
	}
	return n, cmp.Or(failed, err)
}

func (f *powerFile) Truncate(size int64) error {
	if err := f.change("truncate"); err != nil {
		return err
	}
	f.inode.changes = append(f.inode.changes, change{at: size})
	return f.File.Truncate(size)
}

func (f *powerFile) SizeHint(size int64) error {
	now, err := f.Size()
	if err != nil || size <= now {
		return err
	}
	return f.Truncate(size)
}

// Sync syncs. After one that failed the next has nothing to do: what was to be
// written counts as written, though it may be in memory alone.
func (f *powerFile) Sync(vfs.SyncFlag) error {
	if err := f.change("sync"); err != nil {
		if !f.off {
			f.inode.synced, f.inode.changes = f.inode.survives(f.rand), nil
		}
		return err
	}
	if f.deaf {
		return nil
	}
	for _, c := range f.inode.changes {
		f.inode.synced = c.onto(f.inode.synced)
	}
	f.inode.changes = nil
	if f.syncDir {
		f.syncDir = false
		f.power.syncDir()
	}
	return nil
}

func (f *powerFile) HasMoved() (bool, error)      { return vfsutil.WrapHasMoved(f.File) }
func (f *powerFile) PersistWAL() bool             { return vfsutil.WrapPersistWAL(f.File) }
func (f *powerFile) SetPersistWAL(keep bool)      { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f *powerFile) LockState() vfs.LockLevel     { return vfsutil.WrapLockState(f.File) }
func (f *powerFile) PowersafeOverwrite() bool     { return vfsutil.WrapPowersafeOverwrite(f.File) }
func (f *powerFile) SetPowersafeOverwrite(b bool) { vfsutil.WrapSetPowersafeOverwrite(f.File, b) }

// onto makes the change to a file, which it may overwrite.
func (c change) onto(b []byte) []byte {
	size := c.at + int64(len(c.data))
	if grown := size - int64(len(b)); grown > 0 {
		b = append(b, make([]byte, grown)...)
	}
	if c.data == nil {
		return b[:c.at]
	}
	copy(b[c.at:], c.data)
	return b
}

// survives gives the file after a failure of power: what was synced, and of
// the changes since none, all, the first few and a part of the next, or any
// sectors of any. A write behind a lost change of size is lost with it.
func (f *inode) survives(r *rand.Rand) []byte {
	b := bytes.Clone(f.synced)
	some := r.IntN(4)
	first := r.IntN(len(f.changes) + 1)
	for n, c := range f.changes {
		switch {
		case some == 0, some == 1 && n > first:
			return b
		case some == 2, some == 1 && n < first:
			b = c.onto(b)
		case c.data == nil: // a change of size
			if r.IntN(2) == 0 {
				return b
			}
			b = c.onto(b)
		default:
			for i := 0; i < len(c.data); i += sector {
				if r.IntN(2) == 0 {
					b = change{c.at + int64(i), c.data[i:min(i+sector, len(c.data))]}.onto(b)
				}
			}
		}
	}
	return b
}

// restart gives the power back: the folder holds what has survived, and
// nothing waits for a sync.
func (p *power) restart(t *testing.T) {
	t.Helper()
	for _, m := range p.moves[:p.rand.IntN(len(p.moves)+1)] {
		p.platter[m.name] = m.file
	}
	for path := range p.names {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(p.platter)) {
		f := p.platter[path]
		if f == nil {
			continue
		}
		if err := os.WriteFile(path, f.survives(p.rand), fileMode); err != nil {
			t.Fatal(err)
		}
	}
	p.begin()
}

// begin makes all that there is count as synced.
func (p *power) begin() {
	p.names, p.platter, p.moves = make(map[string]*inode), make(map[string]*inode), nil
	p.off, p.left, p.fault = false, -1, nil
}
