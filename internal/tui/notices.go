package tui

import (
	"errors"
	"fmt"
	"time"

	"charm.land/lipgloss/v2"

	"secure-messaging/pkg/client"
)

const (
	// wordFor is long enough to read three lines.
	wordFor = 8 * time.Second

	// glance is how long a word stays at least, so that one which comes while
	// somebody types is seen. After it the next key takes the word away.
	glance = 1500 * time.Millisecond

	// maxWarnings bounds what waits to be dismissed. A flood of warnings says
	// the same thing in its first ones.
	maxWarnings = 20
)

// notices is what the user should know: a passing word in the last lines, and
// warnings that stay until they are dismissed.
type notices struct {
	word     string
	bad      bool
	since    time.Time
	warnings []string
}

func (n *notices) warn(text string) {
	if len(n.warnings) < maxWarnings {
		n.warnings = append(n.warnings, text)
	}
}

// dismiss takes the oldest warning away.
func (n *notices) dismiss() bool {
	if len(n.warnings) == 0 {
		return false
	}
	n.warnings = n.warnings[1:]
	return true
}

// expire takes the word away when it has been there for d.
func (n *notices) expire(now time.Time, d time.Duration) {
	if now.Sub(n.since) >= d {
		n.word = ""
	}
}

// say shows a passing word.
func (m *model) say(text string) {
	m.notices.word, m.notices.bad, m.notices.since = text, false, m.now
}

// fail shows a passing word about what did not work.
func (m *model) fail(text string) {
	m.say(text)
	m.notices.bad = true
}

// word gives the lines of the passing word: all of it, where it does not take
// more than a quarter of the screen.
func (m *model) word(right string) []string {
	if m.notices.word == "" || m.dialog != nil {
		return nil
	}
	style := m.Accent
	if m.notices.bad {
		style = m.Bad
	}
	width := m.width - 2 - m.cells.StringWidth(right)
	return m.shortened(m.notices.word, style, "", width, max(m.height/4, 1))
}

// shortened wraps text to at most so many lines. The tail ends it in any case.
func (lk *look) shortened(text string, style lipgloss.Style, tail string, width, most int) []string {
	lines := wrap(lk.cells, text+tail, width)
	var out []string
	for i, l := range lines {
		s := (text + tail)[l.from:l.to]
		if i == most-1 && len(lines) > most {
			s = lk.part(s, 0, width-lk.cells.StringWidth(lk.More+tail), "") + lk.More + tail
			return append(out, style.Render(s))
		}
		out = append(out, style.Render(s))
	}
	return out
}

// alarm is what must be known before anything else is read, the worst first.
func (m *model) alarm() (text string, dismissible bool) {
	switch s := m.status; {
	case m.lost != "":
		return m.Failed + " " + m.lost, false
	case s.State == client.Offline && (s.Fatal || s.Code == client.CodeKeyChanged || s.Code == client.CodeStorage):
		return m.Failed + " " + s.Reason, false
	case m.roster.get(m.current).Trust == client.Changed:
		return m.Changed + " " + m.anotherKey(m.current) + " Nothing new is sent until you decide: /verify", false
	case len(m.notices.warnings) == 1:
		return "! " + m.notices.warnings[0], true
	case len(m.notices.warnings) > 1:
		return fmt.Sprintf("! %s (1 of %d)", m.notices.warnings[0], len(m.notices.warnings)), true
	}
	return "", false
}

// anotherKey says it of a contact whose key has changed.
func (m *model) anotherKey(name string) string {
	return "Another key is shown in the name of " + name + "."
}

// banner shows the alarm above the page, in at most so many lines. What does
// not fit is told by the key that shows all of it.
func (m *model) banner(width, most int) []string {
	text, dismissible := m.alarm()
	if text == "" {
		return nil
	}
	style, tail := m.Bad, ""
	if dismissible {
		style, tail = m.Warn, "  "+pressed(m.keys.Newest)+": seen"
	}
	if len(wrap(m.cells, text+tail, width)) > most {
		tail = " " + pressed(m.keys.Alarm) + ": all" + tail
	}
	return m.shortened(text, style, tail, width, most)
}

// lose says that the account does not answer.
func (m *model) lose(err error) {
	m.lost = cleanError(err) + " Nothing can be sent or received. Trying again every few seconds; if it stays so, quit and start chat again."
	if errors.Is(err, client.ErrBusy) {
		m.lost = m.ownerGone() + " Trying to attach again; or quit and start chat here."
	}
}

// ownerGone says it for somebody at a screen: the account's own words are for
// somebody who has run a command.
func (m *model) ownerGone() string {
	name := m.identity.Username
	if name == "" {
		name = "this account"
	}
	return "The chat that had " + name + " open was closed, or does not answer."
}

// couldNotRead says why something could not be read.
func (m *model) couldNotRead(err error) {
	if errors.Is(err, client.ErrBusy) {
		m.fail(m.ownerGone())
		return
	}
	m.fail(cleanError(err))
}

// couldNotDo says why something is back in the composer. An owner that has left
// may have done it all the same.
func (m *model) couldNotDo(lead string, err error) {
	if errors.Is(err, client.ErrBusy) {
		m.fail(m.ownerGone() + " Look whether it was done before you do it again.")
		return
	}
	m.fail(lead + cleanError(err))
}
