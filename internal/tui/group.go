package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// Groups stand in the roster as contacts do: all that is done with a
// conversation is done with them, too. No contact has a name like theirs.

func isGroup(name string) bool { return strings.HasPrefix(name, client.GroupSign) }

// asContact is how a group stands in the roster.
func asContact(g client.Group) client.Contact {
	c := client.Contact{Name: g.Name, State: client.Accepted, Since: g.Since, Unread: g.Unread, LastAt: g.LastAt, Disappear: g.Disappear}
	if g.State == client.Left {
		c.State = client.Known
	}
	return c
}

// regroup takes a group's new state.
func (m *model) regroup(g client.Group) {
	before, known := m.groups[g.Name]
	m.groups[g.Name] = g
	m.roster.put(asContact(g))
	switch {
	case g.State == client.Left && before.State == client.Joined:
		m.say("You are not in " + g.Name + " any more. What was said there stays in your history.")
	case g.State == client.Joined && (!known || before.State != client.Joined) && g.Owner != m.identity.Username:
		m.say("You are in " + g.Name + " now, with " + listed(m.others(&g)) + ".")
	}
	m.stay()
}

// others are the members of a group but for the user, and those who have left.
func (m *model) others(g *client.Group) (names []string) {
	for _, o := range g.Members {
		if o.Name != m.identity.Username && o.Reach != client.Outside {
			names = append(names, o.Name)
		}
	}
	return names
}

// strangers are members of a group who do not hear the user, nor the user them.
func strangers(g *client.Group) (names []string) {
	for _, o := range g.Members {
		if o.Reach == client.Stranger {
			names = append(names, o.Name)
		}
	}
	return names
}

// listed names some in a sentence.
func listed(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nobody else"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// groupOrder is what somebody wants of a group: to make one, or to change the
// open one.
type groupOrder struct {
	make    string // the name of a new one
	members []string
	change  client.GroupChange
}

// groupVerbs are what an order can begin with.
var groupVerbs = []string{"make", "add", "remove", "owner", "leave"}

// parseGroup reads an order, given where g is open; its zero value is for none.
func parseGroup(words []string, g client.Group) (o groupOrder, complaint string) {
	verb, names := words[0], words[1:]
	switch {
	case !slices.Contains(groupVerbs, verb):
		return o, "/group make NAME WHO… makes one; add, remove, owner and leave change the open one."
	case verb == "make" && len(names) < 2:
		return o, "Name it, and who is in it: /group make NAME WHO…"
	case verb == "make":
		return groupOrder{make: strings.TrimPrefix(names[0], client.GroupSign), members: names[1:]}, ""
	case g.Name == "":
		return o, "Open a group first: that is done to the open one."
	case verb == "leave" && len(names) > 0:
		return o, "/group leave has you leave " + g.Name + ". To take somebody else out of it: /group remove WHO"
	case verb != "leave" && len(names) == 0:
		return o, "Whom? /group " + verb + " WHO"
	case verb == "owner" && len(names) > 1:
		return o, "A group has one owner: /group owner WHO"
	}
	switch verb {
	case "add":
		o.change.Add = names
	case "remove":
		o.change.Remove = names
	case "owner":
		o.change.Owner = names[0]
	case "leave":
		o.change.Leave = true
	}
	return o, ""
}

// commandGroup does what is wanted of a group. Without a word it shows the open
// one, or asks for a new one.
func (m *model) commandGroup(args string) (tea.Cmd, string) {
	words := strings.Fields(strings.ToLower(args))
	g := m.groups[m.current]
	switch {
	case len(words) == 0 && g.Name != "":
		m.show(m.groupDialog(g))
		return nil, ""
	case len(words) == 0:
		m.show(newGroupForm(&m.keys))
		return nil, ""
	}
	o, complaint := parseGroup(words, g)
	switch {
	case complaint != "":
		return nil, complaint
	case o.make != "":
		return m.jobs.makeGroup(o.make, o.members), ""
	case o.change.Leave:
		m.show(m.leaveDialog(g))
		return nil, ""
	}
	return m.jobs.changeGroup(g.Name, o.change, strings.Join(words, " ")), ""
}

// groupWords completes an order.
func groupWords(m *model) []string {
	words := strings.Fields(strings.ToLower(m.composer.before()))
	if len(words) < 2 || len(words) == 2 && !strings.HasSuffix(m.composer.before(), " ") {
		return groupVerbs
	}
	g := m.groups[m.current]
	if words[1] == "remove" || words[1] == "owner" {
		return m.others(&g)
	}
	return slices.DeleteFunc(m.roster.names(client.Accepted), isGroup)
}

func newGroupForm(keys *keyMap) *form {
	return newForm(keys, "Make a group", "make it", "You own it: you say who is in it. Members hear those of the others who are their contacts, too.",
		field("Name  ", "a-z, 0-9, _ and -", client.MaxGroupName), field("Who   ", "names of contacts", 0),
		func(name, who string) action {
			return func(m *model) tea.Cmd {
				cmd, complaint := m.commandGroup("make " + name + " " + who)
				if complaint != "" {
					m.fail(complaint)
				}
				return cmd
			}
		})
}

// groupDialog shows who is in a group, and what can be done about it.
func (m *model) groupDialog(g client.Group) *choice {
	c := &choice{
		keys: &m.keys, title: g.Name,
		body:    func(lk *look, width, height int) []string { return lk.members(m.groups[g.Name], width, height) },
		options: []option{{"Close", plain, nil}},
	}
	if g.Owner == m.identity.Username {
		c.options = append(c.options, option{"Add", plain, func(m *model) tea.Cmd {
			if !m.composer.empty() {
				m.fail("Send or clear what you have written first.")
				return nil
			}
			m.composer.set("/group add ")
			return nil
		}})
	}
	if unknown := strangers(&g); len(unknown) > 0 {
		c.options = append(c.options, option{"Request", good, func(m *model) tea.Cmd {
			var cmds []tea.Cmd
			for _, name := range unknown {
				cmds = append(cmds, m.jobs.connectAside(name, "We are both in "+g.Name+"."))
			}
			return tea.Batch(cmds...)
		}})
	}
	if g.State == client.Joined {
		c.options = append(c.options, option{"Leave", bad, func(m *model) tea.Cmd { m.show(m.leaveDialog(g)); return nil }})
	}
	return c
}

func (m *model) leaveDialog(g client.Group) *choice {
	return &choice{
		keys: &m.keys, title: "Leave " + g.Name + "?",
		body: func(lk *look, width, _ int) []string {
			return lk.wrapped("The others are told. Nothing that is said in it after that reaches you; what was said stays in your history. Its owner can add you again.", lk.Text.Render, width)
		},
		options: []option{
			{"Stay", plain, nil},
			{"Leave", bad, func(m *model) tea.Cmd {
				return m.jobs.changeGroup(g.Name, client.GroupChange{Leave: true}, "leave")
			}},
		},
	}
}

// members lists who is in a group, and how each is reached; who does not fit is
// counted.
func (lk *look) members(g client.Group, width, height int) (lines []string) {
	for i, o := range g.Members {
		if len(lines) == height-1 && i < len(g.Members)-1 {
			return append(lines, lk.Dim.Render(fmt.Sprintf("and %d more", len(g.Members)-i)))
		}
		note := reachNote(o)
		if o.Name == g.Owner {
			note = strings.TrimSuffix("owner, "+note, ", ")
		}
		lines = append(lines, lk.sides(lk.Text.Render(o.Name), lk.Dim.Render(note), width))
	}
	return lines
}

// reachNote says what there is to say of a member.
func reachNote(o client.Member) string {
	switch o.Reach {
	case client.Self:
		return "you"
	case client.Stranger:
		return "no contact of yours"
	case client.OtherKey:
		return "another key than the owner knows"
	case client.Outside:
		return "has left"
	}
	return ""
}

// grouped takes what has become of an order.
func (m *model) grouped(a grouped) {
	if a.err != nil {
		m.comeBack("/group "+a.line, a.err)
		return
	}
	m.regroup(a.group)
	if a.made {
		m.open(a.group.Name)
		m.say(a.group.Name + " is made. /group shows who is in it.")
	}
}

// groupNews says what has changed about a group.
func groupNews(m *client.Message) string {
	verb, rest, _ := strings.Cut(m.Text, " ")
	who := listed(strings.Fields(rest))
	by := m.From + " has "
	if m.Outgoing() {
		by = "You have "
	}
	switch client.GroupNews(verb) {
	case client.NewsMade:
		return by + "made " + m.Contact + ", with " + who
	case client.NewsAdded:
		return by + "added " + who
	case client.NewsRemoved:
		return by + "removed " + who
	case client.NewsLeft:
		return by + "left " + m.Contact
	case client.NewsOwner:
		return by + "made " + who + " the owner"
	case client.NewsTimer:
		return by + timed(rest)
	}
	return m.Contact + " has changed, in a way that this version does not know"
}

// timed says what was set about messages that disappear, after how many
// seconds in decimal.
func timed(seconds string) string {
	n, err := strconv.ParseUint(seconds, 10, 32)
	if err != nil || n == 0 {
		return "set that messages stay"
	}
	return "set that messages disappear " + spell(time.Duration(n)*time.Second) + " after they are read"
}

// opening stands in place of a group without messages.
func (m *model) opening(g client.Group, width int) []string {
	if g.State == client.Unknown {
		return m.wrapped("Somebody writes to "+g.Name+", and its owner has not told you of it yet.", m.Text.Render, width)
	}
	lines := m.wrapped("You are in "+g.Name+" with "+listed(m.others(&g))+". What you write is sealed for each of them; the relay sees no group.", m.Text.Render, width)
	if unknown := strangers(&g); len(unknown) > 0 {
		lines = append(lines, "")
		lines = append(lines, m.wrapped(listed(unknown)+": no contact of yours. You do not hear each other before you are: /group, Request asks.", m.Warn.Render, width)...)
	}
	lines = append(lines, "")
	return append(lines, m.wrapped("/group shows who is in it.", m.Dim.Render, width)...)
}
