package tui

import (
	"hash/fnv"
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"secure-messaging/pkg/client"
)

// look is all that decides how things are painted: the styles, the signs, and
// how the terminal counts cells.
type look struct {
	theme
	signs
	// cells follows what the renderer believes: code points, until the
	// terminal says that it counts whole graphemes.
	cells ansi.Method
	dark  bool   // the terminal's background
	hours string // how a time of day is written
	// generation rises with every change, and so outdates cached lines.
	generation int
}

// theme names every style of the screen. No other file makes one.
type theme struct {
	Text, Strong, Dim, Line lipgloss.Style   // the page: words, emphasis, by the way, rules
	Stress                  lipgloss.Style   // inside messages, as Code and Link
	Title, Key, Accent      lipgloss.Style   // headings of lists, keys in hints, where the eye should go
	Own, Peer               lipgloss.Style   // authors
	Peers                   []lipgloss.Style // of a group, by their names
	Sent, Good, Warn, Bad   lipgloss.Style   // states
	Fresh                   lipgloss.Style   // the line above what is new
	Code, Link              lipgloss.Style   // inside messages
	Found                   lipgloss.Style   // words that were searched for
	Open, OpenCount         lipgloss.Style   // the open conversation in the sidebar
	Chosen, Letter          lipgloss.Style   // buttons: the one that enter presses, and the key of each
	Box, Placeholder        lipgloss.Style   // dialogs
	Selection               lipgloss.Style   // in the composer
	Scan                    lipgloss.Style   // QR codes
	Cursor                  color.Color
}

// newTheme paints with a palette. The code that scanners read has to know the
// terminal's own background.
func newTheme(p palette, dark bool) theme {
	fg := func(c string) lipgloss.Style { return lipgloss.NewStyle().Foreground(lipgloss.Color(c)) }
	// Black on white, for scanners, also where there are no colours.
	scan := fg("#000000").Background(lipgloss.Color("#ffffff"))
	if dark {
		scan = fg("#ffffff").Background(lipgloss.Color("#000000")).Reverse(true)
	}
	here := lipgloss.NewStyle().Background(lipgloss.Color(p.here))
	return theme{
		Text: lipgloss.NewStyle(), Strong: lipgloss.NewStyle().Bold(true), Stress: lipgloss.NewStyle().Italic(true), Dim: fg(p.dim), Line: fg(p.rule),
		Title: fg(p.dim).Bold(true), Key: lipgloss.NewStyle().Bold(true), Accent: fg(p.accent),
		Own: fg(p.dim).Bold(true), Peer: fg(p.peer).Bold(true), // our own words are no news
		Peers: []lipgloss.Style{fg(p.peer).Bold(true), fg(p.accent).Bold(true), fg(p.good).Bold(true), fg(p.code).Bold(true)},
		Sent:  fg(p.dim), Good: fg(p.good), Warn: fg(p.warn), Bad: fg(p.bad),
		Fresh: fg(p.accent).Bold(true),
		Found: fg(p.accent).Bold(true).Underline(true),
		Code:  fg(p.code), Link: fg(p.accent).Underline(true),
		Open: here.Bold(true).Foreground(lipgloss.Color(p.text)), OpenCount: here.Bold(true).Foreground(lipgloss.Color(p.accent)),
		Chosen: lipgloss.NewStyle().Reverse(true).Bold(true), Letter: lipgloss.NewStyle().Underline(true),
		Box: fg(p.accent), Placeholder: fg(p.dim),
		Selection: lipgloss.NewStyle().Reverse(true), Scan: scan,
		Cursor: lipgloss.Color(p.accent),
	}
}

// author is how the name of a message's author is painted. In a group everybody
// keeps a colour, so that the eye finds who spoke.
func (lk *look) author(m *client.Message) lipgloss.Style {
	switch {
	case m.Outgoing():
		return lk.Own
	case !isGroup(m.Contact):
		return lk.Peer
	}
	hash := fnv.New32a()
	hash.Write([]byte(m.From))
	return lk.Peers[hash.Sum32()%uint32(len(lk.Peers))]
}

// signs are the characters that the screen draws with.
type signs struct {
	Rule, Bar, Tie, Branch, Foot, Here, Prompt, Up, Down, More string
	Waiting, Stored, Delivered, Read, Failed, Timed            string
	Connected, Connecting, Offline                             string
	Person, Asked, Note, Dot, Answers, File                    string
	Verified, Changed                                          string
	Corners                                                    [4]string // of a box: top left, top right, bottom left, bottom right
}

var (
	unicodeSigns = signs{
		Rule: "─", Bar: "│", Tie: "┬", Branch: "├", Foot: "┴", Here: "▌", Prompt: "❯", Up: "↑", Down: "↓", More: "…",
		Waiting: "◌", Stored: "✓", Delivered: "✓✓", Read: "◉", Failed: "✗", Timed: "◔",
		Connected: "●", Connecting: "◌", Offline: "○",
		Person: "◆", Asked: "◌", Note: "▸", Dot: "·", Answers: "↱", File: "▤",
		Verified: "✓", Changed: "!",
		Corners: [4]string{"╭", "╮", "╰", "╯"},
	}
	asciiSigns = signs{
		Rule: "-", Bar: "|", Tie: "+", Branch: "+", Foot: "+", Here: ">", Prompt: ">", Up: "^", Down: "v", More: "...",
		Waiting: "..", Stored: "+", Delivered: "++", Read: "**", Failed: "x", Timed: "%",
		Connected: "*", Connecting: "~", Offline: "o",
		Person: "?", Asked: "~", Note: ">", Dot: "-", Answers: "/", File: "=",
		Verified: "=", Changed: "!",
		Corners: [4]string{"+", "+", "+", "+"},
	}
)

// newLook is how things look on a background, by default or as it is set.
func newLook(dark bool, opts Options) look {
	lk := look{theme: newTheme(paletteOf(opts.Theme, dark), dark), signs: unicodeSigns, dark: dark, hours: "15:04", cells: ansi.WcWidth}
	if opts.ASCII {
		lk.signs = asciiSigns
	}
	if opts.TwelveHours {
		lk.hours = "3:04 pm"
	}
	return lk
}
