package tui

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// deed is what a key does anywhere on the page, with what it says in the palette
// of commands.
type deed struct {
	key func(*keyMap) key.Binding
	// do is told the key, which is zero where the palette has chosen it.
	do func(*model, tea.KeyPressMsg) tea.Cmd
	// only tells when the key means this, unless it always does.
	only func(*model, tea.KeyPressMsg) bool
	// plain is set where it is not worth a line in the palette.
	plain bool
}

// quiet makes a deed of what needs neither the key nor a command.
func quiet(do func(*model)) func(*model, tea.KeyPressMsg) tea.Cmd {
	return func(m *model, _ tea.KeyPressMsg) tea.Cmd { do(m); return nil }
}

// nothingWritten reports whether the composer is empty and about nothing.
func nothingWritten(m *model) bool {
	return m.composer.empty() && m.replies == 0 && m.edits == 0
}

var deeds []deed

func init() { // they lead back to the table, by way of the palette
	deeds = []deed{
		{key: func(k *keyMap) key.Binding { return k.Clear }, do: quiet((*model).clear), plain: true},
		{key: func(k *keyMap) key.Binding { return k.Help }, do: func(m *model, k tea.KeyPressMsg) tea.Cmd {
			m.show(m.newHelp(k.Text))
			return nil
		}, only: func(m *model, k tea.KeyPressMsg) bool { return k.Text == "" || m.composer.empty() }},
		{key: func(k *keyMap) key.Binding { return k.Send }, do: func(m *model, _ tea.KeyPressMsg) tea.Cmd { return m.submit() }, plain: true},
		{key: func(k *keyMap) key.Binding { return k.Complete }, do: func(m *model, _ tea.KeyPressMsg) tea.Cmd { return m.complete() }, plain: true},
		{key: func(k *keyMap) key.Binding { return k.Newest }, do: quiet((*model).back), plain: true},
		{key: func(k *keyMap) key.Binding { return k.Select }, do: quiet((*model).startChoosing)},
		{key: func(k *keyMap) key.Binding { return k.EditLast }, do: quiet((*model).editLast),
			only: func(m *model, _ tea.KeyPressMsg) bool { return nothingWritten(m) }},
		{key: func(k *keyMap) key.Binding { return k.PageUp }, do: quiet(func(m *model) { m.scroll(-(m.page().height - 2)) }), plain: true},
		{key: func(k *keyMap) key.Binding { return k.PageDown }, do: quiet(func(m *model) { m.scroll(m.page().height - 2) }), plain: true},
		{key: func(k *keyMap) key.Binding { return k.LineUp }, do: quiet(func(m *model) { m.scroll(-1) }), plain: true},
		{key: func(k *keyMap) key.Binding { return k.LineDown }, do: quiet(func(m *model) { m.scroll(1) }), plain: true},
		{key: func(k *keyMap) key.Binding { return k.Find }, do: quiet(func(m *model) { m.showFinder("") })},
		{key: func(k *keyMap) key.Binding { return k.Jump }, do: quiet(func(m *model) { m.show(newJump(&m.keys, &m.roster)) })},
		{key: func(k *keyMap) key.Binding { return k.Palette }, do: quiet(func(m *model) { m.show(newPalette(m)) }), plain: true},
		{key: func(k *keyMap) key.Binding { return k.NextUnread }, do: quiet(func(m *model) { m.openUnread(m.roster.nextUnread(m.current)) })},
		{key: func(k *keyMap) key.Binding { return k.FirstUnread }, do: quiet(func(m *model) { m.openUnread(m.roster.firstUnread()) })},
		{key: func(k *keyMap) key.Binding { return k.Nth }, do: (*model).openNth, plain: true},
		{key: func(k *keyMap) key.Binding { return k.Previous }, do: quiet(func(m *model) { m.open(m.roster.step(m.current, -1)) }), plain: true},
		{key: func(k *keyMap) key.Binding { return k.Next }, do: quiet(func(m *model) { m.open(m.roster.step(m.current, 1)) }), plain: true},
		{key: func(k *keyMap) key.Binding { return k.Connect }, do: quiet(func(m *model) { m.show(newConnectForm(&m.keys)) })},
		{key: func(k *keyMap) key.Binding { return k.Answer }, do: quiet((*model).answerRequest)},
		{key: func(k *keyMap) key.Binding { return k.Verify }, do: quiet(func(m *model) {
			if _, complaint := m.commandVerify(""); complaint != "" {
				m.fail(complaint)
			}
		})},
		{key: func(k *keyMap) key.Binding { return k.Recall }, do: quiet(func(m *model) { m.show(newRecall(m)) })},
		{key: func(k *keyMap) key.Binding { return k.Editor }, do: func(m *model, _ tea.KeyPressMsg) tea.Cmd { return m.openEditor() }},
		{key: func(k *keyMap) key.Binding { return k.Alarm }, do: quiet(func(m *model) {
			if text, dismissible := m.alarm(); text != "" {
				m.show(m.alarmDialog(text, dismissible))
			}
		})},
		{key: func(k *keyMap) key.Binding { return k.Redraw }, do: func(*model, tea.KeyPressMsg) tea.Cmd { return tea.ClearScreen }},
	}
}

// screenKey does what a key means anywhere on the page.
func (m *model) screenKey(k tea.KeyPressMsg) (cmd tea.Cmd, taken bool) {
	for _, d := range deeds {
		if key.Matches(k, d.key(&m.keys)) && (d.only == nil || d.only(m, k)) {
			return d.do(m, k), true
		}
	}
	return nil, false
}

// openUnread goes to a conversation with unread messages.
func (m *model) openUnread(name string) {
	if name == "" || name == m.current && m.roster.unread(name) == 0 && m.roster.get(name).Unread == 0 {
		m.say("Nothing unread elsewhere.")
		return
	}
	m.open(name)
}

// openNth goes to a conversation by its place, which is that of the key among
// those that do this.
func (m *model) openNth(k tea.KeyPressMsg) tea.Cmd {
	if i := slices.Index(m.keys.Nth.Keys(), k.String()); i >= 0 && i < len(m.roster.contacts) {
		m.open(m.roster.contacts[i].Name)
	}
	return nil
}
