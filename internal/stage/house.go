package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"secure-messaging/pkg/client"
)

// endTime is how long a process may take to end in order.
const endTime = 15 * time.Second

// House is a folder with both binaries, a relay and everybody's profiles.
type House struct {
	Dir    string
	Server client.Server // the relay, with its pin

	addr  string // where the relay listens, fixed after its first start
	relay *exec.Cmd
}

// Anywhere lets the system choose where the relay listens.
const Anywhere = "127.0.0.1:0"

// Open builds both binaries and starts a relay without limits at a loopback
// address. The folder must be there and be empty. This process looks for
// profiles in it from then on.
func Open(ctx context.Context, dir, addr string) (*House, error) {
	h := &House{Dir: dir, addr: addr}
	for key, value := range h.homes() {
		if err := os.Setenv(key, value); err != nil {
			return nil, err
		}
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", dir, "secure-messaging/cmd/chat", "secure-messaging/cmd/server")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	if err := h.StartRelay(); err != nil {
		return nil, err
	}
	return h, nil
}

// homes are the variables under which both programs keep their files.
func (h *House) homes() map[string]string {
	at := func(name string) string { return filepath.Join(h.Dir, name) }
	return map[string]string{"XDG_DATA_HOME": at("data"), "XDG_STATE_HOME": at("state"), "XDG_CONFIG_HOME": at("config")}
}

// StartRelay starts the relay, if it does not run, again with the data and the
// address that it had, and returns when it says that it is ready.
func (h *House) StartRelay() error {
	if h.relay != nil {
		return nil
	}
	log, err := os.OpenFile(filepath.Join(h.Dir, "relay.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	h.relay = exec.Command(filepath.Join(h.Dir, "server"), "serve", "--addr", h.addr, "--data", filepath.Join(h.Dir, "relay"), "--limits", "off", "--log-level", "warn")
	h.relay.Stderr = log
	out, err := h.relay.StdoutPipe()
	if err != nil {
		return err
	}
	if err := h.relay.Start(); err != nil {
		h.relay = nil
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, url, ok := strings.Cut(lines.Text(), "--server "); ok {
			h.Server, err = client.ParseServer(strings.Trim(url, "'"))
			h.addr = h.Server.Address()
			return err
		}
	}
	said, _ := os.ReadFile(log.Name())
	return errors.Join(fmt.Errorf("the relay does not come up: %s", said), h.KillRelay())
}

// KillRelay ends the relay at once, with SIGKILL.
func (h *House) KillRelay() error {
	if h.relay == nil {
		return nil
	}
	cmd := h.relay
	h.relay = nil
	err := cmd.Process.Kill()
	cmd.Wait() // says that it was killed
	return err
}

// Close ends the relay in order.
func (h *House) Close() error {
	if h.relay == nil {
		return nil
	}
	cmd := h.relay
	h.relay = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	late := time.AfterFunc(endTime, func() { cmd.Process.Kill() })
	defer late.Stop()
	return cmd.Wait()
}

// Chat is the client's process with these arguments, not started. Of the
// environment it has what it needs and no more, so that what it does is the
// same everywhere.
func (h *House) Chat(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(h.Dir, "chat"), args...)
	cmd.Dir = h.Dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.Dir, "TMPDIR=" + h.Dir, "LANG=C.UTF-8", "TZ=UTC",
		"TERM=xterm-256color", "COLORTERM=truecolor",
	}
	for key, value := range h.homes() {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	return cmd
}
