package tui

import (
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/internal/editor"
	"secure-messaging/internal/sanitize"
)

// edited is what came back from the user's editor.
type edited struct {
	text string
	err  error
}

// openEditor hands what is written to the user's editor.
func (m *model) openEditor() tea.Cmd {
	s, err := editor.Begin(m.composer.value())
	switch {
	case errors.Is(err, editor.ErrNone):
		m.fail("No editor is set. Set one before you start chat, for example: export EDITOR=vi")
		return nil
	case err != nil:
		m.fail("No file for the editor could be made. Look whether your folder for temporary files has room and is yours to write.")
		return nil
	}
	return tea.ExecProcess(s.Cmd, func(err error) tea.Msg {
		text, endErr := s.End()
		return edited{text, errors.Join(err, endErr)}
	})
}

// edited takes the text back. When the editor failed, what was written stays.
func (m *model) edited(e edited) {
	switch {
	case errors.Is(e.err, editor.ErrTooLong):
		m.fail("The text is too long: a message takes 32 KiB. What you had written is as it was.")
	case e.err != nil:
		m.fail("The editor has failed, and what you had written is as it was. Look at VISUAL and EDITOR.")
	default:
		m.composer.set(sanitize.Text(strings.TrimRight(e.text, "\n")))
	}
}
