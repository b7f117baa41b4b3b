package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"secure-messaging/pkg/client"
)

// relay is the real server, one process after the other on the same data and
// address.
type relay struct {
	binary, data, addr, log string
	server                  client.Server
	cmd                     *exec.Cmd
}

// newRelay builds the server.
func newRelay(ctx context.Context, dir string) (*relay, error) {
	r := &relay{binary: filepath.Join(dir, "server"), data: filepath.Join(dir, "relay"), addr: "127.0.0.1:0", log: filepath.Join(dir, "relay.log")}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", r.binary, "secure-messaging/cmd/server").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return r, nil
}

// start returns when the relay says that it is ready.
func (r *relay) start() error {
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	r.cmd = exec.Command(r.binary, "serve", "--addr", r.addr, "--data", r.data)
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
	said, _ := os.ReadFile(r.log)
	return fmt.Errorf("the relay does not come up: %s", said)
}

// kill ends the process at once.
func (r *relay) kill() {
	if r.cmd != nil {
		r.cmd.Process.Kill()
		r.cmd.Wait()
		r.cmd = nil
	}
}

func (r *relay) restart() error {
	r.kill()
	return r.start()
}
