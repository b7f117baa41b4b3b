package tui

import (
	tea "charm.land/bubbletea/v2"
)

// wheelLines is how far one notch of the wheel scrolls.
const wheelLines = 3

// pointed is a dialog with something to click on. Its cells are counted from the
// corner of its frame, as it was last rendered.
type pointed interface {
	click(lk *look, x, y int) (then action, done bool)
}

// wheel scrolls what is under the pointer.
func (m *model) wheel(w tea.MouseWheelMsg) {
	m.touch()
	n, arrow := wheelLines, tea.KeyDown
	switch w.Button {
	case tea.MouseWheelUp:
		n, arrow = -wheelLines, tea.KeyUp
	case tea.MouseWheelDown:
	default:
		return
	}
	l := m.layout()
	switch d := m.dialog.(type) {
	case nil:
		if w.X < l.side {
			m.roster.scroll(n, m.current, l.body)
			return
		}
		m.scroll(n)
	case *help, *jump, *picker, *finder: // arrows go through their lines, and decide nothing
		d.press(tea.KeyPressMsg{Code: arrow})
	}
}

// click does what stands where it hits: it opens a conversation, picks a
// message, goes to the newest one, or presses what a dialog has there.
func (m *model) click(c tea.MouseClickMsg) tea.Cmd {
	m.touch()
	if c.Button != tea.MouseLeft || m.height == 0 || m.blind() {
		return nil
	}
	l := m.layout()
	if d, is := m.dialog.(pointed); is {
		_, x, y, _ := m.boxed(l)
		return m.follows(d.click(&m.look, c.X-x, c.Y-y))
	}
	if m.dialog != nil {
		return nil
	}
	if c.X < l.side {
		rows := m.roster.rows(&m.look, m.current, l.side, l.body, m.isWriting)
		if y := c.Y - l.top; y >= 0 && y < len(rows) && rows[y].name != "" {
			m.open(rows[y].name)
		}
		return nil
	}
	t := m.thread()
	switch talk := c.Y - (l.composerY - l.talk); {
	case t == nil:
	case !t.follow && c.Y == l.composerY:
		m.toNewest(t)
	case talk >= 0 && talk < l.talk:
		m.clickMessage(t, talk)
	default:
		m.picks = 0
	}
	return nil
}

// clickMessage picks the message on a line of the conversation, or goes to what
// it answers when it is that line.
func (m *model) clickMessage(t *thread, row int) {
	m.picks = 0
	e, words := t.hit(m.page(), row)
	switch {
	case e == nil:
	case words == 0 && quotes(&e.Message):
		m.follow(e.Reply)
	default:
		m.picks = e.Cursor
	}
}

// click presses a button.
func (c *choice) click(lk *look, x, y int) (action, bool) {
	left := 2 // the frame, and the blank beside it
	for _, o := range c.options {
		width := lk.cells.StringWidth(lk.button(o, false))
		if y == c.row && left <= x && x < left+width {
			return o.then, true
		}
		left += width + 1
	}
	return nil, false
}

// listTop is the line of a box in which a list begins: below the frame, what is
// typed, and a blank.
const listTop = 3

func (j *jump) click(_ *look, _, y int) (action, bool) {
	at, fit := j.from+y-listTop, j.list.to(j.input.Value())
	if y < listTop || at >= min(len(fit), j.to) {
		return nil, false
	}
	j.at = at
	return j.enter(fit)
}

func (p *picker) click(_ *look, _, y int) (action, bool) {
	at, fit := p.from+y-listTop, p.list.to(p.input.Value())
	if y < listTop || at >= min(len(fit), p.to) {
		return nil, false
	}
	p.at = at
	return p.choose(fit)
}

func (f *finder) click(_ *look, _, y int) (action, bool) {
	at := f.from + (y-listTop)/max(f.each, 1)
	if y < listTop || at >= min(len(f.found), f.to) {
		return nil, false
	}
	f.at = at
	return f.choose()
}
