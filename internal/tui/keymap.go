package tui

import (
	"cmp"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
)

// keyMap is every key of the screen. It is filled from its table, and so are
// help, hints and what users can set, so they cannot say anything else.
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
	Save                                   key.Binding
	NextHit, PreviousHit                   key.Binding

	Choose, Left, Right, Close key.Binding // in dialogs
}

// scope is where a key is pressed. Two bindings of one scope cannot have one
// key.
type scope int

const (
	inPage    scope = 1 << iota
	inMessage       // while a message is picked; keys of the page come behind
	inDialog
)

// bound is one row of the table.
type bound struct {
	name    string // stable, for it stands in the files of users
	at      *key.Binding
	scope   scope
	does    string
	keys    string // by default, the one that hints name first
	instead string // what does the same where no key does
}

// section is a part of the table, and of the help.
type section struct {
	title string
	rows  []bound
}

func (k *keyMap) table() []section {
	return []section{
		{"Write", []bound{
			{"send", &k.Send, inPage, "send", "enter", ""},
			{"newline", &k.Newline, inPage, "new line", "shift+enter alt+enter ctrl+j", ""},
			{"complete", &k.Complete, inPage, "complete a name, a command, or an emoji as in :tada:", "tab", ""},
			{"edit-last", &k.EditLast, inPage, "edit your last message, where nothing is written", "up", ""},
			{"recall", &k.Recall, inPage, "what you have sent before", "ctrl+r", ""},
			{"editor", &k.Editor, inPage, "write in your editor", "ctrl+o", ""},
			{"clear", &k.Clear, inPage, "clear what you write; then quit", "ctrl+c", "/quit"},
		}},
		{"Read", []bound{
			{"page-up", &k.PageUp, inPage | inMessage, "back", "pgup", ""},
			{"page-down", &k.PageDown, inPage | inMessage, "forward", "pgdown", ""},
			{"line-up", &k.LineUp, inPage, "back by a line", "ctrl+up", ""},
			{"line-down", &k.LineDown, inPage, "forward by a line", "ctrl+down", ""},
			{"newest", &k.Newest, inPage, "to the newest message", "esc", ""},
			{"search", &k.Find, inPage | inMessage, "search everything", "ctrl+f", "/search"},
		}},
		{"A message", []bound{
			{"message-mode", &k.Select, inPage | inMessage, "pick a message: answer, react, edit, delete, copy", "alt+m", ""},
			{"older", &k.Older, inMessage, "the one above", "up k", ""},
			{"later", &k.Later, inMessage, "the one below", "down j", ""},
			{"reply", &k.Reply, inMessage, "reply", "r enter", ""},
			{"react", &k.React, inMessage, "react", "e", ""},
			{"edit", &k.Edit, inMessage, "edit", "i", ""},
			{"delete", &k.Delete, inMessage, "delete", "d", ""},
			{"copy", &k.Copy, inMessage, "copy it, as it was written", "y", ""},
			{"copy-code", &k.CopyCode, inMessage, "copy the code in it", "c", ""},
			{"copy-link", &k.CopyLink, inMessage, "copy the link in it; again: the next one", "o", ""},
			{"save", &k.Save, inMessage, "save the file in it", "s", ""},
			{"follow", &k.Follow, inMessage, "go to what it answers", "g", ""},
			{"next-hit", &k.NextHit, inMessage, "the next hit of a search", "n", ""},
			{"previous-hit", &k.PreviousHit, inMessage, "the hit before it", "N", ""},
		}},
		{"Go", []bound{
			{"jump", &k.Jump, inPage, "jump to a conversation", "ctrl+k", ""},
			{"palette", &k.Palette, inPage, "all commands, by some of their letters", "ctrl+p", ""},
			{"next-unread", &k.NextUnread, inPage, "next unread", "alt+a", ""},
			{"first-unread", &k.FirstUnread, inPage, "the first unread message", "alt+u", ""},
			{"nth", &k.Nth, inPage, "by its place", "alt+1 alt+2 alt+3 alt+4 alt+5 alt+6 alt+7 alt+8 alt+9", ""},
			{"previous", &k.Previous, inPage, "the one above", "alt+up", ""},
			{"next", &k.Next, inPage, "the one below", "alt+down", ""},
		}},
		{"People", []bound{
			{"connect", &k.Connect, inPage, "ask somebody to talk", "alt+n", "/connect"},
			{"answer", &k.Answer, inPage, "answer a request", "alt+r", "/accept"},
			{"verify", &k.Verify, inPage, "compare safety numbers", "alt+v", "/verify"},
		}},
		{"Screen", []bound{
			{"help", &k.Help, inPage, "all keys and commands", "f1 ?", "/help"},
			{"warning", &k.Alarm, inPage, "read a warning in full", "alt+w", ""},
			{"redraw", &k.Redraw, inPage, "draw the screen again", "ctrl+l", ""},
		}},
		{"In a dialog", []bound{
			{"choose", &k.Choose, inDialog, "do it", "enter", ""},
			{"left", &k.Left, inDialog, "the choice before", "left shift+tab up", ""},
			{"right", &k.Right, inDialog, "the choice behind", "right tab down", ""},
			{"close", &k.Close, inDialog | inMessage, "close", "esc ctrl+c", ""},
		}},
	}
}

// rows are all rows of the table, in the order of the help.
func (k *keyMap) rows() (rows []bound) {
	for _, s := range k.table() {
		rows = append(rows, s.rows...)
	}
	return rows
}

func bind(label, does string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(label, does))
}

// newKeyMap binds what is set, by the names of the table, and all the rest as
// it is by default. The set has passed CheckKeys.
func newKeyMap(set map[string][]string) keyMap {
	var k keyMap
	for _, r := range k.rows() {
		keys, given := set[r.name]
		if !given {
			keys = strings.Fields(r.keys)
		}
		var bound []string
		for _, s := range keys {
			name, _ := spelled(s)
			bound = append(bound, name)
		}
		*r.at = bind(label(bound, r.instead), r.does, bound...)
	}
	return k
}

// label names keys for the help. More than a few are a row of them.
func label(keys []string, instead string) string {
	const few = 4
	switch n := len(keys); {
	case n == 0:
		return cmp.Or(instead, "(no key)")
	case n > few:
		return keys[0] + " to " + keys[n-1]
	}
	return strings.Join(keys, ", ")
}

// pressable gives a binding with those of its keys that mean something at the
// moment: letters are written, where something is written already.
func pressable(b key.Binding, writing bool) key.Binding {
	keys := slices.DeleteFunc(slices.Clone(b.Keys()), func(k string) bool { return writing && writes(k) })
	if !writing { // what is quickest to press
		slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	}
	b.SetKeys(keys...)
	return b
}
