package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
)

// script is what the processes of a member do. Its methods are called by one
// goroutine.
type script interface {
	// command is the next process.
	command() *exec.Cmd
	// line takes a line of its standard output.
	line(string) error
	// over is told how the process has ended, and says whether it was the last.
	over(code int, stderr string) (last bool, err error)
}

// killed stands for the code of a process that we have killed. One that died of
// another's signal has -1.
const killed = -2

// member is somebody who writes or reads: one process after the other.
type member struct {
	name   string
	script script
	ended  chan struct{} // closed when there will be no further process

	mu      sync.Mutex    // guards what follows
	cmd     *exec.Cmd     // running
	killed  bool          // by us
	leaving bool          // no further process
	stdin   io.Closer     // of cmd; its end tells a worker to leave
	gone    chan struct{} // closed when cmd has ended
	gate    chan struct{} // closed while processes may begin
}

func newMember(name string, s script) *member {
	m := &member{name: name, script: s, ended: make(chan struct{}), gate: make(chan struct{})}
	close(m.gate)
	return m
}

// run starts processes until the last one has ended.
func (m *member) run(ctx context.Context, fail context.CancelCauseFunc) {
	defer close(m.ended)
	for ctx.Err() == nil {
		m.mu.Lock()
		gate := m.gate
		m.mu.Unlock()
		select {
		case <-gate:
		case <-ctx.Done():
			return
		}
		done, err := m.once(ctx)
		if err != nil && ctx.Err() == nil {
			fail(fmt.Errorf("%s: %w", m.name, err))
		}
		if done || err != nil {
			return
		}
	}
}

// once runs one process to its end.
func (m *member) once(ctx context.Context) (last bool, err error) {
	cmd, gone := m.script.command(), make(chan struct{})
	var said strings.Builder
	cmd.Stderr = &said
	stdin := io.Closer(io.NopCloser(nil))
	if cmd.Stdin == nil {
		if stdin, err = cmd.StdinPipe(); err != nil {
			return false, err
		}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if begun, err := m.begin(cmd, stdin, gone); !begun {
		return m.leaves(), err
	}
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })()
	lineErr := m.lines(out)
	if lineErr != nil {
		cmd.Process.Kill()
	}
	cmd.Wait() // the code tells
	m.mu.Lock()
	code := cmd.ProcessState.ExitCode()
	if m.killed {
		code = killed
	}
	m.cmd = nil
	close(gone)
	m.mu.Unlock()
	if lineErr != nil {
		return false, lineErr
	}
	last, err = m.script.over(code, strings.TrimSpace(said.String()))
	return last || m.leaves(), err
}

// begin starts a process, unless the member is held or leaves.
func (m *member) begin(cmd *exec.Cmd, stdin io.Closer, gone chan struct{}) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.gate:
	default:
		return false, nil
	}
	if m.leaving {
		return false, nil
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	m.cmd, m.killed, m.stdin, m.gone = cmd, false, stdin, gone
	return true, nil
}

func (m *member) leaves() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leaving
}

// lines hands out whole lines. A process that was killed may have written half
// of one.
func (m *member) lines(out io.Reader) error {
	r := bufio.NewReaderSize(out, 64<<10)
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.script.line(strings.TrimSuffix(line, "\n")); err != nil {
			return err
		}
	}
}

// kill ends the present process at once, and reports whether there was one.
func (m *member) kill() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.killLocked()
}

func (m *member) killLocked() bool {
	if m.cmd == nil || m.killed {
		return false
	}
	m.killed = true
	m.cmd.Process.Kill()
	return true
}

// hold kills and lets no further process begin. When it returns, everything
// that the process has said is known. It reports whether there was one to kill.
func (m *member) hold() (killed bool) {
	m.mu.Lock()
	m.gate = make(chan struct{})
	var gone chan struct{}
	if m.cmd != nil {
		killed = m.killLocked()
		gone = m.gone
	}
	m.mu.Unlock()
	if gone != nil {
		<-gone
	}
	return killed
}

// release lets a held process begin again.
func (m *member) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.gate)
}

// leave lets the process end in good order, or kills one that does not listen
// to the end of its input.
func (m *member) leave(listens bool) {
	m.mu.Lock()
	m.leaving = true
	if m.cmd != nil && listens {
		m.stdin.Close()
	} else {
		m.killLocked()
	}
	m.mu.Unlock()
	<-m.ended
}
