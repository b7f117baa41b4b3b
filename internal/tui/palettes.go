package tui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// AutoTheme is the theme that follows the terminal's background.
const AutoTheme = "auto"

// palette is the colours of a theme. Text and background are the terminal's
// own: the page belongs to its reader. The colours are among the 256 that
// every terminal has, so they look the same where there are no more. Those
// that words are written in have a contrast of at least 4.5 to 1 on a plain
// background of their kind, and 7 to 1 where contrast is what a theme is for.
type palette struct {
	name, does string
	dark       bool // for dark backgrounds
	high       bool // of high contrast

	dim, rule, accent, peer, good, warn, bad, code string
	text, here                                     string // of the open conversation in the sidebar
}

// palettes begin with the one for dark and the one for light backgrounds.
var palettes = []palette{{
	name: "night", does: "for dark terminals: blue and green", dark: true,
	dim: "#8a8a8a", rule: "#4e4e4e", accent: "#87afff", peer: "#5fd7af",
	good: "#87d787", warn: "#ffd75f", bad: "#ff8787", code: "#d7af87", text: "#eeeeee", here: "#303030",
}, {
	name: "paper", does: "for light terminals: ink and petrol",
	dim: "#6c6c6c", rule: "#bcbcbc", accent: "#005fd7", peer: "#005f5f",
	good: "#008700", warn: "#875f00", bad: "#af0000", code: "#875f00", text: "#1c1c1c", here: "#e4e4e4",
}, {
	name: "ember", does: "for dark terminals: amber and rose", dark: true,
	dim: "#949494", rule: "#585858", accent: "#ffaf5f", peer: "#d7afaf",
	good: "#afd787", warn: "#ffd787", bad: "#ff875f", code: "#87d7d7", text: "#ffffd7", here: "#3a3a3a",
}, {
	name: "iris", does: "for light terminals: violet and plum",
	dim: "#626262", rule: "#c6c6c6", accent: "#5f00af", peer: "#87005f",
	good: "#005f00", warn: "#875f00", bad: "#d70000", code: "#005f87", text: "#1c1c1c", here: "#e4e4e4",
}, {
	name: "contrast-dark", does: "for dark terminals: as clear as can be", dark: true, high: true,
	dim: "#d0d0d0", rule: "#949494", accent: "#87d7ff", peer: "#87ffaf",
	good: "#afff5f", warn: "#ffff5f", bad: "#ffafaf", code: "#ffd7af", text: "#ffffff", here: "#303030",
}, {
	name: "contrast-light", does: "for light terminals: as clear as can be", high: true,
	dim: "#444444", rule: "#808080", accent: "#0000af", peer: "#005f00",
	good: "#005f00", warn: "#5f005f", bad: "#870000", code: "#4e4e4e", text: "#000000", here: "#dadada",
}}

// Theme is one of the themes that can be set.
type Theme struct{ Name, Does string }

// Themes lists what can be set, AutoTheme first.
func Themes() []Theme {
	list := []Theme{{AutoTheme, "as the terminal's background, dark or light"}}
	for _, p := range palettes {
		list = append(list, Theme{p.name, p.does})
	}
	return list
}

// paletteOf returns the palette of a name, or the first for the background.
func paletteOf(name string, dark bool) palette {
	i := slices.IndexFunc(palettes, func(p palette) bool { return p.name == name })
	if i < 0 {
		i = slices.IndexFunc(palettes, func(p palette) bool { return p.dark == dark })
	}
	return palettes[i]
}

// wear paints everything in another theme.
func (m *model) wear(name string) {
	m.opts.Theme = name
	m.relook(m.dark, m.cells)
}

func themeNames() (names []string) {
	for _, t := range Themes() {
		names = append(names, t.Name)
	}
	return names
}

// commandTheme changes the theme, or lets the user look at all of them.
func (m *model) commandTheme(name string) (tea.Cmd, string) {
	if m.opts.NoColor {
		return nil, "There are no colours here: NO_COLOR is set, or the terminal has none."
	}
	if name == "" {
		m.show(newWardrobe(m))
		return nil, ""
	}
	name = strings.ToLower(name)
	names := themeNames()
	if !slices.Contains(names, name) {
		return nil, fmt.Sprintf("There is no theme %s. There are: %s.", name, strings.Join(names, ", "))
	}
	return m.keepTheme(name), ""
}

type themeKept struct {
	name string
	err  error
}

// keepTheme changes the theme and writes it down.
func (m *model) keepTheme(name string) tea.Cmd {
	m.wear(name)
	m.say("The theme is " + name + ".")
	if m.opts.KeepTheme == nil {
		return nil
	}
	return m.jobs.keepTheme(m.opts.KeepTheme, name)
}

func (m *model) themeKept(k themeKept) {
	if k.err != nil {
		m.fail("The theme is " + k.name + " until you quit. " + cleanError(k.err))
	}
}

// wardrobe tries themes on: the whole screen wears the one that is chosen.
type wardrobe struct {
	keys   *keyMap
	themes []Theme
	at     int
	before string
	wear   func(name string)
}

func newWardrobe(m *model) *wardrobe {
	w := &wardrobe{keys: &m.keys, themes: Themes(), before: m.opts.Theme, wear: m.wear}
	fits := func(t Theme) int { // those for this background come first
		if t.Name == AutoTheme || paletteOf(t.Name, m.dark).dark == m.dark {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(w.themes, func(a, b Theme) int { return fits(a) - fits(b) })
	w.at = max(slices.IndexFunc(w.themes, func(t Theme) bool { return t.Name == w.before }), 0)
	return w
}

func (w *wardrobe) press(k tea.KeyPressMsg) (action, bool) {
	n := len(w.themes)
	switch {
	case key.Matches(k, w.keys.Close):
		w.wear(w.before)
		return nil, true
	case key.Matches(k, w.keys.Choose):
		name := w.themes[w.at].Name
		return func(m *model) tea.Cmd { return m.keepTheme(name) }, true
	case key.Matches(k, w.keys.Left):
		w.at = (w.at + n - 1) % n
	case key.Matches(k, w.keys.Right):
		w.at = (w.at + 1) % n
	default:
		return nil, false
	}
	w.wear(w.themes[w.at].Name)
	return nil, false
}

func (w *wardrobe) paste(string) {}

func (w *wardrobe) hints() []key.Binding {
	return []key.Binding{bind("arrows", "try", "up"), bind("enter", "keep it", "enter"), short(w.keys.Close, "as it was")}
}

func (w *wardrobe) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	const name = 16
	width = min(width-4, 64)
	room := max(min(height-2, len(w.themes)), 1)
	from := max(min(w.at-room/2, len(w.themes)-room), 0)
	var lines []string
	for i, t := range w.themes[from : from+room] {
		lead, style := "  ", lk.Text
		if from+i == w.at {
			lead, style = lk.Accent.Render(lk.Here)+" ", lk.Strong
		}
		lines = append(lines, lk.cut(lead+style.Render(lk.pad(t.Name, name))+lk.Dim.Render(t.Does), width))
	}
	if sample := lk.sample(width); len(lines)+len(sample)+2 <= height {
		lines = append(lines, sample...)
	}
	return lk.box(lk.Box, "Theme", "", lines, width), nil
}

// sample shows what a theme does to words.
func (lk *look) sample(width int) []string {
	return []string{
		"",
		lk.Peer.Render("bob") + "  " + lk.Dim.Render("09:41"),
		lk.cut("the log is at "+lk.Link.Render("https://build.example")+", try "+lk.Code.Render("make check"), width),
		lk.cut(lk.Good.Render(lk.Connected+" connected")+"  "+lk.Warn.Render(lk.Waiting+" waiting")+"  "+lk.Bad.Render(lk.Failed+" not sent")+"  "+lk.Open.Render(" open ")+lk.OpenCount.Render("2 "), width),
	}
}
