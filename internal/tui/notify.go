package tui

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

// How the user is told of messages that are not on screen.
const (
	NotifyAuto   = "auto" // what the terminal is known to understand, else the bell
	notifyNone   = "none"
	notifyBell   = "bell"
	notifyOSC9   = "osc9"   // iTerm2, WezTerm, Ghostty, Warp
	notifyOSC777 = "osc777" // foot, rxvt-unicode
	notifyOSC99  = "osc99"  // kitty
)

// What of a message a notification says.
const (
	PreviewSender = "sender"
	previewFull   = "full"
	previewNone   = "none"
)

var (
	// NotifyWays are what Notify.By can be.
	NotifyWays = []string{NotifyAuto, notifyNone, notifyBell, notifyOSC9, notifyOSC777, notifyOSC99}
	// Previews are what Notify.Preview can be.
	Previews = []string{PreviewSender, previewFull, previewNone}
)

// Notify says how the user is told of messages that are not on screen.
type Notify struct {
	By      string // one of NotifyWays; "" for none
	Preview string // one of Previews
}

const (
	// notifyPause is the least time between two notifications: what comes in
	// between is told in one.
	notifyPause = 3 * time.Second

	// notifyHold is how long what had waited at the relay may take to come in
	// before it is told of; it is told in one, too.
	notifyHold = time.Minute

	// maxPreview is how much of a message a notification says, in characters:
	// more than any of them shows.
	maxPreview = 120
)

// news is what has come in and was not on screen, until the user is told.
type news struct {
	way    string // one of NotifyWays, but for auto
	tmux   bool   // what is for the terminal has to get past tmux
	counts map[string]int
	last   client.Message // the latest of them
	since  time.Time      // when the first of them came
	paused bool           // notifyAgain is on its way
}

// notifyAgain ends a pause.
type notifyAgain struct{}

// notifyBy chooses the way, by the variables of the terminal.
func (m *model) notifyBy(getenv func(string) string) {
	n := &m.news
	n.tmux = getenv("TMUX") != ""
	n.way = cmp.Or(m.opts.Notify.By, notifyNone)
	if n.way == NotifyAuto {
		n.way = understood(getenv)
	}
}

// understood is what the terminal is known to understand. Nobody knows which
// one is behind tmux, which understands the bell and marks the window.
func understood(getenv func(string) string) string {
	term, program := getenv("TERM"), getenv("TERM_PROGRAM")
	switch {
	case getenv("TMUX") != "":
		return notifyBell
	case term == "xterm-kitty" || getenv("KITTY_WINDOW_ID") != "":
		return notifyOSC99
	case slices.Contains([]string{"iTerm.app", "WezTerm", "ghostty", "WarpTerminal"}, program):
		return notifyOSC9
	case term == "foot" || term == "foot-extra" || strings.HasPrefix(term, "rxvt-unicode"):
		return notifyOSC777
	}
	return notifyBell
}

// onScreen reports whether a conversation is in front of a reader.
func (m *model) onScreen(name string) bool { return name == m.current && m.watched() }

// isNews notes a message that somebody may want to know of.
func (m *model) isNews(msg client.Message) {
	if n := &m.news; !msg.Outgoing() && msg.Unread && !m.onScreen(msg.Contact) {
		if len(n.counts) == 0 {
			n.counts, n.since = map[string]int{}, m.now
		}
		n.counts[msg.Contact]++
		n.last = msg
	}
}

// notify tells of what has come in, at once where it is the first for a while,
// else when the pause is over.
func (m *model) notify() tea.Cmd {
	n := &m.news
	maps.DeleteFunc(n.counts, func(name string, _ int) bool { return m.onScreen(name) }) // read meanwhile
	if n.paused || len(n.counts) == 0 {
		return nil
	}
	n.paused = true
	again := m.jobs.after(notifyPause, notifyAgain{})
	backlog := m.status.State == client.Connected && !m.status.CaughtUp
	if backlog && m.now.Sub(n.since) < notifyHold {
		return again
	}
	title, body := m.notification()
	n.counts = nil
	if s := n.sequence(title, body); s != "" {
		return tea.Batch(tea.Raw(s), again)
	}
	return again
}

// notification is what is said of the news. Words that are to disappear are not
// left in the memory of a desktop.
func (m *model) notification() (title, body string) {
	n, total := &m.news, 0
	for _, c := range n.counts {
		total += c
	}
	from := slices.Sorted(maps.Keys(n.counts))
	body = plural(total, "new message", "new messages")
	switch {
	case m.opts.Notify.Preview == previewNone:
	case total == 1 && m.opts.Notify.Preview == previewFull && n.last.Type == client.TypeText && n.last.Disappear == 0:
		if isGroup(from[0]) {
			return from[0], n.last.From + ": " + n.last.Text
		}
		return from[0], n.last.Text
	case len(from) > 3:
		body += fmt.Sprintf(" from %s and %d others", strings.Join(from[:2], ", "), len(from)-2)
	default:
		body += " from " + strings.Join(from, ", ")
	}
	return "chat", body
}

// sequence makes the terminal tell something. Nothing in the words can end it,
// or begin another.
func (n *news) sequence(title, body string) string {
	title, body = told(title), told(body)
	const begin, end = "\x1b]", "\x1b\\"
	var parts []string
	switch n.way {
	case notifyBell:
		return "\a" // which tmux understands
	case notifyOSC9:
		parts = []string{begin + "9;" + title + ": " + body + end}
	case notifyOSC777:
		parts = []string{begin + "777;notify;" + title + ";" + body + end}
	case notifyOSC99:
		b64 := base64.StdEncoding.EncodeToString
		parts = []string{begin + "99;i=chat:d=0:e=1;" + b64([]byte(title)) + end, begin + "99;i=chat:d=1:e=1:p=body;" + b64([]byte(body)) + end}
	}
	if n.tmux {
		for i, p := range parts {
			parts[i] = "\x1bPtmux;" + strings.ReplaceAll(p, "\x1b", "\x1b\x1b") + end
		}
	}
	return strings.Join(parts, "")
}

// told makes words fit to stand inside a sequence: one line, short, and without
// what parts of a sequence are set apart with.
func told(text string) string {
	var out strings.Builder
	n := 0
	for _, r := range sanitize.Line(text) {
		switch {
		case unicode.IsControl(r):
			continue
		case r == ';':
			r = ','
		}
		if n++; n > maxPreview {
			return out.String() + "…"
		}
		out.WriteRune(r)
	}
	return out.String()
}
