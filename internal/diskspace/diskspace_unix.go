//go:build unix

// Package diskspace says how much room a disk has.
package diskspace

import "golang.org/x/sys/unix"

// Free returns how many bytes this user can still write to the disk of a folder.
func Free(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(max(s.Bavail, 0)) * uint64(s.Bsize), nil
}
