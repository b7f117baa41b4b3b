package tui

import (
	"fmt"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// requestDialog asks what to do about somebody's request. It begins at
// "Later", so that a key pressed in haste decides nothing.
func (m *model) requestDialog(c client.Contact) *choice {
	name := c.Name
	return &choice{
		keys: &m.keys, title: "A request from " + name,
		body: func(lk *look, width, height int) []string { return lk.request(c, width, height) },
		options: []option{
			{"Later", plain, nil},
			{"Accept", good, func(m *model) tea.Cmd { return m.jobs.accept(name) }},
			{"Reject", bad, func(m *model) tea.Cmd { return m.jobs.reject(name) }},
			{"Block", bad, func(m *model) tea.Cmd { return m.jobs.block(name) }},
		},
	}
}

// request shows who asks, with their words and the fingerprint of their key.
// Where there is little room their words give way, never the fingerprint.
func (lk *look) request(c client.Contact, width, height int) []string {
	foot := lk.fingerprint("Their fingerprint. Compare it over another way before you trust it:", c.Fingerprint, width)
	var note []string
	if c.Note != "" {
		for _, l := range wrap(lk.cells, c.Note, width-2) {
			note = append(note, lk.Accent.Render(lk.Bar)+" "+c.Note[l.from:l.to])
		}
	}
	if len(note) > 0 && len(note)+1+len(foot) <= height {
		note = append(note, "")
	}
	if room := max(height-len(foot), 0); len(note) > room {
		note = note[:room]
		if room > 0 {
			note[room-1] = lk.Accent.Render(lk.Bar) + " " + lk.Dim.Render(lk.More)
		}
	}
	return append(note, foot...)
}

// fingerprint shows one, in two halves where it does not fit.
func (lk *look) fingerprint(label, print string, width int) []string {
	lines := lk.wrapped(label, lk.Dim.Render, width)
	if half := len(print)/2 + 1; len(print) > width && len(print) > 2 {
		return append(lines, lk.Accent.Render(lk.cut(print[:half], width)), lk.Accent.Render(lk.cut(print[half:], width)))
	}
	return append(lines, lk.Accent.Render(print))
}

func (m *model) blockDialog(name string) *choice {
	return &choice{
		keys: &m.keys, title: "Block " + name + "?",
		body: func(lk *look, width, _ int) []string {
			return lk.wrapped("Nothing more from them reaches you. They get no notice, but their next message is refused, as to somebody who is not a contact. What you have said to each other stays in your history.", lk.Text.Render, width)
		},
		options: []option{
			{"Keep", plain, nil},
			{"Block", bad, func(m *model) tea.Cmd { return m.jobs.block(name) }},
		},
	}
}

// quitDialog asks before leaving. Whoever presses ctrl+c once more means it.
func (m *model) quitDialog() *choice {
	return &choice{
		keys: &m.keys, title: "Quit?", insist: (*model).quit,
		body: func(lk *look, width, _ int) []string {
			lines := lk.wrapped("What others send meanwhile waits for you at the relay.", lk.Text.Render, width)
			if n := m.unsent(); n > 0 && m.lost == "" {
				lines = append(lines, lk.wrapped(plural(n, "text", "texts")+" that you have written and not sent will be here when you come back.", lk.Text.Render, width)...)
			}
			return lines
		},
		options: []option{{"Yes, quit", plain, (*model).quit}, {"No, stay", plain, nil}},
	}
}

// alarmDialog shows the whole of what the banner has no room for.
func (m *model) alarmDialog(text string, dismissible bool) *choice {
	c := &choice{
		keys: &m.keys, title: "Attention",
		body:    func(lk *look, width, _ int) []string { return lk.wrapped(text, lk.Text.Render, width) },
		options: []option{{"Close", plain, nil}},
	}
	if dismissible {
		c.options = []option{{"Seen", plain, func(m *model) tea.Cmd { m.notices.dismiss(); return nil }}, {"Keep", plain, nil}}
	}
	return c
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// form asks for two lines.
type form struct {
	keys   *keyMap
	title  string
	verb   string // what enter does at last
	lead   string
	fields [2]textinput.Model
	at     int
	done   func(first, second string) action // the first is not empty
}

func newForm(keys *keyMap, title, verb, lead string, first, second textinput.Model, done func(first, second string) action) *form {
	f := &form{keys: keys, title: title, verb: verb, lead: lead, fields: [2]textinput.Model{first, second}, done: done}
	f.fields[0].Focus()
	return f
}

func newConnectForm(keys *keyMap) *form {
	return newForm(keys, "Ask somebody to talk", "ask", "They see your name, your note and your fingerprint, and accept or not.",
		field("Name  ", "as they log in with", 32), field("Note  ", "who you are; may be empty", client.MaxNote),
		func(name, note string) action {
			return func(m *model) tea.Cmd { return m.connect(name, note) }
		})
}

func (f *form) press(k tea.KeyPressMsg) (action, bool) {
	switch {
	case key.Matches(k, f.keys.Close):
		return nil, true
	case k.String() == "tab" || k.String() == "shift+tab" || k.String() == "up" || k.String() == "down",
		key.Matches(k, f.keys.Choose) && f.at == 0 && f.fields[0].Value() != "":
		f.fields[f.at].Blur()
		f.at = 1 - f.at
		f.fields[f.at].Focus()
	case key.Matches(k, f.keys.Choose):
		if f.fields[0].Value() == "" {
			return nil, false
		}
		return f.done(f.fields[0].Value(), f.fields[1].Value()), true
	default:
		f.fields[f.at], _ = f.fields[f.at].Update(k)
	}
	return nil, false
}

func (f *form) paste(line string) {
	f.fields[f.at], _ = f.fields[f.at].Update(tea.PasteMsg{Content: line})
}

func (f *form) hints() []key.Binding {
	return []key.Binding{bind("enter", "next, "+f.verb, "enter"), bind("tab", "other field", "tab"), f.keys.Close}
}

func (f *form) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	width = min(width-4, 60)
	var lines []string
	if height > 8 {
		lines = append(lines, "")
		lines = append(lines, lk.wrapped(f.lead, lk.Dim.Render, width)...)
		lines = append(lines, "")
	}
	y := len(lines) + f.at
	for i := range f.fields {
		lines = append(lines, dressed(f.fields[i], lk, width).View())
	}
	return lk.box(lk.Box, f.title, "", lines, width), cursorIn(dressed(f.fields[f.at], lk, width), y)
}
