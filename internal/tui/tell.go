package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// What others are told without being asked: that the user writes, has read,
// is there.

// tellEvery is how often the account is asked to say that the user writes. It
// decides by itself whether and how often that leaves.
const tellEvery = client.TypingFor / 3

// tellTyping says to the open conversation that the user writes to it.
func (m *model) tellTyping() tea.Cmd {
	c := m.roster.get(m.current)
	if !m.settings.Typing || c.State != client.Accepted || !c.Online || m.composer.empty() || strings.HasPrefix(m.composer.value(), "/") || m.now.Sub(m.told[c.Name]) < tellEvery {
		return nil
	}
	m.told[c.Name] = m.now
	return m.jobs.typing(c.Name)
}

// isWriting reports whether somebody is seen writing.
func (m *model) isWriting(name string) bool { return m.writing[name].After(m.now) }

// telling is one of the things that others are told, as a command.
type telling struct {
	name, does string
	value      func(*client.Settings) *bool
	on, off    string // what it means
}

var tellings = []telling{
	{"receipts", "tell when you have read something, and hear it", func(s *client.Settings) *bool { return &s.Receipts },
		"Contacts hear when you have read what they wrote, and you hear it of those who have this on, too.",
		"Nobody hears when you have read something, nor do you hear it of others."},
	{"typing", "tell when you write, and hear it", func(s *client.Settings) *bool { return &s.Typing },
		"Contacts who are online see when you write to them, and you see it of them.",
		"Nobody sees when you write, nor do you see it of others."},
	{"presence", "tell when you are online, and hear it", func(s *client.Settings) *bool { return &s.Presence },
		"The relay tells your contacts when you are online, and tells you of those who share it, too.",
		"The relay tells nobody when you are online, nor you of others."},
}

// commandSetting switches one of them, or says how it is.
func commandSetting(st telling) func(*model, string) (tea.Cmd, string) {
	return func(m *model, args string) (tea.Cmd, string) {
		s := m.settings
		value := st.value(&s)
		meaning := func() string {
			if *value {
				return "on: " + st.on
			}
			return "off: " + st.off
		}
		switch strings.ToLower(args) {
		case "":
			m.say(fmt.Sprintf("%s is %s", st.name, meaning()))
			return nil, ""
		case "on", "off":
			*value = strings.EqualFold(args, "on")
			return m.jobs.set(s, fmt.Sprintf("%s is %s", st.name, meaning())), ""
		}
		return nil, "/" + st.name + " on, or /" + st.name + " off."
	}
}

// settingsSet takes the account's answer.
func (m *model) settingsSet(s settingsSet) {
	if s.err != nil {
		m.couldNotDo("", s.err)
		return
	}
	m.settings = s.settings
	m.say(s.word)
}

// changed takes the account's answer to a change. What has become of it comes
// as an event, in its order among others.
func (m *model) changed(c changed) {
	if c.err != nil {
		m.couldNotDo("", c.err)
	}
}

// writingLine says who writes, beside the rule above the composer.
func (m *model) writingLine() string {
	if !m.isWriting(m.current) {
		return ""
	}
	return " " + m.current + " is writing" + m.More + " "
}
