package tui

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// look is all that decides how things are painted: the styles, the signs, and
// how the terminal counts cells.
type look struct {
	theme
	signs
	// cells follows what the renderer believes: code points, until the
	// terminal says that it counts whole graphemes.
	cells ansi.Method
	dark  bool
	// generation rises with every change, and so outdates cached lines.
	generation int
}

// theme names every style of the screen. No other file makes one.
type theme struct {
	Text, Strong, Dim, Line lipgloss.Style // the page: words, emphasis, by the way, rules
	Stress                  lipgloss.Style // inside messages, as Code and Link
	Title, Key, Accent      lipgloss.Style // headings of lists, keys in hints, where the eye should go
	Own, Peer               lipgloss.Style // authors
	Sent, Good, Warn, Bad   lipgloss.Style // states
	Fresh                   lipgloss.Style // the line above what is new
	Code, Link              lipgloss.Style // inside messages
	Found                   lipgloss.Style // words that were searched for
	Open, OpenCount         lipgloss.Style // the open conversation in the sidebar
	Chosen, Letter          lipgloss.Style // buttons: the one that enter presses, and the key of each
	Box, Placeholder        lipgloss.Style // dialogs
	Selection               lipgloss.Style // in the composer
	Scan                    lipgloss.Style // QR codes
	Cursor                  color.Color
}

// palette is one background's colours. Text and background are the
// terminal's own: the page belongs to its reader. The colours are among the
// 256 that every terminal has, so they look the same where there are no more.
type palette struct {
	dim, rule, accent, peer, good, warn, bad, code, here string
}

var (
	darkPalette = palette{
		dim: "#8a8a8a", rule: "#4e4e4e", accent: "#87afff", peer: "#5fd7af",
		good: "#87d787", warn: "#ffd75f", bad: "#ff8787", code: "#d7af87", here: "#303030",
	}
	lightPalette = palette{
		dim: "#6c6c6c", rule: "#bcbcbc", accent: "#005fd7", peer: "#005f5f",
		good: "#008700", warn: "#875f00", bad: "#af0000", code: "#875f00", here: "#e4e4e4",
	}
)

func newTheme(dark bool) theme {
	p := lightPalette
	if dark {
		p = darkPalette
	}
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
		Sent: fg(p.dim), Good: fg(p.good), Warn: fg(p.warn), Bad: fg(p.bad),
		Fresh: fg(p.accent).Bold(true),
		Found: fg(p.accent).Bold(true).Underline(true),
		Code:  fg(p.code), Link: fg(p.accent).Underline(true),
		Open: here.Bold(true), OpenCount: here.Bold(true).Foreground(lipgloss.Color(p.accent)),
		Chosen: lipgloss.NewStyle().Reverse(true).Bold(true), Letter: lipgloss.NewStyle().Underline(true),
		Box: fg(p.accent), Placeholder: fg(p.dim),
		Selection: lipgloss.NewStyle().Reverse(true), Scan: scan,
		Cursor: lipgloss.Color(p.accent),
	}
}

// signs are the characters that the screen draws with.
type signs struct {
	Rule, Bar, Tie, Branch, Foot, Here, Prompt, Up, Down, More string
	Waiting, Stored, Delivered, Read, Failed, Timed            string
	Connected, Connecting, Offline                             string
	Person, Asked, Note, Dot, Answers                          string
	Verified, Changed                                          string
	Corners                                                    [4]string // of a box: top left, top right, bottom left, bottom right
}

var (
	unicodeSigns = signs{
		Rule: "─", Bar: "│", Tie: "┬", Branch: "├", Foot: "┴", Here: "▌", Prompt: "❯", Up: "↑", Down: "↓", More: "…",
		Waiting: "◌", Stored: "✓", Delivered: "✓✓", Read: "◉", Failed: "✗", Timed: "◔",
		Connected: "●", Connecting: "◌", Offline: "○",
		Person: "◆", Asked: "◌", Note: "▸", Dot: "·", Answers: "↱",
		Verified: "✓", Changed: "!",
		Corners: [4]string{"╭", "╮", "╰", "╯"},
	}
	asciiSigns = signs{
		Rule: "-", Bar: "|", Tie: "+", Branch: "+", Foot: "+", Here: ">", Prompt: ">", Up: "^", Down: "v", More: "...",
		Waiting: "..", Stored: "+", Delivered: "++", Read: "**", Failed: "x", Timed: "%",
		Connected: "*", Connecting: "~", Offline: "o",
		Person: "?", Asked: "~", Note: ">", Dot: "-", Answers: "/",
		Verified: "=", Changed: "!",
		Corners: [4]string{"+", "+", "+", "+"},
	}
)

func newLook(dark, ascii bool) look {
	lk := look{theme: newTheme(dark), signs: unicodeSigns, dark: dark, cells: ansi.WcWidth}
	if ascii {
		lk.signs = asciiSigns
	}
	return lk
}
