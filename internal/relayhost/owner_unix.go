//go:build unix

package relayhost

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether a file belongs to the user of this process.
func ours(info fs.FileInfo) bool {
	uid, ok := owner(info)
	return ok && uid == uint32(os.Geteuid())
}

func owner(info fs.FileInfo) (uid uint32, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return stat.Uid, true
}

// looksAfter returns who may own what lies in a folder, as the user of this process
// sees it: that user, and for root, who may be asked to look at the relay of
// another, the folder's owner.
func looksAfter(folder fs.FileInfo) func(fs.FileInfo) bool {
	uid, ok := owner(folder)
	if !ok || os.Geteuid() != 0 {
		return ours
	}
	return func(info fs.FileInfo) bool {
		of, ok := owner(info)
		return ok && of == uid
	}
}
