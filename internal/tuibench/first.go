package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/vt"

	"secure-messaging/internal/figures"
	"secure-messaging/internal/stage"
)

// first measures the first screen, and leaves the client open.
func (w *world) first(ctx context.Context) ([]figures.Row, error) {
	own, err := w.openMany(ctx, me, w.messages)
	if err != nil {
		return nil, err
	}
	real, err := w.openMany(ctx, costly, min(w.messages, fewMessages))
	if err != nil {
		return nil, err
	}
	argon, err := w.stretches(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := w.open(ctx, me, w.messages, w.invitation()); err != nil {
		return nil, err
	}
	median := figures.Sort(own).At(0.5)
	rest := figures.Sort(real).At(0.5) - figures.Sort(argon).At(0.5)
	return []figures.Row{
		figures.Timed("first screen", own, figures.Below(median, firstGoal, "median")),
		figures.Timed("first screen of a real passphrase", real, ""),
		figures.Timed("argon2id of a real passphrase", argon, ""),
		{Name: "first screen without argon2id", Cells: [4]string{"", figures.Milli(rest)}, Goal: figures.Below(rest, firstGoal, "median")},
	}, nil
}

// openMany opens the client again and again, and closes it.
func (w *world) openMany(ctx context.Context, name string, last int) (took []time.Duration, err error) {
	for range w.openings {
		d, err := w.open(ctx, name, last, w.invitation())
		if err != nil {
			return nil, err
		}
		took = append(took, d)
		if err := w.leave(ctx); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// open starts the client, and returns how long its first screen took from the
// passphrase on. Something stands in the composer: a draft, or the invitation.
func (w *world) open(ctx context.Context, name string, last int, written string) (took time.Duration, err error) {
	w.screen, err = stage.Start(w.house.Chat("login", name), w.cols, w.rows)
	if err != nil {
		return 0, err
	}
	if _, err = w.until(ctx, "the question for the passphrase", shows("Passphrase of "+name)); err != nil {
		return 0, err
	}
	began, err := w.screen.Type(stage.Passphrase + "\r")
	if err != nil {
		return 0, err
	}
	ended, err := w.until(ctx, "the latest message", shows(name+"@", fmt.Sprintf("no. %06d", last), written))
	return ended.Sub(began), err
}

// leave quits the client as its user does.
func (w *world) leave(ctx context.Context) error {
	if _, err := w.screen.Type("\x03"); err != nil {
		return err
	}
	if _, err := w.until(ctx, "the question whether to quit", shows("Quit?")); err != nil {
		return err
	}
	if _, err := w.screen.Type("y"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	code, err := w.screen.Ended(ctx)
	if err == nil && code != 0 {
		err = fmt.Errorf("chat has ended with %d:\n%s", code, w.screen.Text())
	}
	if err != nil {
		return err
	}
	err = w.screen.Close()
	w.screen = nil
	return err
}

// shows is a state of the screen in which all the texts are on it.
func shows(texts ...string) func(*vt.Emulator) bool {
	return func(e *vt.Emulator) bool {
		now := stage.Text(e)
		for _, t := range texts {
			if !strings.Contains(now, t) {
				return false
			}
		}
		return true
	}
}

// stretches measures what a passphrase costs.
func (w *world) stretches(ctx context.Context) (took []time.Duration, err error) {
	for range w.openings {
		d, err := stage.Stretch(ctx)
		if err != nil {
			return nil, err
		}
		took = append(took, d)
	}
	return took, nil
}
