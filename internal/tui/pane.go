package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// paneLines draws the right side: who, the conversation, the composer.
func (m *model) paneLines(l layout) ([]string, *tea.Cursor) {
	indent := space(l.columnX - l.paneX)
	lines := make([]string, 0, l.body)
	if l.heading > 0 {
		lines = append(lines, indent+m.who(l.column))
	}
	for _, b := range l.banner {
		lines = append(lines, indent+b)
	}
	from, to := m.pickedRows()
	for i, line := range m.talk(l) {
		if from <= i && i < to {
			line = space(l.columnX-l.paneX-1) + m.Accent.Render(m.Here) + line
		} else {
			line = indent + line
		}
		lines = append(lines, line)
	}
	lines = append(lines, m.composerRule(l))
	if l.about != "" {
		lines = append(lines, indent+l.about)
	}
	text, cursor := m.composer.render(l.composer)
	for i := range l.composer {
		lead := space(leadWidth)
		if i == 0 {
			lead = m.Accent.Render(m.Prompt) + " "
		}
		lines = append(lines, indent+lead+m.part(at(text, i), 0, l.column-leadWidth, "")) // the area counts emoji in its own way
	}
	if cursor != nil {
		cursor.X, cursor.Y = cursor.X+l.columnX+leadWidth, cursor.Y+l.composerY+1+l.above()
	}
	for len(lines) < l.body { // a screen of very few lines
		lines = append(lines, "")
	}
	return lines[:l.body], cursor
}

// pickedRows are the lines of the conversation where the message stands that is
// picked.
func (m *model) pickedRows() (from, to int) {
	t := m.thread()
	if t == nil || m.picks == 0 || m.dialog != nil {
		return 0, 0
	}
	return t.rows(m.page(), m.picks)
}

// who heads the conversation.
func (m *model) who(width int) string {
	c := m.roster.get(m.current)
	if m.current == "" {
		return ""
	}
	left := m.Strong.Render(c.Name)
	if g := m.groups[c.Name]; g.Name != "" && c.State == client.Accepted {
		return m.pad(left+"  "+m.Dim.Render(m.cut(strings.Join(m.others(&g), ", "), width-m.cells.StringWidth(left)-2)), width)
	}
	if c.Online && c.State == client.Accepted {
		left += "  " + m.Good.Render(m.Connected) + m.Dim.Render(" online")
	}
	switch {
	case c.Trust == client.Changed:
		left += "  " + m.Bad.Render(m.Changed+" another key")
	case c.State == client.Incoming:
		left += "  " + m.Warn.Render("asks to talk with you")
	case c.State == client.Requested:
		left += "  " + m.Dim.Render("has not answered yet")
	case c.Trust == client.Verified:
		left += "  " + m.Good.Render(m.Verified+" verified")
	}
	if c.State != client.Accepted || width < m.cells.StringWidth(left)+len(c.Fingerprint)+4 {
		return m.pad(left, width)
	}
	return m.sides(left, m.Dim.Render(c.Fingerprint), width)
}

// gone stands where a conversation or a request was that has ended.
func (m *model) gone(c client.Contact, width int) []string {
	if isGroup(c.Name) {
		return m.wrapped(fmt.Sprintf("You are not in %s any more. %s goes on to somebody else.", c.Name, pressed(m.keys.Jump)), m.Dim.Render, width)
	}
	return m.wrapped(fmt.Sprintf("There is nothing between you and %[1]s any more. /connect %[1]s asks them, and lifts a block. %[2]s goes on to somebody else.",
		c.Name, pressed(m.keys.Jump)), m.Dim.Render, width)
}

// composerRule parts the conversation from what is written, and says how much
// came in below what is on screen.
func (m *model) composerRule(l layout) string {
	label := ""
	if t := m.thread(); t != nil && !t.follow {
		label = " " + m.Down + " "
		if n := m.below(t); n > 0 {
			label = fmt.Sprintf(" %d new %s ", n, m.Down)
		}
	}
	writing := m.cut(m.writingLine(), max(l.pane-m.cells.StringWidth(label)-8, 0))
	w := m.cells.StringWidth(label) + m.cells.StringWidth(writing)
	left, right := 0, min(4, l.pane-w)
	if writing != "" {
		left = min(l.columnX-l.paneX, l.pane-w-right)
	}
	return m.rule(left) + m.Accent.Render(writing) + m.rule(l.pane-w-left-right) + m.Fresh.Render(label) + m.rule(right)
}

// talk is the conversation, or what stands in its place.
func (m *model) talk(l layout) []string {
	t := m.thread()
	c := m.roster.get(m.current)
	var lines []string
	switch {
	case !m.ready || m.dialog != nil: // a dialog has the page to itself
	case m.current == "":
		lines = m.welcome(l.column, l.talk)
	case c.State == client.Incoming:
		if l.heading == 0 {
			lines = m.wrapped(c.Name+" asks to talk with you.", m.Strong.Render, l.column)
		}
		lines = append(lines, m.request(c, l.column, l.talk-len(lines))...)
		if how := m.wrapped("Press "+pressed(m.keys.Send)+" to answer, or write /accept, /reject or /block.", m.Text.Render, l.column); len(lines)+1+len(how) <= l.talk {
			lines = append(append(lines, ""), how...)
		}
	case c.State == client.Requested:
		lines = m.asked(c, l.column)
	case c.State == client.Known:
		lines = m.gone(c, l.column)
	case t == nil:
	case len(t.entries) == 0 && t.older:
		lines = []string{m.Dim.Render("reading" + m.More)}
	case len(t.entries) == 0:
		if lines = m.beginning(c, l.column); isGroup(c.Name) {
			lines = m.opening(m.groups[c.Name], l.column)
		}
	default:
		return t.render(m.page())
	}
	top := min(max((l.talk-len(lines))/3, 0), 6)
	out := make([]string, top, l.talk)
	out = append(out, lines...)
	for len(out) < l.talk {
		out = append(out, "")
	}
	return out[:l.talk]
}

// welcome is the first screen: it says what to type next. A small screen
// gets the same in fewer words.
func (m *model) welcome(width, height int) []string {
	who := "bob"
	if m.identity.Username == who {
		who = "alice"
	}
	nobody := "Nobody is here yet."
	if asking := m.roster.names(client.Incoming); len(asking) > 0 { // while something is being written
		nobody = asking[0] + " asks to talk: " + pressed(m.keys.Answer) + " answers."
	}
	lines := m.wrapped("Welcome, "+m.identity.Username+".", m.Strong.Render, width)
	lines = append(lines, "")
	lines = append(lines, m.wrapped(nobody+" Ask somebody to talk: write", m.Text.Render, width)...)
	lines = append(lines, "", "  "+m.Accent.Render("/connect "+who), "")
	lines = append(lines, m.wrapped("with the name they log in with, and a few words after it if you like. They see your request with your fingerprint, and so they know that it is you:", m.Text.Render, width)...)
	lines = append(lines, "")
	for _, f := range m.wrapped(m.identity.Fingerprint, m.Accent.Render, width-2) {
		lines = append(lines, "  "+f)
	}
	lines = append(lines, "")
	lines = append(lines, m.wrapped("Read it to them on the phone, for instance. "+short(pressable(m.keys.Help, false), "").Help().Key+" shows all keys.", m.Dim.Render, width)...)
	if len(lines) <= height {
		return lines
	}
	lines = m.wrapped(nobody+" To ask somebody, write", m.Text.Render, width)
	lines = append(lines, m.Accent.Render("  /connect "+who))
	return append(lines, m.fingerprint("Your fingerprint, for them to compare:", m.identity.Fingerprint, width)...)
}

// asked stands in place of a conversation that waits for an answer.
func (m *model) asked(c client.Contact, width int) []string {
	lines := m.wrapped("You asked "+c.Name+" to talk, on "+c.Since.Local().Format("Monday 2 January at "+m.hours)+".", m.Text.Render, width)
	lines = append(lines, m.wrapped("The request waits for them at the relay. You need not stay.", m.Dim.Render, width)...)
	lines = append(lines, "")
	return append(lines, m.fingerprint("The fingerprint of the key that the relay gave for them:", c.Fingerprint, width)...)
}

// beginning stands in place of a conversation without messages.
func (m *model) beginning(c client.Contact, width int) []string {
	lines := m.wrapped("You and "+c.Name+" can talk now. What you write is sealed for them here and opened there; the relay cannot read it.", m.Text.Render, width)
	lines = append(lines, "")
	lines = append(lines, m.fingerprint("Their fingerprint:", c.Fingerprint, width)...)
	if c.Trust == client.Verified {
		return lines
	}
	lines = append(lines, "")
	return append(lines, m.wrapped("/verify shows the safety number to compare with them, once, by another way than this chat.", m.Dim.Render, width)...)
}

// invitation stands in the empty composer.
func (m *model) invitation() string {
	c := m.roster.get(m.current)
	switch {
	case m.current == "":
		return "/connect NAME"
	case c.Trust == client.Changed:
		return "another key is shown: /verify"
	case c.State == client.Incoming:
		return "press " + pressed(m.keys.Send) + " to answer"
	case c.State == client.Requested:
		return c.Name + " has to accept first"
	case c.State == client.Known:
		return pressed(m.keys.Jump) + " goes on"
	}
	return "write to " + c.Name + m.More
}
