// Command sendbench measures chat send as a script meets it.
//
//	go run ./internal/sendbench [-row 1000] [-once 50] [-alone 15]
//
// Both programs are built from this source and run as processes; the relay is on
// loopback and has no limits, because one person alone sends all. The recipient
// is connected, in this process. All lies in a temporary folder that goes with it.
// A time is from before the fork of chat send to after its exit, with the
// message on the relay's disk or handed on (--wait stored, the default).
//
// # What is measured
//
// with an agent, one by one: while chat agent holds the profile, one command
// after the other. They have to arrive in that order.
//
// with an agent, at once: as many commands at the same time; all have to arrive.
// The time is that of all together.
//
// alone: nobody holds the profile, so each command takes the passphrase, which
// costs what it does in life, opens the profile, connects and leaves. What
// argon2id alone costs is measured in processes of this program, in turn with
// those; the goal counts for the difference of the medians.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"secure-messaging/internal/figures"
	"secure-messaging/internal/stage"
)

// limit bounds a run; the whole of it takes a minute.
const limit = 10 * time.Minute

// The goals.
const (
	attachedGoal = 30 * time.Millisecond  // nobody waits for a script that is this quick
	aloneGoal    = 150 * time.Millisecond // beside argon2id, which is there to be slow
)

// config is what the flags say.
type config struct{ row, once, alone int }

func main() {
	if stage.Stretching() {
		return
	}
	var c config
	flag.IntVar(&c.row, "row", 1000, "commands one after the other")
	flag.IntVar(&c.once, "once", 50, "commands at the same time")
	flag.IntVar(&c.alone, "alone", 15, "commands that have to open the profile")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "sendbench:", err)
		os.Exit(1)
	}
}

// run measures everything in a folder of its own, and prints the table.
func run(ctx context.Context, c config) (err error) {
	if c.row < 1 || c.once < 1 || c.alone < 1 {
		return errors.New("row, once and alone are at least 1")
	}
	dir, err := os.MkdirTemp("", "sendbench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	house, err := stage.Open(ctx, dir, stage.Anywhere)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	w, err := newWorld(ctx, house)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.bob.Close(0)) }()
	row, once, err := w.attached(ctx, c)
	if err != nil {
		return err
	}
	alone, argon, err := w.alone(ctx, c)
	if err != nil {
		return err
	}
	rest := median(alone) - median(argon)
	err = figures.Print(os.Stdout, []figures.Row{
		figures.Timed("with an agent, one by one", row, figures.Below(median(row), attachedGoal, "median")),
		figures.Timed(fmt.Sprintf("with an agent, %d at once", c.once), []time.Duration{once}, "all arrived"),
		figures.Timed("alone", alone, ""),
		figures.Timed("argon2id", argon, ""),
		{Name: "alone, without argon2id", Cells: [4]string{"", figures.Milli(rest)}, Goal: figures.Below(rest, aloneGoal, "difference of the medians")},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d in a row arrived in order\n", c.row)
	return nil
}

func median(took []time.Duration) time.Duration { return figures.Sort(took).At(0.5) }
