package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

// press routes a key: to the dialog, to the screen, else to the composer.
func (m *model) press(k tea.KeyPressMsg) tea.Cmd {
	if m.height > 0 && m.blind() { // nothing is written that cannot be seen
		if key.Matches(k, m.keys.Clear) {
			return m.quit()
		}
		return nil
	}
	m.touch()
	m.notices.expire(m.now, glance)
	if m.dialog != nil {
		if _, open := m.dialog.(*help); !open && k.Text == "" && key.Matches(k, m.keys.Help) {
			m.show(m.newHelp(""))
			return nil
		}
		return m.answer(k)
	}
	if m.picks != 0 {
		if cmd, taken := m.messageKey(k); taken {
			return cmd
		}
	}
	if cmd, taken := m.pick(k); taken {
		return cmd
	}
	if cmd, taken := m.screenKey(k); taken {
		return cmd
	}
	m.composer.press(k)
	m.picked = 0
	return tea.Batch(m.tellTyping(), m.gatherOn(k))
}

// answer gives the dialog a key and does what follows.
func (m *model) answer(k tea.KeyPressMsg) tea.Cmd { return m.follows(m.dialog.press(k)) }

// follows does what follows from the dialog.
func (m *model) follows(then action, done bool) tea.Cmd {
	if !done {
		return nil
	}
	m.dialog = nil
	if then == nil {
		return nil
	}
	return then(m)
}

// clear empties the composer; when there is nothing to clear it asks to quit,
// and when that is being asked already the dialog takes the key.
func (m *model) clear() {
	if !m.composer.empty() || m.replies != 0 || m.edits != 0 {
		m.write(draft{})
		return
	}
	m.show(m.quitDialog())
}

// back takes away what is in the way: a warning, then what the text is about,
// then the distance to the newest message.
func (m *model) back() {
	if _, dismissible := m.alarm(); dismissible {
		m.notices.dismiss()
		return
	}
	if m.giveUp() {
		return
	}
	if t := m.thread(); t != nil {
		m.toNewest(t)
	}
}

func (m *model) scroll(n int) {
	if t := m.thread(); t != nil {
		t.stuck = false
		t.scroll(m.page(), n)
	}
}

func (m *model) paste(text string) {
	if m.blind() {
		return
	}
	m.touch()
	if h, open := m.dialog.(*help); open { // nobody pastes to turn a page
		m.dialog = nil
		m.composer.insert(h.typed)
	}
	if m.dialog != nil {
		m.dialog.paste(sanitize.Line(text))
		return
	}
	m.picked = 0
	if complaint := m.composer.paste(text); complaint != "" {
		m.fail(complaint)
	}
}

// open shows a conversation; settle reads its history. What is written stays
// with the one that is left.
func (m *model) open(name string) {
	if name != m.current {
		m.roster.scrolled = false
		d := m.drafts[name]
		if m.current == "" { // what was begun on the first screen goes along
			d.text += m.composer.value()
		} else {
			m.leave()
		}
		m.current, m.picks = name, 0
		m.write(d)
		delete(m.drafts, name)
	}
	c := m.roster.get(name)
	if name == "" || c.State != client.Accepted {
		return
	}
	t := m.threads[name]
	if t == nil {
		t = newThread(name)
		m.threads[name] = t
	}
	t.stuck = false
	switch {
	case len(t.entries) == 0 && c.Unread > 0:
		t.follow = true // to what is unread, wherever the reader was
	case len(t.entries) > 0 && m.height > 0:
		t.arriveAt(m.page(), t.firstUnread())
	}
}

func (m *model) leave() {
	if d := m.draft(); d != (draft{}) {
		m.drafts[m.current] = d
	}
	m.left[m.current] = m.current != ""
	if t := m.threads[m.current]; t != nil {
		t.rest()
	}
}

// submit does what is written: a command, or a text to send.
func (m *model) submit() tea.Cmd {
	text := strings.TrimRight(m.composer.value(), " \n")
	if name, args, is := asCommand(text); is {
		return m.execute(name, args)
	}
	c := m.roster.get(m.current)
	if strings.TrimSpace(text) == "" {
		if m.edits != 0 {
			m.fail("An empty message is not sent. To delete it: " + pressed(m.keys.Newest) + ", " + pressed(m.keys.Select) + ", " + pressed(m.keys.Delete) + ".")
		}
		if c.State == client.Incoming {
			m.show(m.requestDialog(c))
		}
		return nil
	}
	if complaint := m.unsendable(c, text); complaint != "" {
		m.fail(complaint)
		return nil
	}
	if strings.HasPrefix(text, "//") {
		text = text[1:]
	}
	m.remember(m.composer.value())
	m.queue = append(m.queue, outgoing{m.current, draft{text, m.replies, m.edits}})
	if t := m.thread(); t != nil && m.edits == 0 {
		m.toNewest(t)
		t.fresh = 0
	}
	m.write(draft{})
	delete(m.told, m.current)
	if len(m.queue) > 1 {
		return nil // one at a time keeps their order
	}
	return m.jobs.send(m.queue[0])
}

// unsendable says why a text cannot be sent to somebody, and what to do.
func (m *model) unsendable(c client.Contact, text string) string {
	switch {
	case m.lost != "":
		return "Nothing can be sent at the moment. Your text stays here."
	case c.Trust == client.Changed:
		return m.anotherKey(c.Name) + " Your text stays here until you decide: /verify"
	case c.State == client.Incoming:
		return "Accept the request of " + c.Name + " first: /accept"
	case c.State == client.Requested:
		return c.Name + " has not answered yet. Your text stays here."
	case c.State != client.Accepted:
		return "Nobody to send it to yet: /connect NAME asks somebody."
	case m.groups[c.Name].State == client.Unknown:
		return "The owner of " + c.Name + " has not told you of it yet. Your text stays here."
	case len(text) > client.MaxText:
		return "Too long by " + size(len(text)-client.MaxText) + ". A message takes 32 KiB: split it."
	case len(m.queue) >= maxQueue:
		return "The profile takes no messages at the moment. Your text stays here."
	}
	return ""
}

// toNewest follows the end of a conversation again.
func (m *model) toNewest(t *thread) {
	if t.newer {
		t.reset()
	}
	t.follow = true
}

// answerRequest opens the dialog of a request: the open one, else the first.
func (m *model) answerRequest() {
	c := m.roster.get(m.current)
	if c.State != client.Incoming {
		asking := m.roster.names(client.Incoming)
		if len(asking) == 0 {
			m.say("Nobody is asking.")
			return
		}
		c = m.roster.get(asking[0])
	}
	m.show(m.requestDialog(c))
}

// unsent counts the texts that are written and not sent.
func (m *model) unsent() int {
	n := len(m.drafts)
	if !m.composer.empty() {
		n++
	}
	return n
}
