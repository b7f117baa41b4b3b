package tui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// command is what can be written after a slash. Case does not matter.
type command struct {
	name, args, does string
	completions      func(m *model) []string // what its argument may be; nil where that is not known
	// run does it, or says why it cannot be done as it is written.
	run func(m *model, args string) (cmd tea.Cmd, complaint string)
}

func (c *command) usage() string {
	if c.args == "" {
		return "/" + c.name
	}
	return "/" + c.name + " " + c.args
}

// people completes an argument with names.
func people(states ...client.ContactState) func(*model) []string {
	return func(m *model) []string { return m.roster.names(states...) }
}

// oneOf completes an argument with words.
func oneOf(words ...string) func(*model) []string {
	return func(*model) []string { return words }
}

var commands []command

func init() { // their functions lead back to the table, by way of the help
	incoming := people(client.Incoming)
	anybody := people(client.Accepted, client.Incoming, client.Requested)
	commands = []command{
		{"connect", "[name [note]]", "ask somebody to talk", nil, (*model).commandConnect},
		{"accept", "[name]", "accept a request", incoming, forRequest(func(m *model, name string) tea.Cmd { return m.jobs.accept(name) })},
		{"reject", "[name]", "drop a request; they are not told", incoming, forRequest(func(m *model, name string) tea.Cmd { return m.jobs.reject(name) })},
		{"verify", "[name]", "compare safety numbers", anybody, (*model).commandVerify},
		{"block", "[name]", "hear nothing from somebody any more", anybody, (*model).commandBlock},
		{"search", "[words]", "search everything that was ever said", nil, (*model).commandSearch},
		{"file", "PATH", "send a file", func(*model) []string { return nil }, (*model).commandFile},
		{"group", "[make|add|leave]", "talk with several: make, add, remove, owner, leave; alone: who is in it", groupWords, (*model).commandGroup},
		{"disappear", "[time]", "let messages of this conversation go after they are read: 30m, 8h, 1d, 1w; off", oneOf("off", "30m", "8h", "1d", "1w"), (*model).commandDisappear},
	}
	for _, s := range tellings {
		commands = append(commands, command{s.name, "[on|off]", s.does, oneOf("on", "off"), commandSetting(s)})
	}
	commands = append(commands,
		command{"theme", "[name]", "other colours", func(*model) []string { return themeNames() }, (*model).commandTheme},
		command{"help", "", "all keys and commands", nil, func(m *model, _ string) (tea.Cmd, string) { m.show(&help{keys: &m.keys}); return nil, "" }},
		command{"quit", "", "leave; messages wait for you", nil, func(m *model, _ string) (tea.Cmd, string) { return m.quit(), "" }},
	)
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

// asWritten is how a message is written that it does not become a command.
func asWritten(text string) string {
	if strings.HasPrefix(text, "/") {
		return "/" + text
	}
	return text
}

// known returns the command of a name, or nil.
func known(name string) *command {
	if i := slices.IndexFunc(commands, func(c command) bool { return c.name == name }); i >= 0 {
		return &commands[i]
	}
	return nil
}

// execute runs a command. What cannot be run stays to be corrected, and what
// is no command is never sent.
func (m *model) execute(name, args string) tea.Cmd {
	c := known(name)
	if c == nil {
		m.fail("There is no command /" + name + ". /help lists them; // begins a message with a slash.")
		return nil
	}
	cmd, complaint := c.run(m, args)
	if complaint != "" {
		m.fail(complaint)
		return nil
	}
	m.remember(strings.TrimSpace("/" + name + " " + args))
	m.composer.set("")
	return cmd
}

func (m *model) commandConnect(args string) (tea.Cmd, string) {
	name, note, _ := strings.Cut(args, " ")
	if name == "" {
		m.show(newConnectForm(&m.keys))
		return nil, ""
	}
	return m.connect(strings.ToLower(name), strings.TrimSpace(note)), ""
}

// connect asks the relay for somebody.
func (m *model) connect(name, note string) tea.Cmd {
	m.say("Asking for " + name + m.More)
	return m.jobs.connect(name, note)
}

// forRequest runs f for the named request, else for the one that is open or
// the only one.
func forRequest(f func(*model, string) tea.Cmd) func(*model, string) (tea.Cmd, string) {
	return func(m *model, name string) (tea.Cmd, string) {
		asking := m.roster.names(client.Incoming)
		name = strings.ToLower(name)
		switch {
		case len(asking) == 0:
			return nil, "Nobody is asking."
		case slices.Contains(asking, name):
		case name != "":
			return nil, name + " is not asking. Who is: " + strings.Join(asking, ", ")
		case slices.Contains(asking, m.current):
			name = m.current
		case len(asking) == 1:
			name = asking[0]
		default:
			return nil, "Whose request? " + strings.Join(asking, ", ")
		}
		return f(m, name), ""
	}
}

func (m *model) commandBlock(name string) (tea.Cmd, string) {
	name = strings.ToLower(cmp.Or(name, m.current))
	if name == "" || isGroup(name) {
		return nil, "Block whom? /block NAME"
	}
	m.show(m.blockDialog(name))
	return nil, ""
}
