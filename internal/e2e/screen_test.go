//go:build unix

package e2e

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// waitTime bounds how long something may take to be on a screen. It is long
// because machines are slow, and nobody waits for it to pass.
const waitTime = 30 * time.Second

// screen is a program in a terminal of its own.
type screen struct {
	t   testing.TB
	cmd *exec.Cmd
	pty *os.File
	emu *vt.SafeEmulator

	mu      sync.Mutex
	changed chan struct{} // closed and made anew with each output
	raw     strings.Builder
	exited  chan error // holds one value
}

// startScreen runs a program in a terminal.
func startScreen(t testing.TB, env []string, cols, rows int, program string, args ...string) *screen {
	t.Helper()
	s := &screen{t: t, emu: vt.NewSafeEmulator(cols, rows), changed: make(chan struct{}), exited: make(chan error, 1)}
	s.cmd = exec.Command(program, args...)
	s.cmd.Env = append([]string{"TERM=xterm-256color"}, env...)
	var err error
	if s.pty, err = pty.StartWithSize(s.cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
	answers := make(chan struct{})
	go func() { // what a terminal answers to questions about itself
		defer close(answers)
		io.Copy(s.pty, s.emu)
	}()
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		buf := make([]byte, 4096)
		for {
			n, err := s.pty.Read(buf)
			s.show(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	go func() {
		err := s.cmd.Wait()
		<-shown
		s.exited <- err
		s.show(nil)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.pty.Close()
		s.emu.InputPipe().(io.Closer).Close()
		<-answers
	})
	return s
}

func (s *screen) show(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emu.Write(b)
	s.raw.Write(b)
	close(s.changed)
	s.changed = make(chan struct{})
}

// text is the screen, line by line.
func (s *screen) text() string {
	var b strings.Builder
	for y := range s.emu.Height() {
		for x := 0; x < s.emu.Width(); {
			cell := s.emu.CellAt(x, y)
			if cell == nil || cell.Width == 0 {
				b.WriteByte(' ')
				x++
				continue
			}
			b.WriteString(cell.Content)
			x += cell.Width
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// until waits until all the wanted texts are on the screen.
func (s *screen) until(want ...string) {
	s.t.Helper()
	s.await("the screen to show "+strings.Join(want, " and "), func(text string) bool {
		for _, w := range want {
			if !strings.Contains(text, w) {
				return false
			}
		}
		return true
	})
}

// gone waits until a text is not on the screen any more.
func (s *screen) gone(text string) {
	s.t.Helper()
	s.await("the screen not to show "+text, func(now string) bool { return !strings.Contains(now, text) })
}

func (s *screen) await(what string, ok func(string) bool) {
	s.t.Helper()
	late := time.After(waitTime)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		text := s.text()
		if ok(text) {
			return
		}
		select {
		case <-changed:
		case <-late:
			s.t.Fatalf("waited in vain for %s. It shows:\n%s", what, text)
		}
	}
}

// keys types.
func (s *screen) keys(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) resize(cols, rows int) {
	s.t.Helper()
	s.mu.Lock()
	s.emu.Resize(cols, rows)
	s.mu.Unlock()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		s.t.Fatal(err)
	}
}

// exit waits for the program's end and returns its exit code.
func (s *screen) exit() int {
	s.t.Helper()
	select {
	case err := <-s.exited:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			s.t.Fatal(err)
		}
		return 0
	case <-time.After(waitTime):
		s.t.Fatalf("the program does not end. It shows:\n%s", s.text())
		return -1
	}
}

// output is everything that the program has written to the terminal.
func (s *screen) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

const (
	enter = "\r"
	ctrlC = "\x03"
)
