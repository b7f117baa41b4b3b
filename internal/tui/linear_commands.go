package tui

import (
	"fmt"
	"slices"
	"strings"

	"secure-messaging/pkg/client"
)

const (
	// recent is how many messages are said of a conversation that is entered
	// with nothing unread.
	recent = 5

	// maxFound is how many hits of a search are said.
	maxFound = 10
)

// spoken is a command of the linear interface. It does it, or says what is
// wrong with how it was written.
type spoken struct {
	name, args, does string
	run              func(x *linear, args string) (complaint string, err error)
}

var spokenCommands []spoken

func init() { // they lead back to the table, by way of the help
	spokenCommands = []spoken{
		{"to", "NAME", "talk to somebody, and hear what is unread", (*linear).commandTo},
		{"who", "", "who there is", func(x *linear, _ string) (string, error) { x.who(); return "", nil }},
		{"older", "", "hear what was said before", func(x *linear, _ string) (string, error) { return x.older() }},
		{"search", "WORDS", "search everything", (*linear).commandSearch},
		{"reply", "TEXT", "answer the last message of whom you talk to", (*linear).commandReply},
		{"react", "EMOJI", "put an emoji beside it; none takes it back", (*linear).commandReact},
		{"edit", "TEXT", "replace the words of your last message", (*linear).commandEdit},
		{"delete", "", "delete your last message", (*linear).commandDelete},
		{"connect", "NAME [NOTE]", "ask somebody to talk", (*linear).commandConnect},
		{"accept", "NAME", "accept a request", (*linear).commandAccept},
		{"reject", "NAME", "drop a request; they are not told", (*linear).commandReject},
		{"block", "NAME", "hear nothing from somebody any more", (*linear).commandBlock},
		{"verify", "NAME", "compare safety numbers", (*linear).commandVerify},
		{"file", "PATH", "send a file", (*linear).commandFile},
		{"save", "FOLDER", "save the last file that came in", (*linear).commandSave},
		{"group", "[make|add|leave]", "talk with several: make, add, remove, owner, leave; alone: who is in it", (*linear).commandGroup},
		{"disappear", "TIME", "let messages go after they are read: 30m, 8h, 1d, 1w; off", (*linear).commandDisappear},
	}
	for _, t := range tellings {
		spokenCommands = append(spokenCommands, spoken{t.name, "on|off", t.does, func(x *linear, args string) (string, error) { return x.tell(t, args) }})
	}
	spokenCommands = append(spokenCommands,
		spoken{"status", "", "how the connection is", func(x *linear, _ string) (string, error) { return "", x.say(x.how(x.status)) }},
		spoken{"help", "", "all commands", func(x *linear, _ string) (string, error) { return "", x.help() }},
		spoken{"quit", "", "leave; messages wait for you", func(x *linear, _ string) (string, error) { x.quit = true; return "", nil }},
	)
}

// line does what was written.
func (x *linear) line(l typed) {
	if l.tooLong {
		x.say("That line was too long, and nothing of it was sent. A message takes 32 KiB.")
		return
	}
	name, args, is := asCommand(l.text)
	if !is {
		x.send(l.text)
		return
	}
	i := slices.IndexFunc(spokenCommands, func(c spoken) bool { return c.name == name })
	if i < 0 {
		x.say("There is no command /" + name + ". /help lists them; two slashes begin a message with one.")
		return
	}
	complaint, err := spokenCommands[i].run(x, args)
	if err != nil {
		x.fail(err)
	}
	if complaint != "" {
		x.say(complaint)
	}
}

// send sends a line to whom the user talks to.
func (x *linear) send(text string) {
	text = strings.TrimRight(text, " ")
	if strings.TrimSpace(text) == "" {
		return
	}
	if strings.HasPrefix(text, "//") {
		text = text[1:]
	}
	if x.current == "" {
		x.say("Not sent: you talk to nobody yet. /to NAME changes that.")
		return
	}
	if len(text) > client.MaxText {
		x.say("Not sent: too long by " + size(len(text)-client.MaxText) + ". A message takes 32 KiB.")
		return
	}
	m, err := x.account.Send(x.ctx, x.current, text)
	if err != nil {
		x.say("Not sent: " + cleanError(err))
		return
	}
	x.keep(cleanMessage(m))
	if x.status.State != client.Connected {
		x.say("Waiting until the relay can be reached.")
	}
}

func (x *linear) help() error {
	for _, c := range spokenCommands {
		if err := x.say(strings.TrimSpace("/"+c.name+" "+c.args) + ": " + c.does + "."); err != nil {
			return err
		}
	}
	return nil
}

func (x *linear) commandTo(name string) (string, error) {
	name = strings.ToLower(name)
	switch c := x.roster.get(name); {
	case name == "" && x.current == "":
		return "You talk to nobody. /to NAME changes that, and /who says who there is.", nil
	case name == "":
		return "You talk to " + x.current + ".", nil
	case c.State == client.Incoming:
		return name + " asks to talk to you: /accept " + name, nil
	case c.State == client.Requested:
		return name + " has not answered yet.", nil
	case c.State != client.Accepted && isGroup(name):
		return "You are in no group " + name + ".", nil
	case c.State != client.Accepted:
		return "There is no conversation with " + name + ". /connect " + name + " asks for one.", nil
	}
	return "", x.to(name)
}

// to enters a conversation, and says what is unread or the end of it.
func (x *linear) to(name string) error {
	x.current, x.oldest = name, 0
	c := x.roster.get(name)
	if err := x.say("You talk to " + x.person(c) + "."); err != nil {
		return err
	}
	return x.page(client.Query{Contact: name, Limit: min(c.Unread+recent, client.MaxLimit)})
}

// page says a page of the conversation.
func (x *linear) page(q client.Query) error {
	messages, err := x.account.History(x.ctx, q)
	if err != nil || len(messages) == 0 {
		return err
	}
	var unread client.Message // the last of them
	for _, m := range messages {
		if x.sayMessage(cleanMessage(m)); m.Unread {
			unread = m
		}
	}
	x.oldest = messages[0].Cursor
	x.markRead(unread)
	return nil
}

func (x *linear) older() (string, error) {
	if x.current == "" {
		return "You talk to nobody yet. /to NAME changes that.", nil
	}
	before := x.oldest
	if err := x.page(client.Query{Contact: x.current, Before: before, Limit: 2 * recent}); err != nil {
		return "", err
	}
	if x.oldest == before {
		return "There is nothing older.", nil
	}
	return "", nil
}

func (x *linear) commandSearch(words string) (string, error) {
	if words == "" || len(words) > client.MaxFind {
		return fmt.Sprintf("Write /search and some words, at most %d bytes.", client.MaxFind), nil
	}
	hits, err := x.account.Search(x.ctx, client.Search{Find: words, Limit: maxFound})
	if err != nil || len(hits) == 0 {
		return "Nothing found.", err
	}
	for _, m := range slices.Backward(hits) {
		x.say(x.sentence(cleanMessage(m)))
	}
	return "", nil
}

// last returns the last message of theirs or of ours that was said.
func (x *linear) last(of map[string]int64) (client.Message, bool) {
	m, there := x.said[of[x.current]]
	return m, there && x.current != ""
}

const (
	noneOfTheirs = "There is no message to answer here."
	noneOfOurs   = "You have written nothing here that can be changed."
)

func (x *linear) commandReply(text string) (string, error) {
	m, there := x.last(x.theirs)
	switch {
	case !there:
		return noneOfTheirs, nil
	case text == "":
		return "Write /reply and what to answer.", nil
	}
	sent, err := x.account.Reply(x.ctx, m.Cursor, text)
	if err == nil {
		x.keep(cleanMessage(sent))
		x.say("Answering" + x.quote(m.Text) + ".")
	}
	return "", err
}

func (x *linear) commandReact(emoji string) (string, error) {
	m, there := x.last(x.theirs)
	if !there {
		return noneOfTheirs, nil
	}
	if len(emoji) > client.MaxReaction {
		return "A reaction is one emoji or a short word.", nil
	}
	_, err := x.account.React(x.ctx, m.Cursor, emoji) // what changed is said when it comes as an event
	return "", err
}

func (x *linear) commandEdit(text string) (string, error) {
	m, there := x.last(x.ours)
	switch {
	case !there:
		return noneOfOurs, nil
	case text == "":
		return "Write /edit and the new words. Now they are: " + m.Text, nil
	}
	_, err := x.account.Edit(x.ctx, m.Cursor, text)
	return "", err
}

func (x *linear) commandDelete(sure string) (string, error) {
	m, there := x.last(x.ours)
	switch {
	case !there:
		return noneOfOurs, nil
	case !strings.EqualFold(sure, "yes"):
		return "To delete" + x.quote(m.Text) + " here and there, write: /delete yes", nil
	}
	_, err := x.account.Delete(x.ctx, m.Cursor)
	if err == nil {
		delete(x.ours, x.current)
	}
	return "", err
}

func (x *linear) commandConnect(args string) (string, error) {
	name, note, _ := strings.Cut(args, " ")
	if name == "" {
		return "Ask whom? /connect NAME", nil
	}
	name = strings.ToLower(name)
	c, err := x.account.Connect(x.ctx, name, strings.TrimSpace(note))
	if err != nil {
		return "", err
	}
	if c.State == client.Requested {
		return "Asked " + name + ". What they answer is said here.", nil
	}
	return "", nil
}

// request gives the name of who asks: the one that is meant, or the only one.
func (x *linear) request(name string) (who, complaint string) {
	asking := x.roster.names(client.Incoming)
	switch name = strings.ToLower(name); {
	case slices.Contains(asking, name):
		return name, ""
	case len(asking) == 0:
		return "", "Nobody is asking."
	case name == "" && len(asking) == 1:
		return asking[0], ""
	}
	return "", "Whose request? Asking: " + strings.Join(asking, ", ") + "."
}

func (x *linear) commandAccept(name string) (string, error) {
	name, complaint := x.request(name)
	if complaint != "" {
		return complaint, nil
	}
	c, err := x.account.Accept(x.ctx, name)
	if err != nil || x.current != "" {
		return "", err // that they can talk is said when it comes as an event
	}
	x.contact(cleanContact(c))
	return "", x.to(name)
}

func (x *linear) commandReject(name string) (string, error) {
	name, complaint := x.request(name)
	if complaint != "" {
		return complaint, nil
	}
	if err := x.account.Reject(x.ctx, name); err != nil {
		return "", err
	}
	return "Dropped the request of " + name + ".", nil
}

func (x *linear) commandBlock(args string) (string, error) {
	name, sure, _ := strings.Cut(strings.ToLower(args), " ")
	switch {
	case name == "":
		return "Block whom? /block NAME", nil
	case sure != "yes":
		return fmt.Sprintf("To hear nothing from %[1]s any more, write: /block %[1]s yes", name), nil
	}
	if err := x.account.Block(x.ctx, name); err != nil {
		return "", err
	}
	return "Blocked " + name + ".", nil
}

func (x *linear) commandDisappear(args string) (string, error) {
	if x.current == "" {
		return "You talk to nobody yet. /to NAME changes that.", nil
	}
	d, ok := parseTime(args)
	if !ok {
		return "Write /disappear with 30s, 30m, 8h, 1d or 1w, at most 4w; or off.", nil
	}
	if isGroup(x.current) {
		return "", x.setGroupTimer(d)
	}
	_, err := x.account.Disappear(x.ctx, x.current, d) // said when it comes as a message
	return "", err
}

// tell switches what others are told, or says how it is.
func (x *linear) tell(t telling, args string) (string, error) {
	s := x.settings
	value := t.value(&s)
	switch strings.ToLower(args) {
	case "":
	case "on", "off":
		*value = strings.EqualFold(args, "on")
		if err := x.account.SetSettings(x.ctx, s); err != nil {
			return "", err
		}
		x.settings = s
	default:
		return "/" + t.name + " on, or /" + t.name + " off.", nil
	}
	if *value {
		return t.name + " is on: " + t.on, nil
	}
	return t.name + " is off: " + t.off, nil
}
