package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// command is what can be written after a slash. Case does not matter.
type command struct {
	name, args, does string
	states           []client.ContactState // whose names complete its argument
	run              func(m *model, args string) tea.Cmd
}

func (c *command) usage() string {
	if c.args == "" {
		return "/" + c.name
	}
	return "/" + c.name + " " + c.args
}

var commands []command

func init() { // their functions lead back to the table, by way of the help
	incoming := []client.ContactState{client.Incoming}
	commands = []command{
		{"connect", "[name [note]]", "ask somebody to talk", nil, (*model).commandConnect},
		{"accept", "[name]", "accept a request", incoming, forRequest(func(m *model, name string) tea.Cmd { return m.jobs.accept(name) })},
		{"reject", "[name]", "drop a request; they are not told", incoming, forRequest(func(m *model, name string) tea.Cmd { return m.jobs.reject(name) })},
		{"block", "[name]", "hear nothing from somebody any more", []client.ContactState{client.Accepted, client.Incoming, client.Requested}, (*model).commandBlock},
		{"help", "", "all keys and commands", nil, func(m *model, _ string) tea.Cmd { m.show(&help{keys: &m.keys}); return nil }},
		{"quit", "", "leave; messages wait for you", nil, func(m *model, _ string) tea.Cmd { return m.quit() }},
	}
}

// asCommand tells a command from a message. A second slash makes it a
// message that begins with one.
func asCommand(text string) (name, args string, is bool) {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return "", "", false
	}
	name, args, _ = strings.Cut(text[1:], " ")
	return strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(args), true
}

// execute runs a command. What is none is never sent: it stays to be corrected.
func (m *model) execute(name, args string) tea.Cmd {
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == name })
	if i < 0 {
		m.fail("There is no command /" + name + ". /help lists them; // begins a message with a slash.")
		return nil
	}
	m.composer.set("")
	return commands[i].run(m, args)
}

func (m *model) commandConnect(args string) tea.Cmd {
	name, note, _ := strings.Cut(args, " ")
	if name == "" {
		m.show(newConnectForm(&m.keys))
		return nil
	}
	return m.connect(name, strings.TrimSpace(note))
}

// connect asks the relay for somebody.
func (m *model) connect(name, note string) tea.Cmd {
	m.say("Asking for " + name + m.More)
	return m.jobs.connect(name, note)
}

// forRequest runs f for the named request, else for the one that is open or
// the only one.
func forRequest(f func(*model, string) tea.Cmd) func(*model, string) tea.Cmd {
	return func(m *model, name string) tea.Cmd {
		asking := m.roster.names(client.Incoming)
		switch {
		case name != "":
		case slices.Contains(asking, m.current):
			name = m.current
		case len(asking) == 1:
			name = asking[0]
		case len(asking) == 0:
			m.fail("Nobody is asking.")
			return nil
		default:
			m.fail("Whose request? " + strings.Join(asking, ", "))
			return nil
		}
		return f(m, name)
	}
}

func (m *model) commandBlock(name string) tea.Cmd {
	if name == "" {
		name = m.current
	}
	if name == "" {
		m.fail("Block whom? /block NAME")
		return nil
	}
	m.show(m.blockDialog(name))
	return nil
}

// suggestions are the commands that what is written may become.
func (m *model) suggestions() []command {
	text := m.composer.value()
	name, _, is := asCommand(text)
	if !is || strings.ContainsAny(text, " \n") {
		return nil
	}
	var fit []command
	for _, c := range commands {
		if strings.HasPrefix(c.name, name) {
			fit = append(fit, c)
		}
	}
	return fit
}

// complete extends a command or the last word as far as it is certain.
func (m *model) complete() {
	text := m.composer.value()
	at := strings.LastIndexAny(text, " \n") + 1
	word, lead := text[at:], ""
	var candidates []string
	switch name, _, is := asCommand(text); {
	case is && at == 0:
		lead, word = "/", strings.ToLower(word[1:])
		for _, c := range m.suggestions() {
			candidates = append(candidates, c.name)
		}
	case is:
		if i := slices.IndexFunc(commands, func(c command) bool { return c.name == name }); i >= 0 && commands[i].states != nil {
			candidates = m.roster.names(commands[i].states...)
		}
	case word != "":
		candidates = append(m.roster.names(), m.identity.Username)
	}
	candidates = slices.DeleteFunc(candidates, func(c string) bool { return !strings.HasPrefix(c, word) })
	if len(candidates) == 0 {
		return
	}
	whole := candidates[0]
	for _, c := range candidates[1:] {
		for !strings.HasPrefix(c, whole) {
			whole = whole[:len(whole)-1]
		}
	}
	if len(candidates) == 1 {
		whole += " "
	}
	m.composer.set(text[:at] + lead + whole)
}
