package tui

import (
	"charm.land/bubbles/v2/key"
)

// keyMap is every key of the screen. Help and hints are made from it, so they
// cannot say anything else.
type keyMap struct {
	Send, Newline, Complete, Clear key.Binding
	PageUp, PageDown, LineUp       key.Binding
	LineDown, Newest               key.Binding
	Jump, NextUnread, Nth          key.Binding
	Previous, Next                 key.Binding
	Connect, Answer, Verify        key.Binding
	Help, Alarm, Redraw            key.Binding
	Select, EditLast, FirstUnread  key.Binding
	Find, Recall, Editor, Palette  key.Binding

	// In the message mode.
	Reply, React, Edit, Delete, Follow     key.Binding
	Copy, CopyCode, CopyLink, Older, Later key.Binding

	Choose, Left, Right, Close key.Binding // in dialogs
}

func bind(label, does string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(label, does))
}

func newKeyMap() keyMap {
	return keyMap{
		Send:     bind("enter", "send", "enter"),
		Newline:  bind("alt+enter, shift+enter, ctrl+j", "new line", "shift+enter", "alt+enter", "ctrl+j"),
		Complete: bind("tab", "complete a name or command", "tab"),
		Clear:    bind("ctrl+c", "clear what you write; then quit", "ctrl+c"),

		PageUp:   bind("pgup", "back", "pgup"),
		PageDown: bind("pgdown", "forward", "pgdown"),
		LineUp:   bind("ctrl+up", "back by a line", "ctrl+up"),
		LineDown: bind("ctrl+down", "forward by a line", "ctrl+down"),
		Newest:   bind("esc", "to the newest message", "esc"),

		Jump:       bind("ctrl+k", "jump to a conversation", "ctrl+k"),
		NextUnread: bind("alt+a", "next unread", "alt+a"),
		Nth:        bind("alt+1 to alt+9", "by its place", "alt+1", "alt+2", "alt+3", "alt+4", "alt+5", "alt+6", "alt+7", "alt+8", "alt+9"),
		Previous:   bind("alt+up", "the one above", "alt+up"),
		Next:       bind("alt+down", "the one below", "alt+down"),

		Connect: bind("alt+n", "ask somebody to talk", "alt+n"),
		Answer:  bind("alt+r", "answer a request", "alt+r"),
		Verify:  bind("alt+v", "compare safety numbers", "alt+v"),

		Select:      bind("alt+m", "pick a message: answer, react, edit, delete, copy", "alt+m"),
		EditLast:    bind("up", "edit your last message, where nothing is written", "up"),
		FirstUnread: bind("alt+u", "the first unread message", "alt+u"),
		Find:        bind("ctrl+f", "search everything", "ctrl+f"),
		Recall:      bind("ctrl+r", "what you have sent before", "ctrl+r"),
		Editor:      bind("ctrl+o", "write in your editor", "ctrl+o"),
		Palette:     bind("ctrl+p", "all commands, by some of their letters", "ctrl+p"),

		Reply:  bind("r", "reply", "r", "enter"),
		React:  bind("e", "react", "e"),
		Edit:   bind("i", "edit", "i"),
		Delete: bind("d", "delete", "d"),
		Follow: bind("g", "go to what it answers", "g"),
		Older:  bind("up", "the one above", "up", "k"),
		Later:  bind("down", "the one below", "down", "j"),

		Copy:     bind("y", "copy it, as it was written", "y"),
		CopyCode: bind("c", "copy the code in it", "c"),
		CopyLink: bind("o", "copy the link in it; again: the next one", "o"),

		Help:   bind("?, F1", "all keys and commands", "f1", "?"),
		Alarm:  bind("alt+w", "read a warning in full", "alt+w"),
		Redraw: bind("ctrl+l", "draw the screen again", "ctrl+l"),

		Choose: bind("enter", "choose", "enter"),
		Left:   bind("left", "before", "left", "shift+tab", "up"),
		Right:  bind("right", "after", "right", "tab", "down"),
		Close:  bind("esc", "close", "esc", "ctrl+c"),
	}
}

// section is a part of the help.
type section struct {
	title string
	keys  []key.Binding
}

func (k *keyMap) sections() []section {
	return []section{
		{"Write", []key.Binding{k.Send, k.Newline, k.Complete, k.EditLast, k.Recall, k.Editor, k.Clear}},
		{"Read", []key.Binding{k.PageUp, k.PageDown, k.LineUp, k.LineDown, k.Newest, k.Find}},
		{"A message", []key.Binding{k.Select, k.Older, k.Later, k.Reply, k.React, k.Edit, k.Delete, k.Copy, k.CopyCode, k.CopyLink, k.Follow}},
		{"Go", []key.Binding{k.Jump, k.Palette, k.NextUnread, k.FirstUnread, k.Nth, k.Previous, k.Next}},
		{"People", []key.Binding{k.Connect, k.Answer, k.Verify}},
		{"Screen", []key.Binding{k.Help, k.Alarm, k.Redraw}},
	}
}
