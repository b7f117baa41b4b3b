package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"secure-messaging/pkg/client"
)

// bot is a consumer at chat listen, one process after the other, and what it has
// to see: every message, in order, none skipped.
type bot struct {
	chat
	name     string   // as a consumer
	listen   []string // arguments of chat listen
	byHand   bool     // it acks itself; else its command has
	again    int      // how many messages may come again after a kill
	random   *rand.Rand
	messages int
	kills    int       // before it may live to its end
	did      func(int) // is told of the last message

	last    int // message that it has handled
	before  int // message that it was given last
	repeats int // how many it was given again
	killed  int
	lives   int
}

// run lives until all is handled, and dies so often before.
func (b *bot) run(ctx context.Context) error {
	for b.last < b.messages || b.killed < b.kills {
		if ctx.Err() != nil {
			return nil // whoever ended it says why
		}
		if err := b.life(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	if most := b.killed * b.again; b.repeats > most {
		return fmt.Errorf("%d messages came again after %d kills, and %d may", b.repeats, b.killed, most)
	}
	return nil
}

// life is one process. It is killed after some messages or some time, while kills
// are left; else it leaves when everything is handled.
func (b *bot) life(ctx context.Context) error {
	cmd := b.chat.run(append([]string{"listen", "--consumer", b.name, "--since", "0"}, b.listen...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	b.lives++
	var dead atomic.Bool
	kill := func() {
		dead.Store(true)
		cmd.Process.Kill()
	}
	defer context.AfterFunc(ctx, kill)()
	fate := 0 // after which message of this life it dies; 0 for none
	if b.killed < b.kills {
		fate = 1 + b.random.IntN(2*max(1, b.messages/b.kills))
		if b.random.IntN(4) == 0 || b.last == b.messages {
			defer time.AfterFunc(time.Duration(b.random.IntN(int(maxLife))), kill).Stop()
		}
	}
	hearing := b.hear(bufio.NewReader(out), in, fate, kill, &dead)
	if hearing != nil {
		kill()
	}
	in.Close()
	io.Copy(io.Discard, out)
	cmd.Wait() // the code tells
	code := cmd.ProcessState.ExitCode()
	switch {
	case hearing != nil:
		return hearing
	case dead.Load():
		b.killed++
	case code != 0 && !slices.Contains(later, code):
		return fmt.Errorf("chat listen has ended with %d: %s", code, said.String())
	}
	return nil
}

// hear handles what comes until the process has ended, or all is handled. What is in
// the pipe of a bot that acks by hand when it dies was never handled; what a command
// has taken was.
func (b *bot) hear(out *bufio.Reader, in io.Writer, fate int, kill func(), dead *atomic.Bool) error {
	for given := 1; !b.byHand || !dead.Load(); given++ {
		line, err := out.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var m client.Message
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			return fmt.Errorf("said %q: %w", line, err)
		}
		if err := b.handle(m, given == 1); err != nil {
			return err
		}
		over := b.last == b.messages && fate == 0
		if b.byHand && (over || b.random.IntN(10) == 0) {
			fmt.Fprintln(in, m.Cursor) // fails when the process is dead
		}
		switch {
		case given == fate, fate > 0 && b.last == b.messages:
			time.AfterFunc(time.Duration(b.random.IntN(int(maxGrace))), kill)
		case over && !b.byHand:
			kill()
		case over:
			return nil
		}
	}
	return nil
}

// handle notes a message: the next, or, at the beginning of a life, one that was
// given before, and then those behind it.
func (b *bot) handle(m client.Message, first bool) error {
	n := number(m.Text)
	switch {
	case m.Type != client.TypeText || m.Text != (stream{sender(0), b.chat.name}).text(n):
		return fmt.Errorf("lost: in the place of message %d comes one of type %q", b.last+1, m.Type)
	case first && n > b.last+1, !first && n > b.before+1:
		return fmt.Errorf("skipped: behind message %d comes %d", b.last, n)
	case !first && n != b.before+1:
		return fmt.Errorf("out of order: behind message %d comes %d", b.before, n)
	}
	b.before = n
	if n <= b.last {
		b.repeats++
		return nil
	}
	b.last = n
	b.did(n)
	return nil
}

// rests checks that nothing comes for ever: what was not acked when the last process
// was killed comes once more.
func (b *bot) rests(ctx context.Context) error {
	for _, most := range []int{b.again, 0} {
		cmd := b.chat.run("listen", "--json", "--consumer", b.name, "--timeout", endTime.String())
		stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
		out, err := cmd.Output()
		stop()
		if n := strings.Count(string(out), "\n"); n > most {
			return fmt.Errorf("%d messages come again that were acked", n)
		}
		if code := cmd.ProcessState.ExitCode(); code != exitTimeout {
			return fmt.Errorf("chat listen has ended with %d: %w", code, err)
		}
	}
	return nil
}

const (
	// maxLife is the longest life of a bot that dies by the clock: some die before
	// they have come up.
	maxLife = 150 * time.Millisecond
	// maxGrace is how long one lives on that dies by the count: its death falls on
	// any part of what is done for a message.
	maxGrace = 20 * time.Millisecond
	// exitTimeout is the code of a chat listen whose time is over.
	exitTimeout = 9
)
