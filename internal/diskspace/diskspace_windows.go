// Package diskspace says how much room a disk has.
package diskspace

import "golang.org/x/sys/windows"

// Free returns how many bytes this user can still write to the disk of a folder.
func Free(dir string) (free uint64, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
	}
	return free, err
}
