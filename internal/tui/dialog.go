package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
)

// dialog is what stands over the page and asks for an answer first.
type dialog interface {
	// press takes a key. A dialog that is done gives what follows, or nil.
	press(k tea.KeyPressMsg) (then action, done bool)
	// paste takes pasted text, cleaned and in one line.
	paste(line string)
	// render gives the framed box, at most width by height, and the cursor in it.
	render(lk *look, width, height int) ([]string, *tea.Cursor)
	// hints are the keys that it takes.
	hints() []key.Binding
}

// action is what follows from a dialog. It runs in Update.
type action func(*model) tea.Cmd

// choice asks which of a few things to do.
type choice struct {
	keys    *keyMap
	title   string
	body    func(lk *look, width, height int) []string
	options []option
	at      int // the chosen option
	row     int // the line of the buttons, as of the last render

	// insist is what the key that brought the dialog does when it comes again,
	// where that is not to close it.
	insist action
}

type option struct {
	label string // its first letter chooses it
	tone  tone
	then  action
}

// tone says what a button does to its reader's world.
type tone int

const (
	plain tone = iota
	good
	bad
)

func (lk *look) tone(t tone) lipgloss.Style {
	return [...]lipgloss.Style{plain: lk.Text, good: lk.Good, bad: lk.Bad}[t]
}

// button shows a label with its key marked.
func (lk *look) button(o option, chosen bool) string {
	style := lk.tone(o.tone)
	if chosen {
		style = lk.Chosen.Inherit(style)
	}
	return style.Render(" ") + lk.Letter.Inherit(style).Render(o.label[:1]) + style.Render(o.label[1:]+" ")
}

func (c *choice) press(k tea.KeyPressMsg) (action, bool) {
	switch {
	case c.insist != nil && key.Matches(k, c.keys.Clear):
		return c.insist, true
	case key.Matches(k, c.keys.Close):
		return nil, true
	case key.Matches(k, c.keys.Choose):
		return c.options[c.at].then, true
	case key.Matches(k, c.keys.Left):
		c.at = (c.at + len(c.options) - 1) % len(c.options)
	case key.Matches(k, c.keys.Right):
		c.at = (c.at + 1) % len(c.options)
	default:
		for _, o := range c.options {
			if k.Text != "" && strings.EqualFold(k.Text, o.label[:1]) {
				return o.then, true
			}
		}
	}
	return nil, false
}

func (c *choice) paste(string) {}

// hints names the letters first: where there is little room, the arrows are
// what can be guessed.
func (c *choice) hints() []key.Binding {
	var hints []key.Binding
	for _, o := range c.options {
		label := strings.ToLower(o.label)
		hints = append(hints, bind(label[:1], label, label[:1]))
	}
	return append(hints, c.keys.Close, bind("arrows", "choose", "left"), bind("enter", "do it", "enter"))
}

func (c *choice) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	width = min(width-4, 60)
	var buttons string
	for i, o := range c.options {
		buttons += lk.button(o, i == c.at) + " "
	}
	body := c.body(lk, width, height-3)
	body = body[:min(len(body), max(height-3, 1))] // the buttons stay
	if len(body)+4 <= height {
		body = append(body, "")
	}
	if len(body)+4 <= height {
		body = append([]string{""}, body...)
	}
	c.row = len(body) + 1
	return lk.box(lk.Box, c.title, "", append(body, buttons), width), nil
}

// maxListed is how many lines of a list are shown: what is further down is found
// by letters.
const maxListed = 16

// inView says which of n lines of a list are shown, with one that is chosen in
// their middle.
func inView(at, room, n int) (from, to int) {
	from = max(min(at-room/2, n-room), 0)
	return from, min(from+room, n)
}

// field is one line to write into.
func field(prompt, placeholder string, limit int) textinput.Model {
	f := textinput.New()
	f.Prompt, f.Placeholder, f.CharLimit = prompt, placeholder, limit
	f.SetVirtualCursor(false)
	f.KeyMap.Paste.Unbind() // runs programs of the system's clipboard
	return f
}

// dressed gives a field our styles and a width.
func dressed(f textinput.Model, lk *look, width int) textinput.Model {
	s := textinput.StyleState{Text: lk.Text, Placeholder: lk.Placeholder, Prompt: lk.Dim, Suggestion: lk.Dim}
	f.SetStyles(textinput.Styles{Focused: s, Blurred: s, Cursor: textinput.CursorStyle{
		Color: lk.Cursor, Shape: tea.CursorBar, Blink: true,
	}})
	f.SetWidth(max(width-lk.cells.StringWidth(f.Prompt)-1, 1))
	return f
}

// cursorIn moves a field's cursor into a box at line y of its content.
func cursorIn(f textinput.Model, y int) *tea.Cursor {
	c := f.Cursor()
	if c != nil {
		c.X, c.Y = c.X+2, y+1
	}
	return c
}

// jump finds a conversation by some of its letters.
type jump struct {
	keys  *keyMap
	who   *roster
	names []string
	list  narrowing
	input textinput.Model
	at    int

	from, to int // the names on screen, as of the last render
}

func newJump(keys *keyMap, who *roster) *jump {
	names := who.recent()
	j := &jump{keys: keys, who: who, names: names, list: narrow(names), input: field("", "some letters of a name", 64)}
	j.input.Focus()
	return j
}

func (j *jump) press(k tea.KeyPressMsg) (action, bool) {
	fit := j.list.to(j.input.Value())
	switch {
	case key.Matches(k, j.keys.Close):
		return nil, true
	case key.Matches(k, j.keys.Choose):
		return j.enter(fit)
	case k.String() == "up" || k.String() == "shift+tab":
		j.at = max(j.at-1, 0)
	case k.String() == "down" || k.String() == "tab" || key.Matches(k, j.keys.Jump):
		j.at = min(j.at+1, max(len(fit)-1, 0))
	default:
		j.input, _ = j.input.Update(k)
		j.at = 0
	}
	return nil, false
}

// enter opens the conversation that is chosen.
func (j *jump) enter(fit []int) (action, bool) {
	if j.at >= len(fit) {
		return nil, true
	}
	name := j.names[fit[j.at]]
	return func(m *model) tea.Cmd { m.open(name); return nil }, true
}

func (j *jump) paste(line string) {
	j.input, _ = j.input.Update(tea.PasteMsg{Content: line})
	j.at = 0
}

func (j *jump) hints() []key.Binding {
	return []key.Binding{bind("arrows", "choose", "up"), bind("enter", "open", "enter"), j.keys.Close}
}

func (j *jump) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	width = min(width-4, 44)
	input := dressed(j.input, lk, width)
	lines := []string{input.View(), ""}
	names := j.list.to(j.input.Value())
	room := min(max(height-4, 1), maxListed)
	j.from, j.to = inView(j.at, room, len(names))
	for i := j.from; i < j.to; i++ {
		c := j.who.get(j.names[names[i]])
		lines = append(lines, lk.contactRow(c, i == j.at, width, false))
	}
	if len(names) == 0 {
		lines = append(lines, lk.Dim.Render("nobody of that name"))
	}
	for len(lines) < min(room, 10)+2 {
		lines = append(lines, "")
	}
	return lk.box(lk.Box, "Jump to", "", lines, width), cursorIn(input, 0)
}
