package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/charmbracelet/x/vt"

	"secure-messaging/internal/figures"
	"secure-messaging/internal/procusage"
	"secure-messaging/internal/stage"
	"secure-messaging/pkg/client"
)

const (
	// beat is between two keys during a burst.
	beat = 50 * time.Millisecond

	// hands is how many write the burst at the same time, so that the friend's
	// store can write many of them together.
	hands = 64

	lastOfBurst = "that was the last of them"
)

// bursting measures keys while a friend's messages come in.
func (w *world) bursting(ctx context.Context) (rows []figures.Row, err error) {
	friend, err := w.house.Back(ctx, w.friend)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(write(ctx, friend, w.burst), friend.Close(0)); err != nil {
		return nil, err
	}
	left, err := w.left(ctx)
	if err != nil {
		return nil, err
	}
	k := &keyboard{w: w, left: left}
	all := make(chan struct{})
	typed := make(chan error, 1)
	began := time.Now()
	end, err := w.connect()
	if err != nil {
		return nil, err
	}
	defer end()
	go func() { typed <- k.play(ctx, all) }()
	_, err = w.until(ctx, "the last message of a burst", shows(lastOfBurst))
	took := time.Since(began)
	close(all)
	if err = errors.Join(err, <-typed); err != nil {
		return nil, err
	}
	if err := w.clear(ctx); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("a key while %d messages come in, %.1f s", w.burst, took.Seconds())
	return []figures.Row{figures.Timed(name, k.took, figures.Below(figures.Sort(k.took).At(1), burstGoal, "longest"))}, nil
}

// connect lets the friend's client send what waits, in a process of its own,
// until end is called. In life it would not run on this machine; where there is
// nice, it leaves the processor to those who do.
func (w *world) connect() (end func(), err error) {
	secret := filepath.Join(w.house.Dir, "passphrase")
	if err := os.WriteFile(secret, []byte(stage.Passphrase+"\n"), 0o600); err != nil {
		return nil, err
	}
	cmd := w.house.Chat("listen", "--as", w.friend.Name, "--passphrase-file", secret)
	if nice, err := exec.LookPath("nice"); err == nil {
		cmd.Path, cmd.Args = nice, append([]string{"nice", cmd.Path}, cmd.Args[1:]...)
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		cmd.Process.Kill()
		cmd.Wait() // says that it was killed
	}, nil
}

// write lets an account that is not connected write n messages. One comes last.
func write(ctx context.Context, from client.Account, n int) error {
	var wg sync.WaitGroup
	errs := make([]error, hands)
	for h := range hands {
		wg.Go(func() {
			for i := h; i < n-1 && errs[h] == nil; i += hands {
				_, errs[h] = from.Send(ctx, me, stage.Numbered(i))
			}
		})
	}
	wg.Wait()
	_, err := from.Send(ctx, me, lastOfBurst)
	return errors.Join(errors.Join(errs...), err)
}

// keyboard presses keys by the clock, whatever the screen shows.
type keyboard struct {
	w    *world
	left int // where the composer begins
	took []time.Duration

	mu      sync.Mutex
	pressed []time.Time // guarded by mu
	last    bool        // no further key will be pressed; guarded by mu
}

// play presses a key at every beat, and one when all is over, and waits for the
// echo of the last.
func (k *keyboard) play(ctx context.Context, over <-chan struct{}) error {
	beats := time.NewTicker(beat)
	defer beats.Stop()
	heard := make(chan error, 1)
	go func() { heard <- k.listen(ctx) }()
	for last := false; ; {
		if err := k.press(last); err != nil || last {
			return errors.Join(err, <-heard)
		}
		select {
		case <-beats.C:
		case <-over:
			last = true
		case err := <-heard: // there is nothing to hear any more
			return err
		}
	}
}

func (k *keyboard) press(last bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, err := k.w.screen.Type(stroke(len(k.pressed)))
	k.pressed, k.last = append(k.pressed, at), last
	return err
}

// listen notes when each key is on the screen. Where two come to be on it
// together, the later one's state is what is seen, and counts for both.
func (k *keyboard) listen(ctx context.Context) error {
	_, err := k.w.until(ctx, "the keys that were pressed", func(e *vt.Emulator) bool {
		now := time.Now()
		k.mu.Lock()
		defer k.mu.Unlock()
		for n := len(k.took); n < len(k.pressed); n++ {
			if !echoed(k.left, n)(e) {
				continue
			}
			for len(k.took) <= n {
				k.took = append(k.took, now.Sub(k.pressed[len(k.took)]))
			}
			break
		}
		return k.last && len(k.took) == len(k.pressed)
	})
	return err
}

// idling measures what the client costs while nothing happens.
func (w *world) idling(ctx context.Context) ([]figures.Row, error) {
	pid := w.screen.Cmd.Process.Pid
	before, err := procusage.Of(pid)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := w.pause(ctx, w.idle); err != nil {
		return nil, err
	}
	elapsed := time.Since(began)
	after, err := procusage.Of(pid)
	if err != nil {
		return nil, err
	}
	rows := []figures.Row{
		{Name: "resident memory, MiB", Cells: [4]string{"", fmt.Sprintf("%.0f", float64(after.RSS)/(1<<20)), "", fmt.Sprintf("%.0f", float64(after.Peak)/(1<<20))}},
	}
	if w.idle > 0 {
		part := 100 * (after.CPU - before.CPU).Seconds() / elapsed.Seconds()
		rows = append(rows, figures.Row{Name: "idle, per cent of a processor", Cells: [4]string{"", fmt.Sprintf("%.2f", part)}, Goal: figures.Verdict(part < idleGoal, fmt.Sprintf("< %.0f", idleGoal))})
	}
	return rows, nil
}
