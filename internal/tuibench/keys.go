package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/charmbracelet/x/vt"

	"secure-messaging/internal/figures"
	"secure-messaging/internal/stage"
)

const (
	typingPause = 60 * time.Millisecond // of a fast typist
	repeatPause = 33 * time.Millisecond // of a held key

	// wave is how many letters are written before they are taken back.
	wave = 24
)

// stroke is the nth key of the composer: letters, and then as many backspaces.
func stroke(n int) string {
	if n%(2*wave) < wave {
		return letter(n)
	}
	return "\x7f"
}

func letter(n int) string { return string(rune('a' + n%26)) }

// echoed is the screen after the nth key: the cursor is where it belongs, behind
// the last letter that stands, and before nothing. left is where the composer
// begins.
func echoed(left, n int) func(*vt.Emulator) bool {
	at := n % (2 * wave)
	length, last := at+1, n
	if at >= wave {
		length = 2*wave - 1 - at
		last = n - at + length - 1
	}
	return func(e *vt.Emulator) bool {
		pos := e.CursorPosition()
		if pos.X != left+length {
			return false
		}
		if length == 0 { // the invitation is back
			return cell(e, pos.X, pos.Y) != " "
		}
		return cell(e, pos.X-1, pos.Y) == letter(last) && cell(e, pos.X, pos.Y) == " "
	}
}

func cell(e *vt.Emulator, x, y int) string {
	if c := e.CellAt(x, y); c != nil && c.Width > 0 {
		return c.Content
	}
	return " "
}

// left is where the composer begins, once the cursor is in it. It is empty.
func (w *world) left(ctx context.Context) (x int, err error) {
	_, err = w.until(ctx, "the cursor in an empty composer", func(e *vt.Emulator) bool {
		pos := e.CursorPosition()
		x = pos.X
		return cell(e, x, pos.Y)+cell(e, x+1, pos.Y)+cell(e, x+2, pos.Y) == w.invitation()[:3]
	})
	return x, err
}

// typing measures keys in the composer.
func (w *world) typing(ctx context.Context) ([]figures.Row, error) {
	left, err := w.left(ctx)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for n := range w.keys {
		if err := w.pause(ctx, typingPause); err != nil {
			return nil, err
		}
		pressed, err := w.screen.Type(stroke(n))
		if err != nil {
			return nil, err
		}
		at, err := w.until(ctx, "a key", echoed(left, n))
		if err != nil {
			return nil, err
		}
		took = append(took, at.Sub(pressed))
	}
	if err := w.clear(ctx); err != nil {
		return nil, err
	}
	return []figures.Row{figures.Timed("a key", took, figures.Below(figures.Sort(took).At(0.5), keyGoal, "median"))}, nil
}

// clear empties the composer with a key that does so whatever is in it.
func (w *world) clear(ctx context.Context) error {
	var empty bool
	w.screen.Look(func(e *vt.Emulator) { empty = shows(w.invitation())(e) })
	if empty {
		return nil
	}
	if _, err := w.screen.Type("\x03"); err != nil {
		return err
	}
	_, err := w.until(ctx, "an empty composer", shows(w.invitation()))
	return err
}

// scrolling measures page up, and comes back.
func (w *world) scrolling(ctx context.Context) ([]figures.Row, error) {
	repeated, err := w.pages(ctx, w.keys, repeatPause)
	if err != nil {
		return nil, err
	}
	rows := []figures.Row{figures.Timed("page up", repeated, figures.Below(figures.Sort(repeated).At(0.5), keyGoal, "median"))}
	all, err := w.pages(ctx, w.messages, 0)
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		rows = append(rows, figures.Timed("page up, on to the first message", all, figures.Below(figures.Sort(all).At(0.5), keyGoal, "median")))
	}
	if _, err := w.screen.Type("\x1b"); err != nil {
		return nil, err
	}
	_, err = w.until(ctx, "the latest message", shows(fmt.Sprintf("no. %06d", w.messages)))
	return rows, err
}

// pages presses page up, at most n times, or until the first message is on the
// screen.
func (w *world) pages(ctx context.Context, n int, pause time.Duration) (took []time.Duration, err error) {
	var top int
	w.screen.Look(func(e *vt.Emulator) { top = topmost(e) })
	for top > 1 && len(took) < n {
		if err := w.pause(ctx, pause); err != nil {
			return nil, err
		}
		before := top
		pressed, err := w.screen.Type("\x1b[5~")
		if err != nil {
			return nil, err
		}
		at, err := w.until(ctx, fmt.Sprintf("a message before no. %06d", before), func(e *vt.Emulator) bool {
			top = topmost(e)
			return top > 0 && top < before
		})
		if err != nil {
			return nil, err
		}
		took = append(took, at.Sub(pressed))
	}
	return took, nil
}

var number = regexp.MustCompile(`no\. (\d{6})`)

// topmost is the number of the first message on the screen, or 0.
func topmost(e *vt.Emulator) int {
	for y := range e.Height() {
		if found := number.FindStringSubmatch(stage.Row(e, y)); found != nil {
			n, _ := strconv.Atoi(found[1]) // six digits
			return n
		}
	}
	return 0
}
