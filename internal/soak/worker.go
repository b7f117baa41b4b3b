package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"

	"secure-messaging/pkg/client"
)

// worker is a sender or a recipient: one process after the other.
type worker struct {
	c       config
	role    string
	pair    int
	arrived chan<- struct{}
	ended   chan struct{}

	seen int // messages that a recipient has shown; owned by run

	mu     sync.Mutex
	cmd    *exec.Cmd // running
	killed bool      // by us
}

func newWorker(c config, role string, pair int, arrived chan<- struct{}) *worker {
	return &worker{c: c, role: role, pair: pair, arrived: arrived, ended: make(chan struct{})}
}

// run starts the process, again each time that it was killed, until it has
// done its work. Any other end is a failure.
func (w *worker) run(ctx context.Context, fail context.CancelCauseFunc) {
	defer close(w.ended)
	for ctx.Err() == nil {
		done, err := w.once(ctx)
		if err != nil && ctx.Err() == nil {
			fail(fmt.Errorf("%s of pair %d: %w", w.role, w.pair, err))
		}
		if done || err != nil {
			return
		}
	}
}

func (w *worker) once(ctx context.Context) (done bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	cmd := exec.CommandContext(ctx, self, "worker", w.role, w.c.dir, strconv.Itoa(w.pair), strconv.Itoa(w.c.messages), strconv.Itoa(w.seen))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	w.mu.Lock()
	w.cmd, w.killed = cmd, false
	w.mu.Unlock()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		w.seen++
		select {
		case w.arrived <- struct{}{}:
		case <-ctx.Done():
		}
	}
	err = cmd.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cmd = nil
	if w.killed {
		return false, nil
	}
	return err == nil, err
}

// kill ends the present process at once.
func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cmd != nil {
		w.killed = true
		w.cmd.Process.Kill()
	}
}

// work is the process of a worker.
func work(args []string) error {
	if len(args) != 5 {
		return errors.New("worker takes a role, a folder, a pair, a count, and how many were shown")
	}
	role, dir := args[0], args[1]
	var n [3]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(args[2+i]); err != nil {
			return err
		}
	}
	pair, count, shown := n[0], n[1], n[2]
	ctx := context.Background()
	name := recipient(pair)
	if role == "send" {
		name = sender(pair)
	}
	a, err := open(ctx, dir, name)
	if err != nil {
		return err
	}
	if err := a.Start(); err != nil {
		return err
	}
	if role == "send" {
		err = send(ctx, a, recipient(pair), count)
	} else {
		err = receive(ctx, a, count, shown)
	}
	return errors.Join(err, a.Close(0))
}

// send writes the numbers up to count, going on behind the last one that is in
// the profile, and waits until all are delivered.
func send(ctx context.Context, a client.Account, to string, count int) error {
	batch, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	last := 0
	latest, err := a.History(ctx, client.Query{Limit: 1})
	if err != nil {
		return err
	}
	for _, m := range latest {
		if last, err = strconv.Atoi(m.Text); err != nil {
			return err
		}
	}
	for n := last + 1; n <= count; n++ {
		_, err := a.Send(ctx, to, strconv.Itoa(n))
		if err != nil {
			return err
		}
	}
	return client.Await(ctx, a, &batch.Next, func([]client.Event) (bool, error) { return allDelivered(ctx, a) })
}

// allDelivered looks at the latest message first: it is the last to arrive.
func allDelivered(ctx context.Context, a client.Account) (bool, error) {
	latest, err := a.History(ctx, client.Query{Limit: 1})
	if err != nil || len(latest) == 0 || latest[0].State != client.Delivered {
		return false, err
	}
	all := true
	err = pages(ctx, a, client.FromStart, func(m client.Message) error {
		if m.State == client.Failed {
			return fmt.Errorf("message %s has failed: %s", m.Text, m.Reason)
		}
		all = all && m.State == client.Delivered
		return nil
	}, func() error { return nil })
	return all, err
}

// receive prints a line for each message behind those that were shown, until
// there are count.
func receive(ctx context.Context, a client.Account, count, shown int) error {
	batch, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	after, skip := int64(client.FromStart), shown
	return client.Await(ctx, a, &batch.Next, func([]client.Event) (bool, error) {
		err := pages(ctx, a, after, func(m client.Message) error {
			if after = m.Cursor; skip > 0 {
				skip--
				return nil
			}
			shown++
			_, err := fmt.Println(m.Text)
			return err
		}, func() error { return nil })
		return shown >= count, err
	})
}
