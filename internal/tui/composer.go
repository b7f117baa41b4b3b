package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

const (
	// maxRows is how tall the composer may grow before it scrolls.
	maxRows = 8

	// longText is the length, in bytes, from which the area is no longer as high
	// as its text: it lays its whole height out several times for each key.
	longText = 4096

	// maxPaste keeps the editor quick. Nothing longer can be sent anyway.
	maxPaste = 2 * client.MaxText

	// tellFrom is the length of text, in bytes, from which it is shown.
	tellFrom = client.MaxText * 3 / 4
)

// composer is the text that is being written.
type composer struct {
	area textarea.Model
}

func newComposer(keys *keyMap) composer {
	a := textarea.New()
	a.ShowLineNumbers = false
	a.Prompt = ""
	a.MaxWidth = 0
	// The area is as high as its text, unless that is long, and render shows a
	// part of it: its own limit would also limit what it remembers of wrapped
	// lines.
	a.MaxHeight, a.DynamicHeight, a.MinHeight = 0, true, 1
	a.SetVirtualCursor(false)
	a.KeyMap.InsertNewline = keys.Newline
	for _, b := range []*key.Binding{ // ours, or programs of the system's clipboard
		&a.KeyMap.Paste, &a.KeyMap.CopySelection, &a.KeyMap.PageUp, &a.KeyMap.PageDown,
		&a.KeyMap.UppercaseWordForward, &a.KeyMap.LowercaseWordForward, &a.KeyMap.CapitalizeWordForward,
	} {
		b.Unbind()
	}
	a.KeyMap.DeleteAfterCursor.SetKeys("alt+k")
	a.Focus()
	return composer{area: a}
}

// dress gives the area our styles; it has a background of its own otherwise.
func (c *composer) dress(lk *look) {
	s := textarea.StyleState{
		Base: lk.Text, Text: lk.Text, CursorLine: lk.Text, EndOfBuffer: lk.Text,
		Placeholder: lk.Placeholder, Prompt: lk.Text, Selection: lk.Selection,
	}
	c.area.SetStyles(textarea.Styles{Focused: s, Blurred: s, Cursor: textarea.CursorStyle{
		Color: lk.Cursor, Shape: tea.CursorBar, Blink: true,
	}})
}

func (c *composer) value() string     { return c.area.Value() }
func (c *composer) empty() bool       { return c.area.LineCount() == 1 && c.value() == "" }
func (c *composer) rows() int         { return min(c.area.Height(), maxRows) }
func (c *composer) invite(who string) { c.area.Placeholder = who }

func (c *composer) set(text string) {
	c.area.SetValue(text)
	c.update(nil)
}

// before is the text in front of the cursor.
func (c *composer) before() string {
	lines := strings.Split(c.value(), "\n")
	n := min(c.area.Line(), len(lines)-1)
	line := []rune(lines[n])
	return strings.Join(append(lines[:n:n], string(line[:min(c.area.Column(), len(line))])), "\n")
}

// insert puts text in at the cursor.
func (c *composer) insert(text string) { c.update(tea.PasteMsg{Content: text}) }

func (c *composer) resize(width int) {
	if width = max(width, 4); width != c.area.Width() {
		c.area.SetWidth(width)
		c.update(nil)
	}
}

// press takes a key.
func (c *composer) press(k tea.KeyPressMsg) { c.update(k) }

// update gives the area a message, or nil to find its place again. It has no
// commands that we use.
func (c *composer) update(msg tea.Msg) {
	c.area, _ = c.area.Update(msg)
	if long := len(c.value()) > longText; long == c.area.DynamicHeight {
		c.area.DynamicHeight = !long
		c.area.SetHeight(maxRows)
		c.area, _ = c.area.Update(nil)
	}
}

// paste takes pasted text, whose line ends some terminals send as \r. It
// returns what to tell the user when it is too much.
func (c *composer) paste(text string) string {
	if n := len(text) + len(c.value()); n > maxPaste {
		return fmt.Sprintf("With that the text would have %s. A message takes 32 KiB.", size(n))
	}
	c.insert(sanitize.Text(text))
	return ""
}

// length says how much of a message's room is used, once that matters.
func (c *composer) length() (s string, tooLong bool) {
	n := len(c.value())
	if n < tellFrom {
		return "", false
	}
	return size(n) + " of 32 KiB", n > client.MaxText
}

func size(n int) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n < 1<<10:
		return plural(n, "byte", "bytes")
	}
	if n >= 1<<20 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}

// render gives the lines around the cursor, and the cursor among them.
func (c *composer) render(rows int) ([]string, *tea.Cursor) {
	lines := strings.Split(c.area.View(), "\n")
	cursor := c.area.Cursor()
	if len(lines) <= rows || cursor == nil {
		return lines, cursor
	}
	from := min(max(cursor.Y-rows+1, 0), len(lines)-rows)
	cursor.Y -= from
	return lines[from : from+rows], cursor
}
