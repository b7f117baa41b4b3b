package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// suggestions are the commands that what is written may become.
func (m *model) suggestions() []command {
	text := m.composer.value()
	name, _, is := asCommand(text)
	if !is || strings.ContainsAny(text, " \n") {
		return nil
	}
	var fit []command
	for _, c := range commands {
		if strings.HasPrefix(c.name, name) {
			fit = append(fit, c)
		}
	}
	return fit
}

// suggested returns the one of the suggestions that is picked, and whether
// enter does it: what takes an argument is completed first.
func (m *model) suggested(fit []command) (c command, ready bool) {
	c = fit[min(m.picked, len(fit)-1)]
	name, _, _ := asCommand(m.composer.value())
	return c, c.args == "" || c.name == name
}

// pick takes the keys that choose among the suggestions.
func (m *model) pick(k tea.KeyPressMsg) (cmd tea.Cmd, taken bool) {
	fit := m.suggestions()
	if len(fit) == 0 {
		return nil, false
	}
	c, ready := m.suggested(fit)
	switch {
	case k.String() == "up":
		m.picked = (m.picked + len(fit) - 1) % len(fit)
	case k.String() == "down":
		m.picked = (m.picked + 1) % len(fit)
	case key.Matches(k, m.keys.Send) && ready:
		return m.execute(c.name, ""), true
	case key.Matches(k, m.keys.Send), key.Matches(k, m.keys.Complete):
		m.composer.set("/" + c.name + " ")
		m.picked = 0
	default:
		return nil, false
	}
	return nil, true
}

// popup lists the commands that what is written may become, and says what the
// one takes that is being written. Where there is little room only the picked
// one is explained, in the frame.
func (m *model) popup(l layout) []string {
	shown, picked := l.suggestion, min(m.picked, len(l.suggestion)-1)
	if name, _, is := asCommand(m.composer.value()); is && len(shown) == 0 {
		if c := known(name); c != nil && c.args != "" {
			shown, picked = []command{*c}, 0
		}
	}
	if m.dialog != nil || len(shown) == 0 {
		return nil
	}
	const usage = 25
	width, foot := l.column-4, ""
	if width < 2*usage {
		foot = shown[picked].does
	}
	room := max(l.talk-2, 1)
	from := max(picked-room+1, 0)
	var lines []string
	for i, c := range shown[from:min(from+room, len(shown))] {
		lead := " "
		if from+i == picked && len(l.suggestion) > 0 {
			lead = m.OpenCount.Render(m.Here)
		}
		line := lead + m.Key.Render(m.pad(c.usage(), usage))
		if foot == "" {
			line += m.Dim.Render(c.does)
		}
		lines = append(lines, line)
	}
	return m.box(m.Dim, "", foot, lines, width)
}

// commandHints are the keys while a command is being written, else nil.
func (m *model) commandHints() []key.Binding {
	k := &m.keys
	does, clear := short(k.Send, "do it"), short(k.Clear, "clear")
	name, _, is := asCommand(m.composer.value())
	if fit := m.suggestions(); len(fit) > 0 {
		if _, ready := m.suggested(fit); !ready {
			does = short(k.Send, "complete")
		}
		if len(fit) == 1 {
			return []key.Binding{does, clear}
		}
		return []key.Binding{does, bind("up, down", "choose", "up"), clear}
	}
	switch c := known(name); {
	case !is:
		return nil
	case c == nil:
		return []key.Binding{bind("//", "begins a message with a slash", "/"), clear}
	case c.completions != nil:
		return []key.Binding{does, short(k.Complete, "complete"), clear}
	}
	return []key.Binding{does, clear}
}
