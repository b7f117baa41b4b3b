package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"secure-messaging/pkg/client"
)

const (
	// firstRunPause is how long a command that has failed is left alone, at first;
	// each time twice as long, up to maxRunPause: what it needs may be away for long.
	firstRunPause = time.Second
	maxRunPause   = time.Minute
	// runEnd is how long a command may take to end when listen does.
	runEnd = 3 * time.Second
)

// runPause is how long to wait after so many failures.
func runPause(failures int) time.Duration {
	pause := firstRunPause
	for ; failures > 1 && pause < maxRunPause; failures-- {
		pause *= 2
	}
	return min(pause, maxRunPause)
}

// runner runs a command for each message.
type runner struct {
	command   string
	out, errs io.Writer
	pause     func(failures int) time.Duration
}

// handle runs the command until it has taken the message, or ctx ends.
func (r *runner) handle(ctx context.Context, m client.Message) error {
	var line bytes.Buffer
	if err := printJSON(&line, messageLine{Schema: schema, Message: m}); err != nil {
		return err
	}
	for failures := 1; ; failures++ {
		err := r.once(ctx, line.Bytes())
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, exec.ErrNotFound) {
			return wrongUsage(fmt.Sprintf("There is no shell to run the command of --exec: %v", err))
		}
		pause := r.pause(failures)
		fmt.Fprintf(r.errs, "The command has failed for the message with cursor %d: %v. It gets it again in %v; exit code 0 goes on to the next.\n", m.Cursor, err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// once runs the command. It is a group of its own, so that a ctrl-c at the
// terminal ends it in order, by listen, with all that it has started.
func (r *runner) once(ctx context.Context, line []byte) error {
	cmd := shell(ctx, r.command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = bytes.NewReader(line), r.out, r.errs, runEnd
	err := cmd.Run()
	if ctx.Err() != nil {
		endAll(cmd)
	}
	if errors.Is(err, exec.ErrWaitDelay) { // it has ended well, and left somebody behind
		err = nil
	}
	return err
}
