//go:build unix

package cli

import "syscall"

// apart lets a process outlive this one and its terminal.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
