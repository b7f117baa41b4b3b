package e2e

import (
	"os"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/adiantum"
)

// diskVariable names a file: while it is there, the disk of the profiles has
// no room if the file says full, and fails at each sync if it says failing.
const diskVariable = "E2E_DISK"

// useDisk puts such a disk below the file system that seals the profiles.
func useDisk() {
	if path := os.Getenv(diskVariable); path != "" {
		vfs.Register("adiantum", adiantum.Wrap(&disk{vfs.Find(""), path}, nil))
	}
}

type disk struct {
	vfs.VFS
	path string
}

func (d *disk) is(state string) bool {
	b, _ := os.ReadFile(d.path)
	return string(b) == state+"\n"
}

func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := vfsutil.WrapOpenFilename(d.VFS, name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &diskFile{file, d}, flags, nil
}

type diskFile struct {
	vfs.File
	*disk
}

func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	if f.is("full") {
		return 0, sqlite3.FULL // what the library makes of ENOSPC
	}
	return f.File.WriteAt(p, off)
}

func (f *diskFile) Sync(flags vfs.SyncFlag) error {
	if f.is("failing") {
		return syscall.EIO
	}
	return f.File.Sync(flags)
}
