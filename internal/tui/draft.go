package tui

import (
	"slices"
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
		if said = mention(e); m.replies == 0 {
			said = strings.TrimPrefix(said, e.From+": ")
		}
	}
	return m.sides(m.Accent.Render(what)+" "+m.Dim.Render(said), m.Dim.Render(pressed(m.keys.Newest)+" gives up"), width)
}

// mention names a message by its author and the beginning of its words.
func mention(e *entry) string {
	said := strings.ReplaceAll(e.Text, "\n", " ")
	if e.Deleted {
		said = deleted
	}
	return e.From + ": " + said
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
	v.Draft, v.Replies, v.Edits = strings.ToValidUTF8(d.text[:min(len(d.text), maxPaste)], ""), d.replies, d.edits
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
	viewsKept struct {
		views []client.View
		err   error
	}
)

// keep sees to it that what has changed is written down soon: one after the
// other, so that what is older never comes last.
func (m *model) keep() tea.Cmd {
	if m.keeping || m.lost != "" || len(m.unkept()) == 0 {
		return nil
	}
	m.keeping = true
	if m.unkeepable {
		return m.jobs.after(reopenAfter, keepNow{})
	}
	return m.jobs.after(keepAfter, keepNow{})
}

// unkept returns how conversations are left, where that has changed since it
// was written down. They are the open one and those left in the last moment.
func (m *model) unkept() (views []client.View) {
	if !m.ready {
		return nil
	}
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

// keepNow writes down what has changed, unless that is being done.
func (m *model) keepNow() tea.Cmd {
	if m.saving {
		return nil
	}
	views := m.unkept()
	clear(m.left)
	m.keeping, m.saving = len(views) > 0, len(views) > 0
	return m.jobs.setViews(views)
}

// viewsKept takes the account's answer. What could not be written down is tried
// again, and told of once.
func (m *model) viewsKept(k viewsKept) tea.Cmd {
	m.keeping, m.saving = false, false
	if k.err == nil {
		for _, v := range k.views {
			m.kept[v.Contact] = v
		}
		m.unkeepable, m.lossy = false, false
		if m.quitting {
			return m.finish()
		}
		return nil
	}
	for _, v := range k.views {
		m.left[v.Contact] = true
	}
	const text = "What you have written could not be put on disk. "
	switch {
	case m.quitting:
		m.fail(text + "Quit again to leave without it. " + cleanError(k.err))
		m.quitting, m.lossy = false, true
	case !m.unkeepable:
		m.fail(text + cleanError(k.err))
	}
	m.unkeepable = true
	return nil
}

// quit leaves as soon as the account has what was sent and how everything was
// left, and at once when it is asked for again.
func (m *model) quit() tea.Cmd {
	if m.quitting || m.lossy {
		return tea.Quit
	}
	if m.lost != "" && slices.ContainsFunc(m.unkept(), func(v client.View) bool { return v.Draft != m.kept[v.Contact].Draft }) {
		m.lossy = true
		m.fail("What you have written cannot be put on disk at the moment. Quit again to leave without it.")
		return nil
	}
	m.quitting = true
	if len(m.queue) > 0 {
		m.say("Handing over your last message. Quit again to leave without it.")
	}
	return m.finish()
}

// finish does the next of what has to be done before we leave, and then leaves.
func (m *model) finish() tea.Cmd {
	switch {
	case m.saving: // viewsKept goes on
		return nil
	case m.lost == "" && len(m.unkept()) > 0:
		return m.keepNow()
	case len(m.queue) > 0: // sent goes on
		return nil
	}
	return tea.Quit
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
