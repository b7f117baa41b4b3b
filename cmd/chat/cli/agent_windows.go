package cli

import "syscall"

// detachedProcess is DETACHED_PROCESS: without the console of its parent.
const detachedProcess = 0x00000008

// apart lets a process outlive this one and its console.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: detachedProcess | syscall.CREATE_NEW_PROCESS_GROUP}
}
