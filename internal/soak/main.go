// Command soak lets people write to each other through a real relay while
// processes are killed, and checks that every message is with its recipient
// exactly once, in its sender's order.
//
//	go run ./internal/soak -pairs 4 -messages 20000 -kills 20
//
// The relay is the real binary. Each person is a process of this program that
// owns a profile like chat does. Both kinds are ended with SIGKILL at random
// moments and started again on what they left. Everything is on loopback, and
// the run is bounded by -limit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

type config struct {
	pairs    int
	messages int // of each sender
	kills    int // of the relay, and as many of workers
	limit    time.Duration
	seed     uint64
	dir      string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if err := work(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	var c config
	var total int
	flag.IntVar(&c.pairs, "pairs", 2, "senders, each with a recipient of its own")
	flag.IntVar(&total, "messages", 2000, "messages in all")
	flag.IntVar(&c.kills, "kills", 4, "how often the relay is killed, and how often a sender or recipient")
	flag.DurationVar(&c.limit, "limit", 5*time.Minute, "the longest that the run may take")
	flag.Uint64Var(&c.seed, "seed", uint64(time.Now().UnixNano()), "of the random choices")
	flag.Parse()
	c.messages = total / c.pairs
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config) (err error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	if c.dir, err = os.MkdirTemp("", "soak-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	fmt.Printf("seed %d: %d pairs, %d messages each, %d kills of the relay and %d of others\n", c.seed, c.pairs, c.messages, c.kills, c.kills)

	relay, err := newRelay(ctx, c.dir)
	if err != nil {
		return err
	}
	defer relay.kill()
	if err := relay.start(); err != nil {
		return err
	}
	for i := range c.pairs {
		if err := introduce(ctx, c.dir, relay.server, i); err != nil {
			return fmt.Errorf("pair %d: %w", i, err)
		}
	}
	began := time.Now()
	if err := torment(ctx, c, relay); err != nil {
		return err
	}
	fmt.Printf("sent in %v; checking\n", time.Since(began).Round(time.Millisecond))
	for i := range c.pairs {
		if err := check(ctx, c, i); err != nil {
			return fmt.Errorf("pair %d: %w", i, err)
		}
	}
	fmt.Printf("ok: %d messages, each exactly once and in order\n", c.pairs*c.messages)
	return nil
}

// torment runs all workers to their end, and kills at even distances of
// progress.
func torment(ctx context.Context, c config, relay *relay) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var crew []*worker
	arrived := make(chan struct{}, 1024) // one for each message that a recipient has shown
	for i := range c.pairs {
		for _, role := range []string{"recv", "send"} {
			w := newWorker(c, role, i, arrived)
			crew = append(crew, w)
			go w.run(ctx, cancel)
		}
	}
	defer func() {
		cancel(nil)
		for _, w := range crew {
			<-w.ended
		}
	}()

	random := rand.New(rand.NewPCG(c.seed, 0))
	total, step := c.pairs*c.messages, c.pairs*c.messages/(c.kills+1)
	for shown, kills := 0, 0; shown < total; {
		select {
		case <-arrived:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if shown++; shown%step == 0 && kills < c.kills {
			kills++
			crew[random.IntN(len(crew))].kill()
			if err := relay.restart(); err != nil {
				return err
			}
		}
	}
	for _, w := range crew {
		select {
		case <-w.ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func profileDir(dir, name string) string { return filepath.Join(dir, name) }
