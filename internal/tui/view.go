package tui

import (
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

const (
	// measure is the longest line that reads well.
	measure = 86

	sideFrom = 60 // columns from which there is room for the sidebar
	tallFrom = 18 // lines from which there is room for rules and headings

	maxBanner = 4 // lines

	leadWidth = 2 // of the prompt before the composer

	minWidth, minHeight = 24, 6 // below this there is nothing to be shown
)

// layout is where everything stands, for the present size and text.
type layout struct {
	tall       bool
	top        int      // lines above the body
	foot       int      // lines below the body
	word       []string // the passing word that stands in them
	body       int      // lines of sidebar and pane
	side       int      // width of the sidebar, 0 for none
	paneX      int
	pane       int // width of the pane
	columnX    int // the page stands in the middle of the pane
	column     int
	heading    int      // lines above the conversation
	banner     []string // warnings
	talk       int      // lines of the conversation
	about      string   // what the text is about, a line above the composer; empty for none
	composerY  int      // the rule above the composer
	composer   int      // lines of the composer
	suggestion []command
}

func (m *model) layout() layout {
	l := layout{tall: m.height >= tallFrom, top: 1, suggestion: m.suggestions(), word: m.word(m.length())}
	l.foot = max(len(l.word), 1)
	if l.tall {
		l.top, l.foot = 2, l.foot+1
	}
	l.body = max(m.height-l.top-l.foot, 0)
	switch {
	case m.width >= 140:
		l.side = 30
	case m.width >= 90:
		l.side = 24
	case m.width >= sideFrom:
		l.side = 18
	}
	if l.side > 0 {
		l.paneX = l.side + 1
	}
	l.pane = m.width - l.paneX
	l.column = min(l.pane-2, measure)
	l.columnX = l.paneX + (l.pane-l.column)/2
	if l.side > 0 {
		l.heading = 1
	}
	l.banner = m.banner(l.column, min(max(l.body/4, 1), maxBanner))
	l.composer = min(m.composer.rows(), max(l.body/3, 1))
	if l.about = m.about(l.column); l.about != "" {
		l.composer = max(min(l.composer, l.body-l.heading-len(l.banner)-3), 1)
	}
	l.talk = max(l.body-l.heading-len(l.banner)-1-l.above()-l.composer, 0)
	l.composerY = l.top + l.heading + len(l.banner) + l.talk
	return l
}

// above is how many lines stand between the rule and the composer.
func (l *layout) above() int {
	if l.about == "" {
		return 0
	}
	return 1
}

// page is the conversation's part of the layout.
func (m *model) page() *page {
	l := m.layout()
	p := &page{look: &m.look, width: l.column, height: l.talk, now: m.now}
	if m.tour != nil {
		p.find = m.tour.find
	}
	return p
}

// View implements tea.Model. It changes nothing.
func (m *model) View() tea.View {
	v := tea.View{AltScreen: true, ReportFocus: true, MouseMode: tea.MouseModeCellMotion, WindowTitle: m.title()}
	if m.opts.NoMouse {
		v.MouseMode = tea.MouseModeNone
	}
	switch {
	case m.height == 0: // the size comes first thing
	case m.blind():
		v.Content = fmt.Sprintf("chat needs %d×%d", minWidth, minHeight)
	default:
		v.Content, v.Cursor = m.draw()
	}
	return v
}

// blind reports whether there is no room to show anything.
func (m *model) blind() bool { return m.width < minWidth || m.height < minHeight }

func (m *model) title() string {
	s := "chat"
	if m.identity.Username != "" {
		s += " – " + m.identity.Username
	}
	if n := m.roster.unread(""); n > 0 {
		s += fmt.Sprintf(" (%d)", n)
	}
	return s
}

// draw puts the parts together.
func (m *model) draw() (string, *tea.Cursor) {
	l := m.layout()
	lines := make([]string, 0, m.height)
	lines = append(lines, m.header(l))
	if l.tall {
		lines = append(lines, m.crossed(l, m.Tie))
	}
	pane, cursor := m.paneLines(l)
	var rows []row
	if l.side > 0 {
		rows = m.roster.rows(&m.look, m.current, l.side, l.body, m.isWriting)
	}
	for y := range l.body {
		line := ""
		if l.side > 0 {
			if y < len(rows) {
				line = rows[y].text
			}
			edge := m.Bar
			if y == l.composerY-l.top {
				edge = m.Branch
			}
			line = m.pad(line, l.side) + m.Line.Render(edge)
		}
		lines = append(lines, line+pane[y])
	}
	if l.tall {
		lines = append(lines, m.crossed(l, m.Foot))
	}
	lines = append(lines, m.footer(l)...)
	if popup := m.popup(l); popup != nil {
		m.overlay(lines, popup, l.columnX, l.composerY-len(popup))
	}
	if m.dialog != nil {
		cursor = m.over(l, lines)
	}
	return strings.Join(lines, "\n"), cursor
}

// over lays the dialog over the page, and gives the cursor in it. Nothing
// stands beside it: where the conversation has room for it, its place is
// blank anyway; a larger one has the whole body, and what of the header and
// the composer it needs. The last line says its keys.
func (m *model) over(l layout, lines []string) *tea.Cursor {
	box, x, y, cursor := m.boxed(l)
	if m.cells.StringWidth(box[0]) > l.pane || len(box) > l.talk {
		for i := min(y, l.top); i < max(y+len(box), l.top+l.body); i++ {
			lines[i] = ""
		}
		if l.tall && y >= l.top && y+len(box) <= l.top+l.body {
			lines[l.top-1], lines[l.top+l.body] = m.rule(m.width), m.rule(m.width)
		}
	}
	m.overlay(lines, box, x, y)
	if cursor != nil {
		cursor.X, cursor.Y = cursor.X+x, cursor.Y+y
	}
	return cursor
}

// boxed draws the dialog, and gives its place on the screen and the cursor in
// it.
func (m *model) boxed(l layout) (box []string, x, y int, cursor *tea.Cursor) {
	room := m.height - 1
	box, cursor = m.dialog.render(&m.look, m.width, room)
	width := m.cells.StringWidth(box[0])
	x, y = l.paneX+(l.pane-width)/2, l.top+l.heading+len(l.banner)+(l.talk-len(box))/2
	if width > l.pane || len(box) > l.talk {
		x, y = (m.width-width)/2, l.top+(l.body-len(box))/2
		y = min(max(y, 0), max(room-len(box), 0))
	}
	return box, x, y, cursor
}

// header says who we are and how the connection is.
func (m *model) header(l layout) string {
	left := " " + m.Strong.Render(m.identity.Username) + m.Dim.Render("@"+m.identity.Server)
	if l.side == 0 && m.current != "" {
		left = " " + m.Strong.Render(m.current)
		if sign, style := m.mark(m.roster.get(m.current).Trust); sign != "" {
			left += " " + style.Render(sign)
		}
		if c := m.roster.get(m.current); c.Online && c.State == client.Accepted {
			left += " " + m.Good.Render(m.Connected)
		}
		if n := m.roster.unread(m.current); n > 0 {
			left += "  " + m.Accent.Render(fmt.Sprintf("%d unread", n))
		}
		if n := len(m.roster.names(client.Incoming)); n > 0 {
			left += "  " + m.Warn.Render(fmt.Sprintf("%s %d", m.Person, n))
		}
	}
	if !m.ready {
		left = " " + m.Dim.Render("chat")
	}
	right := m.connection() + " "
	if m.width >= 80 {
		right = m.connection() + m.Dim.Render(m.now.Local().Format("   Mon 2 Jan  "+m.hours+" "))
	}
	return m.sides(left, right, m.width)
}

// connection says how it is, in fewer words where the name would have to give
// way.
func (m *model) connection() string {
	again, waits := "reconnecting", "waiting"
	if m.width < sideFrom {
		again, waits = "again", m.Waiting
	}
	waiting := ""
	if n := m.status.Waiting; n > 0 {
		waiting = fmt.Sprintf(" %s %d %s", m.Dot, n, waits)
	}
	switch s := m.status; {
	case !m.ready && m.lost == "":
		return m.Dim.Render("opening" + m.More)
	case m.lost != "":
		return m.Bad.Render(m.Failed + " no answer")
	case s.State == client.Connected:
		return m.Good.Render(m.Connected) + m.Dim.Render(" connected"+waiting)
	case s.State == client.Connecting:
		return m.Warn.Render(m.Connecting+" connecting"+m.More) + m.Dim.Render(waiting)
	case s.Fatal:
		return m.Bad.Render(m.Failed+" not connected") + m.Dim.Render(waiting)
	case s.RetryAt.After(m.now):
		in := s.RetryAt.Sub(m.now).Round(time.Second)
		return m.Warn.Render(fmt.Sprintf("%s %s in %d s", m.Offline, again, max(int(in.Seconds()), 1))) + m.Dim.Render(waiting)
	}
	return m.Warn.Render(m.Offline+" offline") + m.Dim.Render(waiting)
}

// crossed is a rule across the screen that meets the sidebar's edge.
func (m *model) crossed(l layout, sign string) string {
	if l.side == 0 {
		return m.rule(m.width)
	}
	return m.rule(l.side) + m.Line.Render(sign) + m.rule(m.width-l.side-1)
}

// length says how much of a message's room is used, once that matters.
func (m *model) length() string {
	s, tooLong := m.composer.length()
	switch {
	case tooLong:
		return m.Bad.Render(s) + " "
	case s != "":
		return m.Dim.Render(s) + " "
	}
	return ""
}

// footer is the last lines: a passing word, else the keys of the moment.
func (m *model) footer(l layout) []string {
	right := m.length()
	if e := m.chosen(); e != nil && m.dialog == nil && m.fate(e) != "" {
		right = m.Dim.Render(m.fate(e)) + " "
	}
	if m.tour != nil && m.dialog == nil {
		right = m.Dim.Render(m.finder.count()) + " "
	}
	if len(l.word) > 0 {
		lines := []string{m.sides(" "+l.word[0], right, m.width)}
		for _, w := range l.word[1:] {
			lines = append(lines, " "+w)
		}
		return lines
	}
	left := ""
	for _, b := range m.hints() {
		if len(b.Keys()) == 0 { // bound to nothing
			continue
		}
		hint := " " + m.Key.Render(pressed(b)) + " " + m.Dim.Render(b.Help().Desc)
		if left != "" {
			hint = m.Dim.Render(" "+m.Dot) + hint
		}
		if m.cells.StringWidth(left+hint)+m.cells.StringWidth(right)+1 > m.width {
			break
		}
		left += hint
	}
	return []string{m.sides(left, right, m.width)}
}

// pressed is the label of a binding in a hint: one key does.
func pressed(b key.Binding) string {
	if keys := b.Keys(); b.Help().Key == label(keys, "") {
		return keys[0]
	}
	return b.Help().Key
}

// short gives a binding its first key and fewer words than the help has.
func short(b key.Binding, does string) key.Binding {
	if keys := b.Keys(); len(keys) > 0 {
		b.SetHelp(keys[0], does)
	}
	return b
}

// hints are the keys of the moment.
func (m *model) hints() []key.Binding {
	if m.dialog != nil {
		return m.dialog.hints()
	}
	if e := m.chosen(); e != nil {
		return m.messageHints(e)
	}
	if hints := m.commandHints(); hints != nil {
		return hints
	}
	k := &m.keys
	jump, help := short(k.Jump, "jump"), short(pressable(k.Help, !m.composer.empty()), "help")
	if m.roster.get(m.current).Trust == client.Changed {
		return []key.Binding{short(k.Verify, "look at the keys"), help, jump}
	}
	incoming := m.roster.get(m.current).State == client.Incoming
	if !m.composer.empty() && incoming {
		return []key.Binding{short(k.Answer, "answer"), short(k.Clear, "clear"), help, jump}
	}
	switch t := m.thread(); {
	case incoming:
		return []key.Binding{short(k.Send, "answer"), help, jump}
	case t != nil && !t.follow:
		return []key.Binding{short(k.Newest, "newest"), help, k.PageUp, k.PageDown, jump}
	case t != nil:
		return []key.Binding{short(k.Send, "send"), help, jump, short(k.Select, "pick a message"), short(k.NextUnread, "next unread"), short(k.Newline, "new line")}
	}
	return []key.Binding{help, k.Connect, jump}
}
