package tui

import (
	"fmt"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// help shows the keys, those of the place where the user is first, the commands
// and what the signs mean.
type help struct {
	keys  *keyMap
	here  []key.Binding // keys of the place; none where they are those of the page
	back  action        // leads back there; nil for the page
	typed string        // what opened it, where that may have been the beginning of a text
	from  int           // first line shown
	page  int           // lines shown, as of the last render
	all   int
}

// newHelp is the help for where the user is.
func (m *model) newHelp(typed string) *help {
	h := &help{keys: &m.keys, typed: typed}
	t := m.thread()
	switch under := m.dialog; {
	case under != nil:
		h.here, h.back = under.hints(), func(m *model) tea.Cmd { m.show(under); return nil }
	case m.chosen() != nil: // it stays picked
		h.here, h.back = m.hints(), func(*model) tea.Cmd { return nil }
	case m.commandHints() != nil, t != nil && !t.follow:
		h.here = m.hints()
	}
	return h
}

func (h *help) press(k tea.KeyPressMsg) (action, bool) {
	switch {
	case key.Matches(k, h.keys.PageUp):
		h.from -= h.page
	case key.Matches(k, h.keys.PageDown), k.String() == "space":
		h.from += h.page
	case k.String() == "up", key.Matches(k, h.keys.LineUp):
		h.from--
	case k.String() == "down", key.Matches(k, h.keys.LineDown):
		h.from++
	case h.back != nil || k.Text == "" || k.Text == "q" || k.Text == "?":
		return h.back, true
	default:
		return func(m *model) tea.Cmd { // a text is being written, and nobody asked for help
			m.composer.insert(h.typed)
			m.composer.press(k)
			return nil
		}, true
	}
	h.from = max(min(h.from, h.all-h.page), 0)
	return nil, false
}

func (h *help) paste(string) {}

func (h *help) hints() []key.Binding {
	hints := []key.Binding{bind("esc, q", "close", "esc"), bind("arrows, pgup, pgdown", "scroll", "up")}
	if h.back != nil {
		return hints
	}
	return append(hints, bind("letters", "are written", "a"))
}

// helpColumn is the width of one column of the help.
const helpColumn = 50

func (h *help) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	width = min(width-4, 2*helpColumn+2)
	var lines []string
	if width >= 2*helpColumn-10 {
		column := (width - 2) / 2
		left, right := h.keyLines(lk, column), append(h.commandLines(lk, column), h.signLines(lk, column)...)
		for i := range max(len(left), len(right)) {
			lines = append(lines, lk.pad(at(left, i), column)+"  "+at(right, i))
		}
	} else {
		lines = append(append(h.keyLines(lk, width), h.commandLines(lk, width)...), h.signLines(lk, width)...)
	}
	h.all, h.page = len(lines), max(min(height-2, len(lines)), 1)
	h.from = max(min(h.from, h.all-h.page), 0)
	foot := pressed(h.keys.Close) + " closes"
	switch more := h.all - h.from - h.page; {
	case more > 0:
		foot += fmt.Sprintf(" %s %s: %d more %s", lk.Dot, pressed(h.keys.PageDown), more, lk.Down)
	case h.from > 0:
		foot += fmt.Sprintf(" %s %s: back %s", lk.Dot, pressed(h.keys.PageUp), lk.Up)
	}
	return lk.box(lk.Box, "Help", foot, lines[h.from:h.from+h.page], width), nil
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// helpEntry sets a key or command and what it does side by side, or below each
// other where there is no room.
func (lk *look) helpEntry(name, does string, width int) []string {
	const indent = 16
	if lk.cells.StringWidth(name) < indent && width >= 2*indent {
		var lines []string
		for i, l := range lk.wrapped(does, lk.Dim.Render, width-indent-1) {
			if i > 0 {
				name = ""
			}
			lines = append(lines, lk.Key.Render(lk.pad(name, indent))+" "+l)
		}
		return lines
	}
	lines := lk.wrapped(name, lk.Key.Render, width)
	for _, l := range lk.wrapped(does, lk.Dim.Render, width-2) {
		lines = append(lines, "  "+l)
	}
	return lines
}

func (h *help) keyLines(lk *look, width int) (lines []string) {
	if len(h.here) > 0 {
		lines = append(lines, lk.Title.Render("Here"))
		for _, b := range h.here {
			lines = append(lines, lk.helpEntry(b.Help().Key, b.Help().Desc, width)...)
		}
		lines = append(lines, "")
	}
	for _, s := range h.keys.table() {
		lines = append(lines, lk.Title.Render(s.title))
		for _, r := range s.rows {
			lines = append(lines, lk.helpEntry(r.at.Help().Key, r.does, width)...)
		}
		lines = append(lines, "")
	}
	return lines
}

func (h *help) commandLines(lk *look, width int) []string {
	lines := []string{lk.Title.Render("Commands")}
	for _, c := range commands {
		lines = append(lines, lk.helpEntry(c.usage(), c.does, width)...)
	}
	return append(append(lines, lk.helpEntry("//"+lk.More, "a message that begins with a slash", width)...), "")
}

func (h *help) signLines(lk *look, width int) []string {
	lines := []string{lk.Title.Render("Signs")}
	for _, s := range []struct{ sign, means string }{
		{lk.Waiting, "waits here until the relay can be reached"},
		{lk.Stored, "at the relay, for when they are there"},
		{lk.Delivered, "on their device"},
		{lk.Read, "read, where both have receipts on"},
		{lk.Failed, "not sent; the reason stands below"},
		{lk.Timed, "goes some time after it was read: /disappear"},
		{lk.Verified + " bob", "you have compared safety numbers with them"},
		{"bob " + lk.Connected, "online, where both share it"},
		{lk.Changed + " bob", "another key is shown in their name; " + pressed(h.keys.Verify)},
	} {
		lines = append(lines, lk.helpEntry(s.sign, s.means, width)...)
	}
	lines = append(lines, "", lk.Title.Render("Mouse"))
	lines = append(lines, lk.helpEntry("wheel, click", "scroll; open a conversation, pick a message, press a button, go to a hit", width)...)
	return append(lines, lk.helpEntry("shift+drag", "select text as your terminal does (option on a Mac)", width)...)
}
