package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// Screen is a program in a terminal of its own: a pseudo-terminal with an
// emulator at its other end, which answers what programs ask terminals.
type Screen struct {
	Cmd *exec.Cmd

	tty     *os.File
	exited  chan struct{} // closed when the program has ended and all of its output is on the screen
	answers chan struct{} // closed when the terminal answers no more

	mu       sync.Mutex
	emu      *vt.Emulator   // guarded by mu
	watchers []*watcher     // guarded by mu
	modes    map[string]int // what differs from zero of what programs set, guarded by mu
}

// watcher waits for a state of the screen.
type watcher struct {
	ok   func(*vt.Emulator) bool
	seen chan time.Time // holds one
}

// Start runs a program in a terminal of that size. Close it.
func Start(cmd *exec.Cmd, cols, rows int) (*Screen, error) {
	s := &Screen{Cmd: cmd, emu: vt.NewEmulator(cols, rows), exited: make(chan struct{}), answers: make(chan struct{})}
	s.followModes()
	var err error
	if s.tty, err = pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.answers)
		io.Copy(s.tty, s.emu)
	}()
	go s.read()
	return s, nil
}

// read shows what the program writes until it has ended.
func (s *Screen) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := s.tty.Read(buf)
		s.show(buf[:n], time.Now())
		if err != nil { // EIO: nobody has the terminal open any more
			break
		}
	}
	s.Cmd.Wait()
	close(s.exited)
}

func (s *Screen) show(b []byte, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emu.Write(b)
	s.watchers = slices.DeleteFunc(s.watchers, func(w *watcher) bool {
		seen := w.ok(s.emu)
		if seen {
			w.seen <- at
		}
		return seen
	})
}

// Until waits until the screen is as ok wants it, and returns when the output
// was read that made it so. It looks at once, and then after every piece of
// output, on the goroutine that reads.
func (s *Screen) Until(ctx context.Context, what string, ok func(*vt.Emulator) bool) (time.Time, error) {
	w := &watcher{ok, make(chan time.Time, 1)}
	s.mu.Lock()
	if ok(s.emu) {
		w.seen <- time.Now()
	} else {
		s.watchers = append(s.watchers, w)
	}
	s.mu.Unlock()
	select {
	case at := <-w.seen:
		return at, nil
	case <-s.exited:
		select {
		case at := <-w.seen:
			return at, nil
		default:
			return time.Time{}, fmt.Errorf("chat has ended (%v) instead of showing %s:\n%s", s.Cmd.ProcessState, what, s.Text())
		}
	case <-ctx.Done():
		s.mu.Lock()
		s.watchers = slices.DeleteFunc(s.watchers, func(other *watcher) bool { return other == w })
		s.mu.Unlock()
		return time.Time{}, fmt.Errorf("waited in vain for %s: %w. The screen is\n%s", what, ctx.Err(), s.Text())
	}
}

// Shows waits until all of the texts are on the screen.
func (s *Screen) Shows(ctx context.Context, texts ...string) (time.Time, error) {
	return s.Until(ctx, strings.Join(texts, " and "), func(e *vt.Emulator) bool {
		now := Text(e)
		return !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(now, t) })
	})
}

// Type sends keys, and returns when that was.
func (s *Screen) Type(keys string) (time.Time, error) {
	at := time.Now()
	_, err := io.WriteString(s.tty, keys)
	return at, err
}

// Resize makes the terminal another size.
func (s *Screen) Resize(cols, rows int) error {
	s.mu.Lock()
	s.emu.Resize(cols, rows)
	s.mu.Unlock()
	return pty.Setsize(s.tty, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
}

// Look gives the emulator to see, which stands still meanwhile.
func (s *Screen) Look(see func(*vt.Emulator)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	see(s.emu)
}

// Text is what stands on the screen, line by line.
func (s *Screen) Text() (text string) {
	s.Look(func(e *vt.Emulator) { text = Text(e) })
	return text
}

// Ended waits until the program has, and returns its exit code.
func (s *Screen) Ended(ctx context.Context) (int, error) {
	select {
	case <-s.exited:
		return s.Cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("chat does not end: %w. The screen is\n%s", ctx.Err(), s.Text())
	}
}

// Close ends the program if it has not, with SIGKILL, and closes the terminal.
func (s *Screen) Close() error {
	select {
	case <-s.exited:
	default:
		s.Cmd.Process.Kill()
		<-s.exited
	}
	err := errors.Join(s.emu.InputPipe().(io.Closer).Close(), s.tty.Close())
	<-s.answers
	return err
}

// Text is what stands on an emulator's screen, line by line, without blanks at
// their ends.
func Text(e *vt.Emulator) string {
	var all strings.Builder
	for y := range e.Height() {
		all.WriteString(Row(e, y) + "\n")
	}
	return all.String()
}

// Row is line y of an emulator's screen, without blanks at its end.
func Row(e *vt.Emulator, y int) string {
	var line strings.Builder
	for x := 0; x < e.Width(); {
		c := e.CellAt(x, y)
		if c == nil || c.Width == 0 {
			line.WriteByte(' ')
			x++
			continue
		}
		line.WriteString(c.Content)
		x += c.Width
	}
	return strings.TrimRight(line.String(), " ")
}
