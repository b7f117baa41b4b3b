package tui

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"secure-messaging/pkg/client"
)

// Groups and files in the linear interface.

// group says what has changed between us and a group.
func (x *linear) group(g client.Group) {
	was := x.groups[g.Name]
	x.groups[g.Name] = g
	x.roster.put(asContact(g))
	switch {
	case g.State == was.State:
	case g.State == client.Joined:
		x.say("You are in the group " + g.Name + " with " + x.membersOf(g) + ". /to " + g.Name + " talks to it.")
	case g.State == client.Left && was.State == client.Joined:
		x.say("You are not in " + g.Name + " any more.")
		if x.current == g.Name {
			x.current = ""
		}
	}
}

// membersOf names who is in a group beside the user, and how they are reached.
func (x *linear) membersOf(g client.Group) string {
	var people []string
	for _, o := range g.Members {
		if o.Name == x.identity.Username {
			continue
		}
		name := o.Name
		if o.Name == g.Owner {
			name += " (the owner)"
		}
		if note := reachNote(o); note != "" {
			name += " (" + note + ")"
		}
		people = append(people, name)
	}
	return listed(people)
}

func (x *linear) commandGroup(args string) (string, error) {
	words := strings.Fields(strings.ToLower(args))
	g := x.groups[x.current]
	switch {
	case len(words) == 0 && g.Name == "":
		return "This is no group. /group make NAME WHO... makes one.", nil
	case len(words) == 0:
		return "In " + g.Name + " with you: " + x.membersOf(g) + ".", nil
	case len(words) == 2 && words[0] == "leave" && words[1] == "yes":
		words = words[:1]
	case words[0] == "leave" && g.Name != "":
		return "To leave " + g.Name + ", write: /group leave yes", nil
	}
	o, complaint := parseGroup(words, g)
	if complaint != "" {
		return complaint, nil
	}
	if o.make != "" {
		made, err := x.account.MakeGroup(x.ctx, o.make, o.members)
		if err == nil {
			x.group(cleanGroup(made))
		}
		return "", err
	}
	_, err := x.account.ChangeGroup(x.ctx, g.Name, o.change) // said when it comes as a message
	return "", err
}

// setGroupTimer has messages of the open group disappear.
func (x *linear) setGroupTimer(d time.Duration) error {
	seconds := int(d / time.Second)
	_, err := x.account.ChangeGroup(x.ctx, x.current, client.GroupChange{Disappear: &seconds})
	return err
}

func (x *linear) commandFile(args string) (string, error) {
	switch {
	case x.current == "":
		return "You talk to nobody yet. /to NAME changes that.", nil
	case args == "":
		return "Which file? /file PATH", nil
	}
	path, err := filepath.Abs(unquoted(args))
	if err != nil {
		return "", err
	}
	m, err := x.account.SendFile(x.ctx, x.current, path, "")
	if err != nil {
		return "", err
	}
	m = cleanMessage(m)
	x.keep(m)
	return "Sending " + fileName(&m) + ".", nil
}

// commandSave saves the file of the last message of theirs that has one.
func (x *linear) commandSave(dir string) (string, error) {
	var last client.Message
	for _, m := range x.said {
		if m.Contact == x.current && m.Type == client.TypeFile && !m.Deleted && !m.Outgoing() && m.Cursor > last.Cursor {
			last = m
		}
	}
	dir = unquoted(dir)
	if dir == "" {
		dir = x.downloads
	}
	switch {
	case last.Cursor == 0:
		return "There is no file to save here.", nil
	case dir == "":
		return "Save it where? /save FOLDER", nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if dir == x.downloads {
		err = os.MkdirAll(dir, 0o700) // where it is not there yet: that of a new system
	} else if info, statErr := os.Stat(dir); statErr != nil || !info.IsDir() {
		return "There is no folder " + shortPath(dir) + ". Make it first, or name another: /save FOLDER", nil
	}
	if err != nil {
		return "", err
	}
	path, err := x.account.SaveFile(x.ctx, last.Cursor, dir)
	if err != nil {
		return "", err
	}
	return "Saved: " + shortPath(path), nil
}

// file says what a file is, and what was said with it.
func (x *linear) file(m client.Message) string {
	text := "the file " + fileName(&m)
	if m.File != nil {
		text += ", " + size(int(m.File.Size))
	}
	if words := strings.TrimRight(m.Text, " \n"); words != "" {
		text += "\n" + words
	}
	return text
}
