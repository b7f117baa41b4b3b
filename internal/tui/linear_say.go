package tui

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"secure-messaging/pkg/client"
)

// say adds a line. What it holds of others is indented where it goes on below,
// also where a terminal would break it: so it cannot look like a line of ours.
func (x *linear) say(text string) error {
	const indent = "    "
	if n := columns(x.out) - 1; n > 3*len(indent) {
		var lines []string
		for _, l := range wrap(ansi.WcWidth, text, n-len(indent)) {
			lines = append(lines, text[l.from:l.to])
		}
		text = strings.Join(lines, "\n")
	}
	_, err := fmt.Fprintln(x.out, strings.ReplaceAll(text, "\n", "\n"+indent))
	return err
}

func (x *linear) greet() {
	x.say(fmt.Sprintf("You are %s at %s. Every line that you write is sent to whom you talk to. /help lists the commands.", x.identity.Username, x.identity.Server))
	x.say(x.how(x.status))
	x.who()
	if names := x.roster.names(client.Accepted); len(names) == 1 {
		x.to(names[0])
	}
}

// how says how the connection is.
func (x *linear) how(s client.Status) string {
	text := "Connecting."
	switch s.State {
	case client.Connected:
		text = "Connected."
	case client.Offline:
		text = strings.TrimSuffix("Not connected: "+s.Reason, ": ")
		if !strings.HasSuffix(text, ".") {
			text += "."
		}
		if !s.Fatal {
			text += " Trying again."
		}
	}
	if s.Waiting > 0 {
		text += " " + plural(s.Waiting, "message waits", "messages wait") + " to be sent."
	}
	return text
}

func (x *linear) connection(s client.Status) {
	before := x.status
	x.status = s
	if s.State != before.State && s.State != client.Connecting || s.Fatal != before.Fatal {
		x.say(x.how(s))
	}
}

// who says who there is.
func (x *linear) who() {
	if len(x.roster.contacts) == 0 {
		x.say("Nobody is here yet. /connect NAME asks somebody to talk.")
	}
	for _, g := range groups {
		var people []string
		for _, name := range x.roster.names(g.state) {
			people = append(people, x.person(x.roster.get(name)))
		}
		if len(people) > 0 {
			x.say(map[client.ContactState]string{
				client.Accepted: "You can talk to ", client.Incoming: "Asking to talk to you: ", client.Requested: "Not answered yet by ",
			}[g.state] + strings.Join(people, "; ") + ".")
		}
	}
}

func (x *linear) person(c client.Contact) string {
	text := c.Name
	if c.Online {
		text += ", online"
	}
	switch c.Trust {
	case client.Verified:
		text += ", verified"
	case client.Changed:
		text += ", another key is shown"
	}
	if c.Unread > 0 {
		text += fmt.Sprintf(", %d unread", c.Unread)
	}
	return text
}

// contact says what has changed between us and somebody.
func (x *linear) contact(c client.Contact) {
	was := x.roster.get(c.Name)
	x.roster.put(c)
	if c.Trust == client.Changed && was.Trust != client.Changed {
		x.say(fmt.Sprintf("Warning: another key is shown in the name of %[1]s. Nothing is sent to %[1]s until you decide: /verify %[1]s", c.Name))
	}
	if c.State == was.State {
		return
	}
	switch c.State {
	case client.Incoming:
		note := ""
		if c.Note != "" {
			note = " and writes: " + c.Note + "\n"
		}
		x.say(fmt.Sprintf("%[1]s asks to talk to you%[2]s. The fingerprint is %[3]s. /accept %[1]s, /reject %[1]s or /block %[1]s answers.", c.Name, strings.TrimSuffix(note, "\n"), c.Fingerprint))
	case client.Accepted:
		x.say("You and " + c.Name + " can talk now: /to " + c.Name)
	case client.Known, client.Blocked:
		if x.current == c.Name {
			x.current = ""
			x.say("There is nothing between you and " + c.Name + " any more.")
		}
	}
}

// sayElsewhere says once for each batch how much is new in other
// conversations.
func (x *linear) sayElsewhere() {
	for _, name := range slices.Sorted(maps.Keys(x.elsewhere)) {
		x.say(fmt.Sprintf("%s from %s: /to %s", plural(x.elsewhere[name], "new message", "new messages"), name, name))
	}
	clear(x.elsewhere)
}

// sayMessage says a message whole, and remembers it.
func (x *linear) sayMessage(m client.Message) {
	x.keep(m)
	x.say(x.sentence(m))
}

// sentence is who says what to whom, when, and how far it has come.
func (x *linear) sentence(m client.Message) string {
	switch {
	case m.Type == client.TypeTimer:
		return timer(&m) + "."
	case m.Type == client.TypeMissing:
		return missing(m.Text) + "."
	case m.Type == client.TypeGroup:
		return groupNews(&m) + "."
	}
	head := m.From
	if isGroup(m.Contact) {
		head += " in " + m.Contact
	}
	if m.Outgoing() {
		head = "you to " + m.Contact
	}
	head += ", " + x.when(m)
	if m.Outgoing() {
		head += ", " + stateWord(m.State)
	}
	if m.Reply != nil && !m.Deleted {
		head += ", answering " + x.name(m.Reply.From) + x.quote(m.Reply.Text)
	}
	if m.Edited {
		head += ", edited"
	}
	text := head + ": " + x.saying(m)
	if m.State == client.Failed {
		text += "\nnot sent: " + reason(m)
	} else if m.Outgoing() && m.Reason != "" {
		text += "\n" + m.Reason
	}
	for _, r := range m.Reactions {
		text += "\n" + r.Emoji + " from " + x.name(r.From)
	}
	return text
}

// name says of whom something is, in the user's view.
func (x *linear) name(who string) string {
	if who == x.identity.Username {
		return "you"
	}
	return who
}

func stateWord(s client.MessageState) string {
	switch s {
	case client.Stored:
		return "at the relay"
	case client.Failed:
		return "not sent"
	}
	return string(s) // waiting, delivered and read are words for users too
}

// saying is what a message says, or why it says nothing.
func (x *linear) saying(m client.Message) string {
	switch {
	case m.Deleted:
		return "this message was deleted"
	case m.Type == client.TypeUnreadable:
		return "this message could not be opened: it was altered on its way, or not sealed for this device"
	case m.Type == client.TypeFile:
		return x.file(m)
	case m.Type != client.TypeText:
		return "this message is of a kind that needs a newer version"
	}
	return strings.TrimRight(m.Text, " \n")
}

// when says when a message was written, with the day where that is not today.
func (x *linear) when(m client.Message) string {
	at := written(&m)
	if now := time.Now(); !sameDay(at, now.Local()) {
		return dayName(at, now) + " " + at.Format(x.look.hours)
	}
	return at.Format(x.look.hours)
}

// quote is the beginning of a text between quotes, to say which is meant.
func (x *linear) quote(text string) string {
	const enough = 40
	if text == "" {
		return ""
	}
	return " \"" + x.look.cut(strings.ReplaceAll(text, "\n", " "), enough) + "\""
}

// changed says what has become of a message that was said.
func (x *linear) changed(m client.Message) {
	was, known := x.said[m.Cursor]
	if !known {
		return
	}
	x.keep(m)
	switch quote := x.quote(m.Text); {
	case m.Deleted && !was.Deleted:
		x.say("Deleted by " + x.name(m.From) + ":" + cmp.Or(x.quote(was.Text), " a message") + ".")
	case m.Text != was.Text:
		x.say("Edited by " + x.name(m.From) + ", of " + x.when(m) + ": " + x.saying(m))
	case m.State != was.State && m.State == client.Failed:
		x.say("Not sent to " + m.Contact + quote + ": " + reason(m) + ".")
	case m.State != was.State && m.State == client.Stored:
		x.say("At the relay for " + m.Contact + ":" + quote + ".")
	case m.State != was.State:
		x.say(strings.ToUpper(stateWord(m.State)[:1]) + stateWord(m.State)[1:] + by(m) + ":" + quote + ".")
	}
	x.sayReactions(was, m)
}

// reason is why a message was not sent.
func reason(m client.Message) string {
	return cmp.Or(strings.TrimSuffix(m.Reason, "."), "refused")
}

func by(m client.Message) string {
	if m.State == client.Read {
		return " by " + m.Contact
	}
	return " to " + m.Contact
}

// sayReactions says who has put something beside a message, or taken it back.
func (x *linear) sayReactions(was, m client.Message) {
	for _, r := range m.Reactions {
		if !slices.Contains(was.Reactions, r) {
			x.say(r.Emoji + " from " + x.name(r.From) + " for" + x.quote(m.Text) + ".")
		}
	}
	for _, r := range was.Reactions {
		if !m.Deleted && !slices.ContainsFunc(m.Reactions, func(n client.Reaction) bool { return n.From == r.From }) {
			x.say(r.Emoji + " taken back by " + x.name(r.From) + " from" + x.quote(m.Text) + ".")
		}
	}
}
