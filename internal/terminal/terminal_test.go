//go:build unix

package terminal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/termios"
	"github.com/creack/pty"
)

// waitTime bounds what is waited for; it passes only when a test fails.
const waitTime = 30 * time.Second

// console is a terminal and what a person sees and types at it.
type console struct {
	t      *testing.T
	term   *Terminal
	person *os.File
	seen   bytes.Buffer
}

func newConsole(t *testing.T) *console {
	t.Helper()
	person, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, term: &Terminal{in: tty, out: tty}, person: person}
	t.Cleanup(func() {
		person.Close()
		c.term.Close()
	})
	return c
}

// sees waits for a text on the screen.
func (c *console) sees(text string) {
	c.t.Helper()
	c.person.SetReadDeadline(time.Now().Add(waitTime))
	buf := make([]byte, 1024)
	for !strings.Contains(c.seen.String(), text) {
		n, err := c.person.Read(buf)
		if err != nil {
			c.t.Fatalf("waited in vain for %q: %v; there is %q", text, err, c.seen.String())
		}
		c.seen.Write(buf[:n])
	}
}

func (c *console) types(text string) {
	c.t.Helper()
	if _, err := c.person.WriteString(text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) echoes() bool {
	c.t.Helper()
	state, err := termios.GetTermios(int(c.term.in.Fd()))
	if err != nil {
		c.t.Fatal(err)
	}
	return state.Lflag&syscall.ECHO != 0
}

type answer struct {
	secret []byte
	err    error
}

// asks begins to ask for a secret, and returns once that is on the screen.
func (c *console) asks(ctx context.Context) <-chan answer {
	c.t.Helper()
	got := make(chan answer, 1)
	go func() {
		b, err := c.term.Secret(ctx, "Secret: ")
		got <- answer{b, err}
	}()
	c.sees("Secret: ")
	return got
}

func TestSecret(t *testing.T) {
	c := newConsole(t)
	got := c.asks(t.Context())
	if c.echoes() {
		t.Error("the terminal echoes when the question is on the screen")
	}
	c.types("correct \xff horsf\be\nnext line\n")
	if a := <-got; a.err != nil || string(a.secret) != "correct \xff horse" {
		t.Errorf("got %q, %v", a.secret, a.err)
	}
	if c.echoes() {
		t.Error("the terminal echoes while the answer is being checked")
	}
	if line, err := c.term.Line(t.Context(), "Line: "); err != nil || line != "next line" {
		t.Errorf("the next question got %q, %v", line, err)
	}
	if !c.echoes() {
		t.Error("the terminal does not echo any more")
	}
	if strings.Contains(c.seen.String(), "horse") {
		t.Errorf("the secret was shown: %q", c.seen.String())
	}
}

// However a question is interrupted, the terminal echoes afterwards.
func TestInterrupt(t *testing.T) {
	t.Run("in the middle", func(t *testing.T) {
		c := newConsole(t)
		ctx, cancel := context.WithCancel(t.Context())
		got := c.asks(ctx)
		c.types("half")
		cancel()
		if a := <-got; !errors.Is(a.err, context.Canceled) {
			t.Errorf("got %q, %v", a.secret, a.err)
		}
		if !c.echoes() {
			t.Error("the terminal does not echo any more")
		}
	})
	t.Run("while the answer is checked", func(t *testing.T) {
		c := newConsole(t)
		ctx, cancel := context.WithCancel(t.Context())
		got := c.asks(ctx)
		c.types("an answer\n")
		if a := <-got; a.err != nil || c.echoes() {
			t.Errorf("got %v, echo %v", a.err, c.echoes())
		}
		cancel()
		for late := time.Now().Add(waitTime); !c.echoes(); {
			if time.Now().After(late) {
				t.Fatal("the terminal does not echo any more")
			}
		}
	})
	t.Run("before", func(t *testing.T) {
		c := newConsole(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.term.Secret(ctx, "Secret: "); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		c.types("seen\n") // nothing reads but this
		if line, err := c.term.Line(t.Context(), "Line: "); err != nil || line != "seen" || !c.echoes() {
			t.Errorf("then: %q, %v, echo %v", line, err, c.echoes())
		}
	})
}

// The end of the input is no answer, and no reason to wait for ever.
func TestEnd(t *testing.T) {
	c := newConsole(t)
	got := c.asks(t.Context())
	c.types("\x04")
	if a := <-got; !errors.Is(a.err, ErrNone) || a.secret != nil {
		t.Errorf("got %q, %v", a.secret, a.err)
	}
	if !c.echoes() {
		t.Error("the terminal does not echo any more")
	}
	if yes, err := func() (bool, error) { c.types("\x04"); return c.term.Confirm(t.Context(), "Sure?", "abcd") }(); yes || !errors.Is(err, ErrNone) {
		t.Errorf("the end passed for %v, %v", yes, err)
	}
}

// A question is asked until the answer is clear.
func TestConfirm(t *testing.T) {
	for typed, want := range map[string]bool{
		"yes\n": true, "Y\n": true, "no\n": false, "n\n": false,
		"\nmaybe\nyes\n": true, "ABCD-efgh\n": true, "abcd\nno\n": false,
	} {
		c := newConsole(t)
		c.types(typed)
		if got, err := c.term.Confirm(t.Context(), "Sure?", "abcd-efgh"); got != want || err != nil {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
	}
}

func TestPassphraseFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pass")
	for text, want := range map[string]string{
		"":                  "",
		"one":               "one",
		"one\n":             "one",
		"one\r\ntwo\r\n":    "one",
		" \xffspace \nrest": " \xffspace ",
		strings.Repeat("x", MaxPassphrase) + "\r\n": strings.Repeat("x", MaxPassphrase),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := PassphraseFile(t.Context(), path); err != nil || string(got) != want {
			t.Errorf("%q gave %q, %v", text, got, err)
		}
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), MaxPassphrase+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := PassphraseFile(t.Context(), path); err == nil {
		t.Errorf("too long a line gave %d bytes", len(got))
	}
}

// A pipe that nobody writes to does not keep the program from ending.
func TestPassphraseFileThatNeverComes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := PassphraseFile(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // lets the read that is under way end
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
