package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// serverArgs start the relay on a free loopback port. What -args says follows.
var serverArgs = []string{"serve", "--addr", "127.0.0.1:0", "--log-level", "error"}

// withoutRates lets few users send what many would.
const withoutRates = "--limits off"

// quitTime is how long a server may take to end in order.
const quitTime = 30 * time.Second

// process is a server that this program has started: the relay or a floor.
type process struct {
	name string
	addr string // host:port
	tls  bool
	http *http.Client // for what is no WebSocket

	cmd *exec.Cmd
	log string
}

// buildServer compiles the relay, unless there is a binary already.
func (b *bench) buildServer(ctx context.Context) error {
	if b.server != "" {
		return nil
	}
	path := filepath.Join(b.dir, "server")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "secure-messaging/cmd/server").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the server: %w\n%s", err, out)
	}
	b.server = path
	return nil
}

// relay starts the server on the data of that name, which may be there from
// one before; without a name, on none.
func (b *bench) relay(ctx context.Context, data string, withTLS bool) (*process, error) {
	if err := b.buildServer(ctx); err != nil {
		return nil, err
	}
	if data == "" {
		data = fmt.Sprintf("fresh-%d", b.started)
	}
	mode := "off"
	if withTLS {
		mode = "self-signed"
	}
	args := slices.Concat(serverArgs, strings.Fields(b.args), []string{"--tls", mode, "--data", b.data(data)})
	return b.startProcess("relay", b.server, args, withTLS)
}

// data is the folder of a relay.
func (b *bench) data(name string) string { return filepath.Join(b.dir, "data-"+name) }

// floor starts this program as a bare server.
func (b *bench) floor(kind string, withTLS bool) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{floorCommand, kind}
	if withTLS {
		args = append(args, "tls")
	}
	return b.startProcess(kind, self, args, withTLS)
}

// startProcess returns when the server has said where it listens.
func (b *bench) startProcess(name, binary string, args []string, withTLS bool) (*process, error) {
	b.started++
	p := &process{name: name, tls: withTLS, log: filepath.Join(b.dir, fmt.Sprintf("%s-%d.log", name, b.started))}
	p.http = &http.Client{Timeout: dialTimeout, Transport: &http.Transport{TLSClientConfig: loopbackTLS(), MaxIdleConnsPerHost: crew}}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(binary, args...)
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), readyLine); ok {
			p.addr = url[strings.LastIndex(url, "/")+1:]
			return p, nil
		}
	}
	p.stop()
	said, _ := os.ReadFile(p.log)
	return nil, fmt.Errorf("%s does not come up: %s", name, said)
}

// readyLine is what every server says in front of its URL.
const readyLine = "relay ready at "

// stop ends the process in order, or at once where that takes too long or the
// system has no way to ask.
func (p *process) stop() error {
	if p.http != nil {
		p.http.CloseIdleConnections()
	}
	if p.cmd.Process.Signal(os.Interrupt) != nil {
		p.cmd.Process.Kill()
	}
	hurry := time.AfterFunc(quitTime, func() { p.cmd.Process.Kill() })
	defer hurry.Stop()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		said, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s ended with %w: %s", p.name, err, said)
	}
	return err
}

// serve starts a floor, or the relay with nothing stored.
func (b *bench) serve(ctx context.Context, kind string, withTLS bool) (*process, error) {
	if kind == relayName {
		return b.relay(ctx, "", withTLS)
	}
	return b.floor(kind, withTLS)
}

// end stops the process for a caller that returns *err.
func (p *process) end(err *error) { *err = errors.Join(*err, p.stop()) }

// stopAfter stops the process, whatever has happened before.
func (p *process) stopAfter(err error) error { return errors.Join(err, p.stop()) }
