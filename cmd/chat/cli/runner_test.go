//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

// TestRunnerAgain: the command gets a message until it takes it, as JSON on its
// standard input, and then the next; each is acked when it is taken.
func TestRunnerAgain(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	var pauses []int
	var errs bytes.Buffer
	s := newShelf(3)
	l := &listener{consumer: "ci", after: client.FromStart, max: 3, run: &runner{
		// the second message is taken at the third try
		command: `line=$(cat); echo "$line" >> ` + log + `; case $line in *'"cursor":2,'*) [ $(grep -c '"cursor":2,' ` + log + `) -eq 3 ] || exit 7;; esac`,
		out:     &errs, errs: &errs,
		pause: func(failures int) time.Duration { pauses = append(pauses, failures); return 0 },
	}}
	if err := following(t, s, l, &errs); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if c := cursors(t, string(got)); !slices.Equal(c, []int64{1, 2, 2, 2, 3}) || !slices.Equal(s.acks, []int64{0, 1, 2, 3}) || !slices.Equal(pauses, []int{1, 2}) {
		t.Errorf("%v were handed out, %v acked, pauses after %v failures", c, s.acks, pauses)
	}
	if n := strings.Count(errs.String(), "The command has failed for the message with cursor 2: exit status 7. It gets it again in"); n != 2 {
		t.Errorf("told %d times: %s", n, errs.String())
	}
	var line map[string]any
	first, _, _ := bytes.Cut(got, []byte("\n"))
	if err := json.Unmarshal(first, &line); err != nil || line["schema"] != float64(schema) || line["text"] != "1" {
		t.Errorf("the line is %v, %v", line, err)
	}
}

// TestRunnerSecret: nothing of a message is in the arguments or the environment.
func TestRunnerSecret(t *testing.T) {
	var out bytes.Buffer
	r := &runner{command: `env; tr '\0' ' ' < /proc/$$/cmdline 2>/dev/null || ps -o args= -p $$; true`, out: &out, errs: &out, pause: runPause}
	if err := r.handle(t.Context(), client.Message{Cursor: 1, Text: "attack at dawn"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "PATH=") || strings.Contains(out.String(), "dawn") {
		t.Errorf("the command sees %s", out.String())
	}
}

// TestRunnerEnds: the command ends with the listening, with what it has started, and
// a message that it has not taken is not acked.
func TestRunnerEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	r := &runner{command: `(trap '' TERM; echo up; exec sleep 600) & wait`, out: write, errs: io.Discard, pause: runPause}
	ended := make(chan error, 1)
	go func() { ended <- r.handle(ctx, client.Message{Cursor: 1}) }()
	said := bufio.NewReader(read)
	if line, err := said.ReadString('\n'); line != "up\n" {
		t.Fatal(line, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	write.Close()
	if rest, err := io.ReadAll(said); err != nil || len(rest) > 0 { // ends when nobody is left who could write
		t.Errorf("%q, %v", rest, err)
	}
}

// A command that exits with 0 has taken the message, whatever it has read of it and
// left behind.
func TestRunnerReadsNothing(t *testing.T) {
	var out bytes.Buffer
	r := &runner{command: "exit 0", out: &out, errs: &out, pause: runPause}
	if err := r.handle(t.Context(), client.Message{Cursor: 1, Text: strings.Repeat("x", client.MaxText)}); err != nil || out.Len() > 0 {
		t.Errorf("it ended with %v and says %s", err, out.String())
	}
}

func TestRunPause(t *testing.T) {
	var got []time.Duration
	for failures := 1; failures <= 9; failures++ {
		got = append(got, runPause(failures)/time.Second)
	}
	if !slices.Equal(got, []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}) {
		t.Errorf("the pauses are %v", got)
	}
	if runPause(1<<40) != maxRunPause {
		t.Error("a pause has no bound")
	}
}
