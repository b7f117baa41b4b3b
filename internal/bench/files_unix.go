//go:build unix

package main

import (
	"fmt"
	"syscall"
)

// spareFiles is what a process needs besides its connections.
const spareFiles = 200

// needFiles says so when a process may not have that many connections. The
// relay may have as many open files as this program.
func needFiles(connections int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if need := connections + spareFiles; uint64(limit.Cur) < uint64(need) {
		return fmt.Errorf("%d connections need %d open files in a process, and the system allows %d: raise it with 'ulimit -n %d', or ask for fewer", connections, need, limit.Cur, need)
	}
	return nil
}
