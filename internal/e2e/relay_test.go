package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// relay is a server process.
type relay struct {
	dir    string     // data folder, kept over restarts
	env    []string   // of the process
	args   []string   // further flags
	addr   string     // host:port, fixed after the first start
	given  []*os.File // sockets that it is started with, as systemd does it
	url    string     // with the pin, as users give it
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr string // file that collects the log
}

// endTime bounds how long a process may take to end after it was asked to.
const endTime = 20 * time.Second

func newRelay(dir string, env []string, args ...string) *relay {
	return &relay{dir: filepath.Join(dir, "relay"), env: env, args: args, addr: "127.0.0.1:0", stderr: filepath.Join(dir, "relay.log")}
}

// start runs the server and returns when it says that it is ready.
func (r *relay) start() error {
	log, err := os.OpenFile(r.stderr, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	r.cmd = exec.Command("server", append([]string{"serve", "--addr", r.addr, "--data", r.dir}, r.args...)...)
	r.cmd.Env, r.cmd.Stderr = r.env, log
	if len(r.given) > 0 {
		activate(r.cmd, r.given)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	r.stdout = bufio.NewReader(out)
	for {
		line, err := r.stdout.ReadString('\n')
		if err != nil {
			r.cmd.Wait()
			b, _ := os.ReadFile(r.stderr)
			return fmt.Errorf("the relay did not come up: %s", b)
		}
		if _, url, ok := strings.Cut(line, "--server "); ok {
			r.url = strings.Trim(strings.TrimSpace(url), "'")
			break
		}
	}
	url, _, _ := strings.Cut(r.url, "#")
	_, r.addr, _ = strings.Cut(url, "://")
	return nil
}

// activate lets a command have sockets as sd_listen_fds(3) wants them.
func activate(cmd *exec.Cmd, sockets []*os.File) {
	inner := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`}, cmd.Args...)...)
	cmd.Path, cmd.Args, cmd.Err = inner.Path, inner.Args, inner.Err
	cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(sockets)))
	cmd.ExtraFiles = sockets
}

// end sends a signal and waits for the process. Only SIGTERM must end well.
func (r *relay) end(sig os.Signal) error {
	if r.cmd == nil {
		return nil
	}
	cmd := r.cmd
	r.cmd = nil
	if err := cmd.Process.Signal(sig); err != nil {
		return err
	}
	late := time.AfterFunc(endTime, func() { cmd.Process.Kill() })
	io.Copy(io.Discard, r.stdout)
	err := cmd.Wait()
	if !late.Stop() {
		return errors.New("the relay did not end in time")
	}
	if sig == os.Kill {
		return nil
	}
	return err
}

// relayCmd is "relay start [flags]", "relay stop" and "relay kill". Started
// again, the relay has the same data and address. $RELAY is what users give,
// $RELAYADDR its host:port, $RELAYPORT its port, $RELAYPIN its fingerprint, $RELAYDATA
// its folder.
func relayCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: relay start [flags] | stop | kill")
	}
	r := ts.Value("relay").(*relay)
	switch args[0] {
	case "start":
		r.args = args[1:]
		ts.Check(r.start())
		ts.Setenv("RELAY", r.url)
		ts.Setenv("RELAYADDR", r.addr)
		ts.Setenv("RELAYPIN", r.url[strings.LastIndex(r.url, "#")+1:])
		ts.Setenv("RELAYPORT", r.addr[strings.LastIndex(r.addr, ":")+1:])
		ts.Setenv("RELAYDATA", r.dir)
	case "stop":
		ts.Check(r.end(syscall.SIGTERM))
	case "kill":
		ts.Check(r.end(os.Kill))
	default:
		ts.Fatalf("relay %s: unknown", args[0])
	}
}

// statusCmd is "status CODE program args...": it runs the program and wants
// exactly that exit code. Its output is for stdout and stderr to look at.
func statusCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE program args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = fmt.Sprint(exit.ExitCode())
	} else {
		ts.Check(err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// ownedCmd is "owned NAME": it waits until another process holds that profile
// and answers.
func ownedCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: owned NAME")
	}
	late := time.Now().Add(endTime)
	for ts.Exec("chat", "whoami", "--no-input", "--as", args[0]) != nil {
		if time.Now().After(late) {
			ts.Fatalf("nobody holds the profile of %s", args[0])
		}
	}
}

// startRelay is for tests that are not scripts.
func startRelay(t testing.TB, env []string, args ...string) *relay {
	t.Helper()
	r := newRelay(t.TempDir(), env, args...)
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.end(os.Kill) })
	return r
}
