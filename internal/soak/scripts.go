package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"secure-messaging/pkg/client"
)

// worker is the script of a sender or recipient that is a process of this
// program.
type worker struct {
	task
	oracle   *oracle
	caughtUp atomic.Int64 // how often a recipient had all that the relay had
}

func (w *worker) command() *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	arg, err := json.Marshal(w.task)
	if err != nil {
		panic(err) // strings and numbers
	}
	return exec.Command(self, "worker", string(arg))
}

func (w *worker) line(line string) error {
	var said word
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		return fmt.Errorf("said %q: %w", line, err)
	}
	switch {
	case said.Shown != nil:
		w.After = said.Shown.Cursor
		return w.oracle.show(*said.Shown, w.Name)
	case said.CaughtUp:
		w.caughtUp.Add(1)
		w.oracle.nudge()
		return nil
	}
	return w.oracle.hear(stream{w.Name, said.To}, said.Number, said.State)
}

func (w *worker) over(code int, stderr string) (last bool, err error) {
	if code != 0 && code != killed {
		err = fmt.Errorf("exit code %d: %s", code, stderr)
	}
	return code == 0, err
}

// chat is what the scripts that use the real client share.
type chat struct {
	binary, passphraseFile string
	name, server           string
	oracle                 *oracle
}

func (c *chat) run(args ...string) *exec.Cmd {
	return exec.Command(c.binary, append([]string{"--as", c.name + "@" + c.server, "--passphrase-file", c.passphraseFile, "--no-input"}, args...)...)
}

// Exit codes of chat that say "later": the relay is not reached, it has enough,
// time is up, or the process that held the profile was killed.
var later = []int{6, 8, 9, 14}

// listener is a recipient at chat listen, or a sender that keeps one running.
type listener struct {
	chat
	after int64 // cursor of the last message that was shown
}

func (l *listener) command() *exec.Cmd {
	return l.run("listen", "--json", "--since", strconv.FormatInt(l.after, 10))
}

func (l *listener) line(line string) error {
	var m client.Message
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		return fmt.Errorf("said %q: %w", line, err)
	}
	l.after = m.Cursor
	return l.oracle.show(m, l.name)
}

func (l *listener) over(code int, stderr string) (last bool, err error) {
	if code != killed && !slices.Contains(later, code) {
		err = fmt.Errorf("chat listen has ended with %d: %s", code, stderr)
	}
	return false, err
}

// typist is a sender that runs chat send for each message, with the text at its
// standard input. Where it does not know whether one was queued, it looks at
// chat history.
type typist struct {
	chat
	rest   []message // to write, the present one first
	unsure bool
	seen   int // the last number in the history, while unsure
	wait   int // picks what to wait for
}

type message struct {
	to string
	n  int
}

func (t *typist) command() *exec.Cmd {
	m := t.rest[0]
	t.seen = 0
	if t.unsure {
		return t.run("history", m.to, "--json", "--limit", "1")
	}
	t.wait++
	cmd := t.run("send", m.to, "--json", "--wait", []string{"stored", "delivered", "queued"}[t.wait%3])
	cmd.Stdin = strings.NewReader(stream{t.name, m.to}.text(m.n) + "\n")
	t.unsure = true
	return cmd
}

func (t *typist) line(line string) error {
	var m client.Message
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		return fmt.Errorf("said %q: %w", line, err)
	}
	if m.ID == "" { // an error instead: perhaps not queued
		return nil
	}
	t.seen = number(m.Text)
	return t.oracle.hear(stream{t.name, m.Contact}, t.seen, m.State)
}

func (t *typist) over(code int, stderr string) (last bool, err error) {
	if code != 0 && code != killed && !slices.Contains(later, code) {
		return false, fmt.Errorf("chat has ended with %d: %s", code, stderr)
	}
	if t.seen == t.rest[0].n { // queued, whatever came of it
		t.rest = t.rest[1:]
		t.unsure, t.seen = false, 0
		return len(t.rest) == 0, nil
	}
	if code == 0 { // of a history without it
		t.unsure = false
	}
	return false, nil
}
