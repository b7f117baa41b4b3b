package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// keepAfter is how much of what is written a crash may take.
const keepAfter = time.Second

// draft is what is written and not sent yet, and what it is about.
type draft struct {
	text    string
	replies int64 // cursor of the message that it answers; 0 for none
	edits   int64 // cursor of the message whose words it replaces; 0 for none
}

// draft returns what is being written.
func (m *model) draft() draft { return draft{m.composer.value(), m.replies, m.edits} }

// write puts a draft into the composer.
func (m *model) write(d draft) {
	m.composer.set(d.text)
	m.replies, m.edits = d.replies, d.edits
}

// giveUp lets go of what the text is about. Words that were to replace others
// go, too: they are still where they were.
func (m *model) giveUp() bool {
	if m.replies == 0 && m.edits == 0 {
		return false
	}
	if m.edits != 0 {
		m.composer.set("")
	}
	m.replies, m.edits = 0, 0
	return true
}

// about is the line above the composer that says what the text is about.
func (m *model) about(width int) string {
	what, cursor := "editing", m.edits
	switch {
	case m.replies != 0:
		what, cursor = m.Answers, m.replies
	case m.edits == 0:
		return ""
	}
	said := "an earlier message"
	if e := m.entry(cursor); e != nil {
		said = strings.ReplaceAll(e.Text, "\n", " ")
		if m.replies != 0 {
			said = e.From + ": " + said
		}
	}
	return m.sides(m.Accent.Render(what)+" "+m.Dim.Render(said), m.Dim.Render(m.keys.Newest.Help().Key+" gives up"), width)
}

// entry returns a message of the open conversation that is in memory, or nil.
func (m *model) entry(cursor int64) *entry {
	t := m.thread()
	if t == nil {
		return nil
	}
	if i, there := t.find(cursor); there {
		return t.entries[i]
	}
	return nil
}

// view is how a conversation is left at this moment.
func (m *model) view(name string) client.View {
	v := client.View{Contact: name}
	d := m.drafts[name]
	if name == m.current {
		d = m.draft()
	}
	v.Draft, v.Replies, v.Edits = d.text, d.replies, d.edits
	switch t := m.threads[name]; {
	case t == nil: // not looked at since
		v.Top, v.Line = m.kept[name].Top, m.kept[name].Line
	case !t.follow:
		v.Top, v.Line = t.top.cursor, t.top.line
	}
	return v
}

type (
	keepNow   struct{} // what has changed is written down
	viewsKept struct{ err error }
)

// keep sees to it that what has changed is written down soon.
func (m *model) keep() tea.Cmd {
	if m.keeping || !m.ready || m.lost != "" || len(m.unkept()) == 0 {
		return nil
	}
	m.keeping = true
	return m.jobs.after(keepAfter, keepNow{})
}

// unkept returns how conversations are left, where that has changed since it
// was written down. They are the open one and those left in the last moment.
func (m *model) unkept() (views []client.View) {
	for name := range m.left {
		if v := m.view(name); v != m.known(name) {
			views = append(views, v)
		}
	}
	if v := m.view(m.current); m.current != "" && !m.left[m.current] && v != m.known(m.current) {
		views = append(views, v)
	}
	return views
}

// known is what was written down of a conversation.
func (m *model) known(name string) client.View {
	v := m.kept[name]
	v.Contact = name
	return v
}

// keepNow writes down what has changed.
func (m *model) keepNow() tea.Cmd {
	views := m.unkept()
	clear(m.left)
	for _, v := range views {
		m.kept[v.Contact] = v
	}
	return m.jobs.setViews(views)
}

// leaveFor writes down what has changed, and then does last.
func (m *model) leaveFor(last tea.Cmd) tea.Cmd {
	if !m.ready || m.lost != "" {
		return last
	}
	return tea.Sequence(m.keepNow(), last)
}

// restore takes up what was written down: texts, and where the reader was.
func (m *model) restore(views []client.View) {
	for _, v := range views {
		m.kept[v.Contact] = v
		if v.Draft != "" || v.Replies != 0 || v.Edits != 0 {
			m.drafts[v.Contact] = draft{v.Draft, v.Replies, v.Edits}
		}
		if v.Top != 0 && m.threads[v.Contact] == nil {
			t := newThread(v.Contact)
			t.window = window{top: place{v.Top, v.Line}}
			m.threads[v.Contact] = t
		}
	}
}
