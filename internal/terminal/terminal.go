// Package terminal asks a person for what a command cannot go on without.
//
// The questions go to the controlling terminal, not to standard input and
// output: those may be pipes that carry a message or data. Where there is no
// terminal, nothing is asked and ErrNone returned.
package terminal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/term"
)

// ErrNone says that there is no terminal to ask at.
var ErrNone = errors.New("no terminal to ask at")

// MaxPassphrase bounds a passphrase, in bytes: longer is a file given by
// mistake.
const MaxPassphrase = 1024

// Terminal is a controlling terminal, opened for one or more questions.
type Terminal struct {
	in, out *os.File

	mu     sync.Mutex
	before *term.State // set while what is typed is hidden
}

// Open gives the controlling terminal, or ErrNone.
func Open() (*Terminal, error) {
	if runtime.GOOS == "windows" {
		in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
		if err != nil {
			return nil, ErrNone
		}
		out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
		if err != nil {
			in.Close()
			return nil, ErrNone
		}
		return &Terminal{in: in, out: out}, nil
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, ErrNone
	}
	return &Terminal{in: tty, out: tty}, nil
}

// Close gives the terminal up. It shows again what is typed.
func (t *Terminal) Close() {
	t.show()
	t.in.Close()
	if t.out != t.in {
		t.out.Close()
	}
}

// hide ends the echo of what is typed, until show or the end of ctx: whoever
// interrupts gets the terminal back at once, whatever goes on behind it.
func (t *Terminal) hide(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil {
		return nil
	}
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return ErrNone
	}
	t.before = before
	context.AfterFunc(ctx, t.show)
	return hide(fd)
}

func (t *Terminal) show() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil {
		term.Restore(int(t.in.Fd()), t.before)
		t.before = nil
	}
}

// Secret asks for a line that is not shown, and neither is what is typed
// behind it until the next Line or Close: a check of the answer takes its time,
// and who knows it was wrong types on. The caller clears the line. When ctx
// ends its error is returned; the read that is under way ends with the process,
// and changes nothing at the terminal.
func (t *Terminal) Secret(ctx context.Context, prompt string) ([]byte, error) {
	if err := t.hide(ctx); err != nil { // before the prompt, for who types at once
		return nil, err
	}
	b, err := t.ask(ctx, prompt)
	if err != nil {
		t.show()
	}
	fmt.Fprintln(t.out)
	return b, err
}

// Confirm asks a question until the answer is clear: yes or no, or the text
// itself that is asked about, as for a yes.
func (t *Terminal) Confirm(ctx context.Context, question, itself string) (bool, error) {
	for {
		answer, err := t.Line(ctx, question+" [yes/no] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes", strings.ToLower(itself):
			return true, nil
		case "n", "no":
			return false, nil
		}
		t.Say("Please type yes or no.\n")
	}
}

// Line asks for a line that is shown.
func (t *Terminal) Line(ctx context.Context, prompt string) (string, error) {
	t.show()
	b, err := t.ask(ctx, prompt)
	return strings.TrimSpace(string(b)), err
}

func (t *Terminal) ask(ctx context.Context, prompt string) ([]byte, error) {
	if err := ctx.Err(); err != nil { // ctrl-c at the question before
		return nil, err
	}
	fmt.Fprint(t.out, prompt)
	return await(ctx, t.readLine)
}

// maxLine bounds an answer, in bytes: it is what terminals hold of a line.
const maxLine = 4096

// readLine reads up to the end of a line, and nothing behind it.
func (t *Terminal) readLine() ([]byte, error) {
	line := make([]byte, 0, maxLine) // all at once: growing would leave copies of a secret
	var c [1]byte
	for {
		_, err := t.in.Read(c[:])
		switch {
		case errors.Is(err, io.EOF):
			err = fmt.Errorf("%w: it was closed before an answer came", ErrNone)
		case err != nil:
		case c[0] == '\n':
			return line, nil
		case c[0] == '\r': // of a line's end on Windows
			continue
		case c[0] == '\b': // of a terminal that deletes with another key than it says
			line = line[:max(0, len(line)-1)]
			continue
		case len(line) < maxLine:
			line = append(line, c[0])
			continue
		default:
			err = fmt.Errorf("an answer has at most %d bytes", maxLine)
		}
		clear(line)
		return nil, err
	}
}

// Say writes to the terminal.
func (t *Terminal) Say(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// await lets ctx interrupt a read that cannot be interrupted.
func await(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		b   []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		b, err := read()
		done <- result{b, err}
	}()
	select {
	case r := <-done:
		return r.b, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Input reads a stream that may never end up to its end, or its first max
// bytes. When ctx ends, ctx's error is returned, and the read that is under way
// ends with the process.
func Input(ctx context.Context, r io.Reader, max int) ([]byte, error) {
	return await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(r, int64(max))) })
}

// PassphraseFile reads a passphrase from a file, which may be a pipe: its first
// line, without the line break. The caller clears it.
func PassphraseFile(ctx context.Context, path string) ([]byte, error) {
	b, err := await(ctx, func() ([]byte, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, MaxPassphrase+3))
	})
	if err != nil {
		return nil, err
	}
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	clear(rest)
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > MaxPassphrase {
		clear(line)
		return nil, fmt.Errorf("the first line of the passphrase file is over %d bytes", MaxPassphrase)
	}
	return line, nil
}

// Columns is how wide the terminal is that a stream leads to, or 0.
func Columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// IsTerminal reports whether a stream of this process is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
