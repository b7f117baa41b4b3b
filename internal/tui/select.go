package tui

import (
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// The message mode: one message is picked, and keys do something with it.

// choose picks a message and keeps it on screen.
func (m *model) choose(cursor int64) {
	m.picks = cursor
	if t := m.thread(); t != nil && cursor != 0 {
		t.stuck = false
		t.reveal(m.page(), cursor)
	}
}

// startChoosing picks the last message that is on screen.
func (m *model) startChoosing() {
	t := m.thread()
	if t == nil || len(t.entries) == 0 {
		m.say("There is no message to pick.")
		return
	}
	_, to := t.visible(m.page())
	m.choose(t.entries[max(to-1, 0)].Cursor)
}

// chosen returns the message that is picked, or nil.
func (m *model) chosen() *entry {
	if m.picks == 0 {
		return nil
	}
	return m.entry(m.picks)
}

// messageKey does what a key means to the message that is picked. Any other
// key ends the mode and means what it always does.
func (m *model) messageKey(k tea.KeyPressMsg) (cmd tea.Cmd, taken bool) {
	if m.tour != nil && m.tourKey(k) {
		return nil, true
	}
	e := m.chosen()
	if e == nil {
		m.picks = 0
		return nil, false
	}
	keys := &m.keys
	switch {
	case key.Matches(k, keys.Close), key.Matches(k, keys.Select):
		m.picks = 0
	case key.Matches(k, keys.Older):
		m.step(-1)
	case key.Matches(k, keys.Later):
		m.step(1)
	case key.Matches(k, keys.PageUp):
		m.step(-m.page().height / 3)
	case key.Matches(k, keys.PageDown):
		m.step(m.page().height / 3)
	case key.Matches(k, keys.Copy):
		return m.copy(e), true
	case key.Matches(k, keys.CopyCode):
		return m.copyCode(e), true
	case key.Matches(k, keys.CopyLink):
		return m.copyLink(e), true
	case key.Matches(k, keys.Save):
		return m.save(e), true
	case key.Matches(k, keys.Help):
		m.show(m.newHelp(""))
	case key.Matches(k, keys.Follow) && e.Reply != nil:
		m.follow(e.Reply)
	case key.Matches(k, keys.Delete):
		m.show(m.deleteDialog(e))
	case key.Matches(k, keys.Reply):
		m.reply(e)
	case key.Matches(k, keys.React):
		m.askForReaction(e)
	case key.Matches(k, keys.Edit):
		m.edit(e)
	case k.Text != "": // letters without a meaning here are not written into the composer
	default:
		m.picks = 0
		return nil, false
	}
	return nil, true
}

// step picks another message, n further. At the end of what is in memory it
// stays, and more is read.
func (m *model) step(n int) {
	t := m.thread()
	i, _ := t.find(m.picks)
	m.choose(t.entries[min(max(i+n, 0), len(t.entries)-1)].Cursor)
}

// copy hands the words to the terminal's clipboard as they were written, not as
// they are wrapped.
func (m *model) copy(e *entry) tea.Cmd {
	if e.Text == "" || e.Type != client.TypeText && e.Type != client.TypeFile {
		m.fail("There is nothing in it to copy.")
		return nil
	}
	m.picks = 0
	return m.clip(e.Text, "Copied")
}

// copyCode hands over the only code in a message, without what stands around
// it.
func (m *model) copyCode(e *entry) tea.Cmd {
	code := codeOf(e)
	if code == "" {
		m.fail("There is no code in it, or in more than one place. y copies all of it.")
		return nil
	}
	m.picks = 0
	return m.clip(code, "Copied the code")
}

// copyLink hands over the links of a message, one each time. Nothing is opened:
// programs that are started with an address show it to everybody here.
func (m *model) copyLink(e *entry) tea.Cmd {
	links := pieces(e.Text, asLink)
	if len(links) == 0 {
		m.fail("There is no link in it.")
		return nil
	}
	if m.linked.cursor != e.Cursor {
		m.linked = place{cursor: e.Cursor}
	}
	i := m.linked.line % len(links)
	m.linked.line = i + 1
	what := "Copied " + links[i]
	if len(links) > 1 {
		what += fmt.Sprintf(" (%d of %d)", i+1, len(links))
	}
	return m.clip(links[i], what)
}

// clip hands text to the terminal's clipboard, of which nothing comes back.
func (m *model) clip(text, what string) tea.Cmd {
	m.say(what + ", if your terminal lets programs do that (OSC 52).")
	return tea.SetClipboard(text)
}

// codeOf returns the code of a message that has it in one place, the lines
// between fences before words in a line, or "".
func codeOf(e *entry) string {
	if blocks := pieces(e.Text, asBlock); len(blocks) > 0 {
		if len(blocks) == 1 {
			return strings.TrimSuffix(blocks[0], "\n")
		}
		return ""
	}
	if words := pieces(e.Text, asCode); len(words) == 1 {
		return strings.Trim(words[0], "`")
	}
	return ""
}

// answerable reports whether a message can be answered and reacted to.
func (m *model) answerable(e *entry) bool {
	c := m.roster.get(m.current)
	return (e.Type == client.TypeText || e.Type == client.TypeFile) && !e.Deleted && e.State != client.Failed && c.State == client.Accepted && c.Trust != client.Changed
}

// editable reports whether the words of a message are ours to change.
func (m *model) editable(e *entry) bool { return m.answerable(e) && e.Outgoing() }

func (m *model) reply(e *entry) {
	if !m.answerable(e) {
		m.fail("That message cannot be answered.")
		return
	}
	if m.edits != 0 {
		m.giveUp()
	}
	m.picks, m.replies = 0, e.Cursor
}

func (m *model) edit(e *entry) {
	switch {
	case !m.editable(e):
		m.fail("Only your own messages can be edited.")
	case !m.composer.empty():
		m.fail("Send or clear what you have written first.")
	default:
		m.picks = 0
		m.write(draft{text: asWritten(e.Text), edits: e.Cursor})
	}
}

// editLast edits the last message that is ours to change.
func (m *model) editLast() {
	t := m.thread()
	if t == nil {
		return
	}
	for i := len(t.entries) - 1; i >= 0; i-- {
		if e := t.entries[i]; m.editable(e) {
			m.edit(e)
			t.reveal(m.page(), e.Cursor)
			return
		}
	}
	m.say("You have written nothing here that can be edited.")
}

// follow goes to the message that another answers.
func (m *model) follow(q *client.Quote) {
	if q.Cursor == 0 {
		m.say("The message that it answers is not here.")
		return
	}
	m.goTo(m.current, q.Cursor)
}

// goTo shows a message in its place, and picks it.
func (m *model) goTo(name string, cursor int64) {
	m.open(name)
	t := m.thread()
	if t == nil {
		return
	}
	if _, there := t.find(cursor); !there {
		t.seek(cursor)
	}
	m.picks = cursor
	t.centre(m.page(), cursor)
}

// deleteDialog says what goes from where.
func (m *model) deleteDialog(e *entry) *choice {
	words := e.Text
	text, cursor, about := "Its words go from this device, and from theirs once it hears of that. Whoever has read or copied them still knows them.", e.Cursor, mention(e)
	if !e.Outgoing() {
		text = "Its words go from this device. They stay with " + e.From + "."
	}
	return &choice{
		keys: &m.keys, title: "Delete this message?",
		body: func(lk *look, width, height int) []string {
			lines := lk.wrapped(text, lk.Text.Render, width)
			if len(lines)+2 <= height {
				lines = append([]string{lk.Dim.Render(lk.cut(about, width)), ""}, lines...)
			}
			return lines
		},
		options: []option{
			{"Keep", plain, nil},
			{"Delete", bad, func(m *model) tea.Cmd {
				m.picks = 0
				m.forgetSent(words)
				return m.jobs.delete(cursor)
			}},
		},
	}
}

// messageHints are the keys for the message that is picked.
func (m *model) messageHints(e *entry) []key.Binding {
	k := &m.keys
	var hints []key.Binding
	back := short(k.Close, "back")
	if m.tour != nil {
		hints = append(hints, bind(k.NextHit.Help().Key+", "+k.PreviousHit.Help().Key, "next, previous hit", k.NextHit.Keys()...), back)
	}
	if e.Type == client.TypeFile && !e.Deleted && !e.Outgoing() {
		hints = append(hints, short(k.Save, "save"))
	}
	if m.answerable(e) {
		hints = append(hints, short(k.Reply, "reply"), short(k.React, "react"))
	}
	if m.editable(e) {
		hints = append(hints, short(k.Edit, "edit"))
	}
	if e.Text != "" && e.Type == client.TypeText {
		hints = append(hints, short(k.Copy, "copy"))
	}
	hints = append(hints, short(k.Delete, "delete"))
	if m.tour == nil {
		hints = append(hints, back)
	}
	if e.Reply != nil {
		hints = append(hints, short(k.Follow, "what it answers"))
	}
	if codeOf(e) != "" {
		hints = append(hints, short(k.CopyCode, "copy code"))
	}
	if len(pieces(e.Text, asLink)) > 0 {
		hints = append(hints, short(k.CopyLink, "copy link"))
	}
	return append(hints, bind("arrows", "another", "up"))
}

// fate says when a message that is picked will be gone, if it will.
func (m *model) fate(e *entry) string {
	switch {
	case e.GoneAt.After(m.now):
		return remaining(e.GoneAt.Sub(m.now)) + " left"
	case e.Disappear > 0 && e.GoneAt.IsZero():
		return spell(time.Duration(e.Disappear)*time.Second) + " once read"
	}
	return ""
}
