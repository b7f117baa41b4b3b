// Command tuibench measures the terminal interface as its user meets it.
//
//	go run ./internal/tuibench [-messages 100000] [-keys 500] [-burst 10000] [-contacts 20] [-idle 30s]
//
// Both programs are built from this source and run as processes. The client
// runs in a pseudo-terminal whose other end is an emulator; the relay is on
// loopback and has no limits, because one friend alone sends the burst. All lies
// in a temporary folder that goes with it.
//
// The conversation's past is written into the profile before the client opens
// it. A time ends when the output has been read from the pseudo-terminal that
// brings the screen into the wanted state: what a terminal then takes to paint
// it comes on top. Keys come at uneven intervals, so that they fall on every
// part of the interval at which the client draws. The load, the relay and the
// emulator run on the same machine and take processor time from the client.
//
// # What is measured
//
// first screen: from the carriage return of the passphrase to the first screen
// that has the people, the latest message and the line to write in. The profile
// is sealed with the least that a key file admits. Below it, the same for a
// profile sealed as new ones are, and what argon2id alone costs in a process of
// its own; the goal counts for the difference of the two, too.
//
// a key: from a letter, or a backspace, to the cursor and the letter on the
// screen.
//
// page up: from the key to an earlier message at the top of the screen; first
// at the rate at which a held key repeats, then as fast as the screen follows,
// to the first message of all.
//
// a key while n messages come in: a friend has written them while not connected,
// and now connects, in a process of its own. A key is pressed every 50 ms until
// the last of them is on the screen.
//
// idle: processor time while nothing happens, as a part of one processor, and
// resident memory after everything.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"secure-messaging/internal/figures"
	"secure-messaging/internal/stage"
)

// limit bounds a run; the whole of it takes a few minutes.
const limit = 20 * time.Minute

// config is what the flags say.
type config struct {
	messages int           // of the past
	keys     int           // that are pressed for a figure
	burst    int           // messages that come in at once
	contacts int           // beside the friend
	openings int           // of the client, for the first screen
	idle     time.Duration // without a key
	cols     int
	rows     int
}

func main() {
	if stage.Stretching() {
		return
	}
	var c config
	flag.IntVar(&c.messages, "messages", 100_000, "messages of history in the open conversation")
	flag.IntVar(&c.keys, "keys", 500, "keys that are pressed for each figure")
	flag.IntVar(&c.burst, "burst", 10_000, "messages that come in at once")
	flag.IntVar(&c.contacts, "contacts", 20, "contacts beside the friend")
	flag.IntVar(&c.openings, "openings", 7, "how often the first screen is waited for")
	flag.DurationVar(&c.idle, "idle", 30*time.Second, "for how long nothing is done")
	flag.IntVar(&c.cols, "cols", 100, "width of the terminal")
	flag.IntVar(&c.rows, "rows", 30, "height of the terminal")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, c, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tuibench:", err)
		os.Exit(1)
	}
}

// run measures everything in a folder of its own, and prints the table.
func run(ctx context.Context, c config, out io.Writer) (err error) {
	if c.messages < 1 || c.keys < 1 || c.burst < 1 || c.contacts < 0 || c.openings < 1 || c.cols < 60 || c.rows < 20 {
		return errors.New("messages, keys, burst and openings are at least 1, the terminal at least 60 by 20")
	}
	dir, err := os.MkdirTemp("", "tuibench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	house, err := stage.Open(ctx, dir, stage.Anywhere)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	w, err := newWorld(ctx, c, house)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	var rows []figures.Row
	for _, measure := range []func(context.Context) ([]figures.Row, error){w.first, w.typing, w.scrolling, w.bursting, w.idling} {
		more, err := measure(ctx)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	return figures.Print(out, rows)
}
