// Package terminal asks a person for what a command cannot go on without.
//
// The questions go to the controlling terminal, not to standard input and
// output: those may be pipes that carry a message or data. Where there is no
// terminal, nothing is asked and ErrNone returned.
package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

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
		return &Terminal{in, out}, nil
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, ErrNone
	}
	return &Terminal{tty, tty}, nil
}

// Close gives the terminal up.
func (t *Terminal) Close() {
	t.in.Close()
	if t.out != t.in {
		t.out.Close()
	}
}

// Secret asks for a line that is not shown. The caller clears it. When ctx
// ends, the terminal echoes again and ctx's error is returned; the read that
// is under way ends with the process.
func (t *Terminal) Secret(ctx context.Context, prompt string) ([]byte, error) {
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, ErrNone
	}
	defer term.Restore(fd, before)
	if err := hide(fd); err != nil { // before the prompt, for who types at once
		return nil, err
	}
	fmt.Fprint(t.out, prompt)
	b, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	fmt.Fprintln(t.out)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it was closed before an answer came", ErrNone)
	}
	return b, err
}

// Confirm asks a question that only a clear yes answers with true. An empty
// line is a no.
func (t *Terminal) Confirm(ctx context.Context, question string) (bool, error) {
	answer, err := t.Line(ctx, question+" [yes/no] ")
	switch strings.ToLower(answer) {
	case "y", "yes":
		return err == nil, err
	}
	return false, err
}

// Line asks for a line that is shown.
func (t *Terminal) Line(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(t.out, prompt)
	b, err := await(ctx, func() ([]byte, error) {
		line, err := bufio.NewReaderSize(t.in, MaxPassphrase).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = ErrNone
		}
		return []byte(line), err
	})
	return strings.TrimSpace(string(b)), err
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

// PassphraseFile reads a passphrase from a file: its first line, without the
// line break. The caller clears it.
func PassphraseFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxPassphrase+3))
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	clear(b)
	line = strings.TrimSuffix(line, "\r")
	if len(line) > MaxPassphrase {
		return nil, fmt.Errorf("the first line of the passphrase file is over %d bytes", MaxPassphrase)
	}
	return []byte(line), nil
}

// IsTerminal reports whether a stream of this process is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
