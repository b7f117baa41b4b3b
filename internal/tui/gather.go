package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// gatherFor is how soon a key follows another that no finger has pressed. A
// terminal that does not bracket what is pasted sends it as keys; each alone
// would be laid out and drawn, which for a megabyte takes hours.
const gatherFor = 4 * time.Millisecond

// gathered ends the time in which further letters are kept back.
type gathered struct{}

// gather sees each message before Update does, and may keep it back. It does so
// with letters that come too fast, and puts them into the text together before
// the next thing that the user does, or when none came for a moment.
func (m *model) gather(_ tea.Model, msg tea.Msg) tea.Msg {
	switch msg := msg.(type) {
	case gathered:
		m.gathering = false
		if len(m.rush) == 0 {
			return nil // spares a look at everything after each key
		}
	case tea.KeyPressMsg:
		if m.gathering && m.isLetter(msg) {
			if len(m.rush) <= maxPaste { // enough to be refused
				m.rush = append(m.rush, msg.Text...)
			}
			return nil
		}
		m.gathering = false // this one may empty the text
	case tea.PasteMsg, tea.MouseMsg:
	default:
		return msg // of which some never come to Update
	}
	if len(m.rush) > 0 {
		began := time.Now()
		m.paste(string(m.rush))
		m.rush, m.pouring = nil, time.Since(began)
	}
	return msg
}

// isLetter reports whether a key does nothing but lengthen a text that has
// been begun.
func (m *model) isLetter(k tea.KeyPressMsg) bool {
	return k.Text != "" && m.dialog == nil && m.picks == 0 && !m.blind()
}

// gatherOn keeps letters back for a moment, after one that was written.
func (m *model) gatherOn(k tea.KeyPressMsg) tea.Cmd {
	if m.gathering || k.Text == "" {
		return nil
	}
	m.gathering = true
	return m.jobs.after(gatherFor, gathered{})
}

// gatherMore goes on with it, after letters were kept back: so long that what
// they cost is a part of the time.
func (m *model) gatherMore() tea.Cmd {
	m.gathering = true
	return m.jobs.after(max(gatherFor, 4*m.pouring), gathered{})
}
