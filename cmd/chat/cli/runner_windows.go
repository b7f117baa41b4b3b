package cli

import (
	"context"
	"os/exec"
	"strconv"
	"syscall"
)

// shell gives the process that runs a command line, which ends with ctx. The line
// goes as it is: cmd does not read it as other programs do.
func shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: "cmd /D /S /C \"" + command + "\""}
	// What the line has started would outlive its shell.
	cmd.Cancel = func() error {
		if exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run() == nil {
			return nil
		}
		return cmd.Process.Kill()
	}
	return cmd
}

// endAll has nothing to end: the command was killed with ctx.
func endAll(*exec.Cmd) {}
