package tui

import (
	"context"
	"errors"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

// opened takes the whole state, the first time and after a gap.
func (m *model) opened(o opened) tea.Cmd {
	if o.err != nil {
		return m.retry(o.err)
	}
	m.lost = ""
	m.identity, m.status, m.position = o.identity, o.status, o.position
	clear(m.groups)
	for _, g := range o.groups {
		m.groups[g.Name] = g
		o.contacts = append(o.contacts, asContact(g))
	}
	m.roster.set(o.contacts)
	m.settings = o.settings
	m.lookAgain("")
	cmd := tea.Batch(m.jobs.wait(m.position), m.renew())
	if !m.ready {
		m.restore(o.views)
	}
	if !m.ready || m.current != "" && m.roster.index(m.current) < 0 {
		m.open(m.roster.best())
	}
	if asking := m.roster.names(client.Incoming); !m.ready && len(asking) > 0 {
		m.announce(asking[0])
	}
	m.ready = true
	return cmd
}

// renew throws away what may be out of date after a gap. A reader who has
// scrolled up keeps the place: what is in memory is brought up to date, and
// what follows is read when it is needed.
func (m *model) renew() (cmd tea.Cmd) {
	for name, t := range m.threads {
		switch {
		case name != m.current:
			delete(m.threads, name)
		case t.follow:
			t.reset()
		case len(t.entries) == 0: // not read yet
		default:
			t.newer, t.loading, t.asked, t.stuck, t.epoch, t.marked = true, true, t.latest, false, t.epoch+1, 0
			cmd = m.jobs.history(client.Query{Contact: name, After: max(t.first()-1, 1), Limit: client.MaxLimit}, t.epoch)
		}
	}
	return cmd
}

// retry says that the account does not answer, and tries again.
func (m *model) retry(err error) tea.Cmd {
	if errors.Is(err, context.Canceled) {
		return nil // we are leaving
	}
	m.lose(err)
	return m.jobs.after(reopenAfter, reopen{})
}

// happened takes a batch of events.
func (m *model) happened(h happened) tea.Cmd {
	if h.err != nil {
		return m.retry(h.err)
	}
	if h.batch.Lagged {
		return m.jobs.open()
	}
	m.position = h.batch.Next
	for _, e := range h.batch.Events {
		m.event(e)
	}
	for _, t := range m.threads {
		t.trim()
	}
	return tea.Batch(m.jobs.wait(m.position), m.notify())
}

func (m *model) event(e client.Event) {
	switch {
	case e.Message != nil && e.Kind == client.MessageAdded:
		m.added(cleanMessage(*e.Message))
	case e.Message != nil && e.Kind == client.MessageGone:
		m.vanished(cleanMessage(*e.Message))
	case e.Kind == client.ContactWriting:
		m.writing[sanitize.Line(e.Writing)] = m.now.Add(client.TypingFor)
	case e.Message != nil:
		if m.finder != nil && e.Message.Deleted {
			m.finder.forget(e.Message.Cursor)
		}
		if t := m.threads[e.Message.Contact]; t != nil {
			t.update(cleanMessage(*e.Message))
		}
	case e.Group != nil:
		m.regroup(cleanGroup(*e.Group))
	case e.Contact != nil:
		m.contact(cleanContact(*e.Contact))
	case e.Status != nil:
		m.status = cleanStatus(*e.Status)
	case e.Kind == client.Warned:
		m.notices.warn(cleanWarning(e.Warning))
	}
}

// added takes a new message of a conversation that is in memory.
func (m *model) added(msg client.Message) {
	if !msg.Outgoing() {
		delete(m.writing, msg.From)
		m.isNews(msg)
	}
	t := m.threads[msg.Contact]
	if t == nil {
		return
	}
	seen := m.current == t.contact && t.follow && m.watched() && m.dialog == nil
	if !t.arrive(msg) || msg.Outgoing() || seen {
		return
	}
	if !t.behind || t.fresh == 0 {
		t.fresh = msg.Cursor
	}
	t.behind = true
}

// vanished takes a message away whose time has come.
func (m *model) vanished(gone client.Message) {
	if t := m.threads[gone.Contact]; t != nil {
		t.remove(m.page(), gone)
	}
	if m.picks == gone.Cursor {
		m.picks = 0
	}
	if m.finder != nil {
		m.finder.forget(gone.Cursor)
	}
	if m.edits == gone.Cursor || m.replies == gone.Cursor {
		m.giveUp() // of an edit, the words go, too: they are those of the message
	}
	for name, d := range m.drafts {
		switch gone.Cursor {
		case d.edits:
			delete(m.drafts, name)
		case d.replies:
			m.drafts[name] = draft{text: d.text}
		}
	}
}

// contact takes a contact's new state.
func (m *model) contact(c client.Contact) {
	before := m.roster.put(c)
	m.lookAgain(c.Name)
	if c.State == before {
		return
	}
	switch c.State {
	case client.Incoming:
		m.announce(c.Name)
	case client.Accepted:
		m.say("You and " + c.Name + " can talk now.")
	}
	m.stay()
}

// announce tells of a request. It opens no dialog and moves no view: strangers
// can bring it about at any time, and whoever reads or writes goes on. Where
// there is nothing to read and nothing is being written, settle shows its
// page, on which nothing but a key for it decides.
func (m *model) announce(name string) {
	m.say(name + " asks to talk. " + pressed(m.keys.Answer) + " answers.")
}

// stay prepares the open conversation when it can begin. When it is gone, none
// takes its place by itself: what is typed next would go to somebody else.
func (m *model) stay() {
	if m.roster.get(m.current).State == client.Accepted && m.threads[m.current] == nil {
		m.open(m.current)
	}
}

// historyRead takes a page of the history.
func (m *model) historyRead(h historyRead) {
	t := m.threads[h.query.Contact]
	if t == nil || t.epoch != h.epoch {
		return
	}
	t.loading = false
	if h.err != nil {
		t.stuck = true
		m.couldNotRead(h.err)
		return
	}
	begun := len(t.entries) > 0 && (h.query.Before > 0 || h.query.After != 0)
	t.page(h.query, h.messages)
	switch {
	case !begun && t.follow:
		t.arriveAt(m.page(), t.firstUnread())
	case len(t.entries) == 0:
		t.reset() // the place is not there any more
	case t.sought != 0:
		t.centre(m.page(), t.sought)
		if h.query.Before > 0 || !t.older {
			t.sought = 0
		}
	}
}

// sent takes the account's answer to a text, and hands it the next.
func (m *model) sent(s sent) tea.Cmd {
	m.queue = m.queue[1:]
	if s.err != nil {
		for _, o := range slices.Backward(m.queue) { // what stands behind it would overtake it
			m.giveBack(o)
		}
		m.queue = nil
		m.giveBack(s.outgoing)
		m.couldNotDo("Not sent: ", s.err)
	} else if t := m.threads[s.message.Contact]; t != nil && s.edits == 0 { // an event brings what was edited
		t.arrive(s.message)
		if m.current == s.message.Contact {
			m.guide(&s.message)
		}
	}
	if len(m.queue) > 0 {
		return m.jobs.send(m.queue[0])
	}
	if m.quitting {
		return m.finish()
	}
	return nil
}

// giveBack puts a text that was not taken before what is written meanwhile.
func (m *model) giveBack(o outgoing) {
	m.quitting = false // there is something to lose again
	written := m.drafts[o.to]
	if o.to == m.current {
		written = m.draft()
	}
	if written.replies == 0 && written.edits == 0 {
		written.replies, written.edits = o.replies, o.edits
	}
	written.text = strings.TrimSuffix(asWritten(o.text)+"\n"+written.text, "\n")
	if o.to == m.current {
		m.write(written)
	} else {
		m.drafts[o.to] = written
	}
}

// comeBack gives a command back that did not work, with why.
func (m *model) comeBack(line string, err error) {
	m.couldNotDo("", err)
	if m.composer.empty() { // else something else is being written, and the two would become one
		m.composer.set(line)
	}
}

// answered takes the outcome of a request that was made or answered.
func (m *model) answered(a answered) {
	if a.err != nil {
		m.comeBack(a.line, a.err)
		return
	}
	m.roster.put(a.contact)
	name := a.contact.Name
	switch {
	case a.contact.State == client.Accepted && m.current != name && !m.composer.empty():
		m.say("You and " + name + " can talk now: " + pressed(m.keys.Jump) + " goes there.")
	case a.contact.State == client.Accepted:
		m.open(name)
		m.say("You and " + name + " can talk now.")
	case a.contact.State == client.Requested && a.aside:
		m.say("Asked " + name + ". Once they accept, you hear each other here, too.")
	case a.contact.State == client.Requested:
		m.open(name)
		m.say("Asked " + name + ". What they answer shows here.")
	case a.contact.State == client.Blocked:
		m.say("Blocked " + name + ".")
	default:
		m.say("Dropped the request of " + name + ".")
	}
	m.stay()
}
