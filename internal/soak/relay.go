package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"secure-messaging/pkg/client"
)

// restartLimit is how long the relay may take to end after SIGTERM: it gives
// its connections ten seconds, and then closes its store.
const restartLimit = 15 * time.Second

// relay is the real server, one process after the other on the same data and
// address.
type relay struct {
	binary, data, addr, log string
	tls                     bool
	server                  client.Server
	cmd                     *exec.Cmd
	slowest                 time.Duration // of the ends after SIGTERM
	newer                   string        // the binary that takes over at the first of them; empty once it has, or for none
}

// start returns when the relay says that it is ready.
func (r *relay) start() error {
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	tls := "self-signed"
	if !r.tls {
		tls = "off"
	}
	r.cmd = exec.Command(r.binary, "serve", "--addr", r.addr, "--data", r.data, "--tls", tls, "--log-level", "warn", "--limits", "off")
	r.cmd.Stderr = log
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, url, ok := strings.Cut(lines.Text(), "--server "); ok {
			if r.server, err = client.ParseServer(strings.Trim(url, "'")); err != nil {
				return err
			}
			r.addr = r.server.Address()
			return nil
		}
	}
	return errors.New("the relay does not come up: " + r.said())
}

// said is the end of the relay's log.
func (r *relay) said() string {
	const most = 2000
	b, _ := os.ReadFile(r.log)
	return strings.TrimSpace(string(b[max(0, len(b)-most):]))
}

// kill ends the process at once.
func (r *relay) kill() {
	if r.cmd != nil {
		r.cmd.Process.Kill()
		r.cmd.Wait()
		r.cmd = nil
	}
}

// terminate ends the process in order, within its limit.
func (r *relay) terminate() error {
	began := time.Now()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	tooLate := time.AfterFunc(restartLimit, func() { r.cmd.Process.Kill() })
	err := r.cmd.Wait()
	r.cmd = nil
	r.slowest = max(r.slowest, time.Since(began))
	if !tooLate.Stop() {
		return fmt.Errorf("the relay has not ended %v after SIGTERM", restartLimit)
	}
	if err != nil {
		return fmt.Errorf("the relay has ended after SIGTERM with %w: %s", err, r.said())
	}
	if r.newer != "" {
		r.binary, r.newer = r.newer, ""
	}
	return nil
}
