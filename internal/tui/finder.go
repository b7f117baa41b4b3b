package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// findPage is how many hits one look brings: more than a screen shows.
const findPage = 50

const (
	// hitLines is how many lines a hit takes.
	hitLines = 2

	// airyFrom is the height from which there is a blank line after each.
	airyFrom = 24
)

// finder searches everything that was ever said, as one types.
type finder struct {
	keys  *keyMap
	input textinput.Model
	here  string // the conversation that was open
	only  bool   // search it alone
	now   time.Time

	asked client.Search // what was asked for last
	busy  bool          // and has not been answered
	found []client.Message
	more  bool // there may be hits before the last one
	at    int
	err   string
	stale bool // something may have happened since it was asked
	eager bool // the first hit is gone to as soon as it is known

	from, to int // the hits on screen, as of the last render
	each     int // how many lines each has there
}

// showFinder opens the search where it was left, or for other words.
func (m *model) showFinder(words string) {
	f := m.finder
	if f == nil {
		f = &finder{keys: &m.keys, input: field("", "words, or their beginnings", client.MaxFind)}
		f.input.Focus()
		m.finder = f
	}
	if f.here != m.current {
		f.here, f.only = m.current, false
	}
	if words != "" {
		f.input.SetValue(words)
		f.only = false
	}
	f.input.CursorEnd()
	f.stale, f.eager, f.now = m.tour == nil, false, m.now
	m.show(f)
}

// commandSearch opens the search for the words.
func (m *model) commandSearch(words string) (tea.Cmd, string) {
	if len(words) > client.MaxFind {
		return nil, fmt.Sprintf("That is more than a search takes: at most %d bytes.", client.MaxFind)
	}
	m.showFinder(words)
	return nil, ""
}

// search asks the account for what the search wants, one question at a time:
// what is typed meanwhile is the next.
func (m *model) search() tea.Cmd {
	f := m.finder
	if _, open := m.dialog.(*finder); f == nil || f.busy || !open && m.tour == nil {
		return nil
	}
	q := client.Search{Find: strings.TrimSpace(f.input.Value()), Limit: findPage}
	if f.only {
		q.Contact = f.here
	}
	same := q.Find == f.asked.Find && q.Contact == f.asked.Contact && !f.stale
	switch {
	case same && (!f.more || f.at < len(f.found)-findPage/2):
		return nil
	case same:
		q.Before = f.found[len(f.found)-1].Cursor
	case q.Find == "":
		f.asked, f.found, f.more, f.at, f.err, f.stale = q, nil, false, 0, "", false
		return nil
	}
	if q.Find != f.asked.Find || q.Contact != f.asked.Contact {
		f.at = 0
	}
	f.asked, f.busy, f.stale = q, true, false
	return m.jobs.search(q)
}

// searched takes what was found.
func (m *model) searched(s searched) {
	f := m.finder
	if f == nil || f.asked != s.query {
		return
	}
	f.busy, f.err = false, ""
	if s.err != nil {
		f.err, f.more = cleanError(s.err), false
		return
	}
	var chosen int64
	if f.at < len(f.found) {
		chosen = f.found[f.at].Cursor
	}
	if s.query.Before == 0 {
		f.found = nil
	}
	f.found = append(f.found, s.found...)
	f.more = len(s.found) == s.query.Limit
	f.at = min(f.at, max(len(f.found)-1, 0))
	if i := slices.IndexFunc(f.found, func(h client.Message) bool { return h.Cursor == chosen }); i >= 0 && f.at > 0 {
		f.at = i
	}
	if f.eager && f.current() && m.dialog == dialog(f) {
		m.dialog = nil
		m.visit(f.at)
	}
}

// current reports whether the first hits are of what is written now, and there
// is one.
func (f *finder) current() bool {
	return !f.busy && len(f.found) > 0 && f.asked.Find == strings.TrimSpace(f.input.Value()) && (f.asked.Contact != "") == f.only
}

// forget takes a message away whose words are gone.
func (f *finder) forget(cursor int64) {
	f.found = slices.DeleteFunc(f.found, func(h client.Message) bool { return h.Cursor == cursor })
	f.at = min(f.at, max(len(f.found)-1, 0))
}

func (f *finder) press(k tea.KeyPressMsg) (action, bool) {
	f.eager = false
	switch {
	case key.Matches(k, f.keys.Close):
		return nil, true
	case key.Matches(k, f.keys.Choose):
		return f.choose()
	case k.String() == "up" || k.String() == "shift+tab":
		f.at = max(f.at-1, 0)
	case k.String() == "down" || k.String() == "tab":
		f.at = min(f.at+1, max(len(f.found)-1, 0))
	case key.Matches(k, f.keys.PageUp):
		f.at = max(f.at-5, 0)
	case key.Matches(k, f.keys.PageDown):
		f.at = min(f.at+5, max(len(f.found)-1, 0))
	case key.Matches(k, f.keys.Find) && f.here != "":
		f.only = !f.only
	default:
		f.input, _ = f.input.Update(k)
	}
	return nil, false
}

// choose goes to the hit. One that is still looked for is gone to when it is
// there: what stands on the screen until then was found by other words.
func (f *finder) choose() (action, bool) {
	if !f.current() {
		f.eager = true
		return nil, false
	}
	at := f.at
	return func(m *model) tea.Cmd { m.visit(at); return nil }, true
}

func (f *finder) paste(line string) { f.input, _ = f.input.Update(tea.PasteMsg{Content: line}) }

func (f *finder) hints() []key.Binding {
	there, arrows := bind("enter", "go there", "enter"), bind("arrows", "choose", "up")
	if f.here == "" {
		return []key.Binding{there, arrows, f.keys.Close}
	}
	where := "with " + f.here + " alone"
	if f.only {
		where = "everywhere"
	}
	return []key.Binding{there, short(f.keys.Find, where), arrows, f.keys.Close}
}

func (f *finder) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	width = min(width-4, measure)
	input := dressed(f.input, lk, width)
	lines := []string{input.View(), ""}
	f.each = hitLines
	if height >= airyFrom {
		f.each++
	}
	room := max((height-4)/f.each, 1)
	f.from, f.to = inView(f.at, room, len(f.found))
	for i := f.from; i < f.to; i++ {
		lines = append(lines, lk.hit(&f.found[i], f.asked.Find, i == f.at, width, f.now)...)
		if f.each > hitLines && i < f.to-1 {
			lines = append(lines, "")
		}
	}
	if len(f.found) == 0 {
		lines = append(lines, f.nothing(lk, width)...)
	}
	for len(lines) < min(room, 6)*f.each+2 {
		lines = append(lines, "")
	}
	title := "Search everything"
	if f.only {
		title = "Search with " + f.here
	}
	return lk.box(lk.Box, title, f.count(), lines, width), cursorIn(input, 0)
}

// count says which of the hits is chosen, as far as they are known.
func (f *finder) count() string {
	switch n := len(f.found); {
	case n == 0:
		return ""
	case f.more:
		return fmt.Sprintf("%d of %d+", f.at+1, n)
	default:
		return fmt.Sprintf("%d of %d", f.at+1, n)
	}
}

// nothing says why there is no hit.
func (f *finder) nothing(lk *look, width int) []string {
	switch {
	case f.err != "":
		return lk.wrapped(f.err, lk.Bad.Render, width)
	case strings.TrimSpace(f.input.Value()) == "":
		return lk.wrapped("Everything that was ever said is searched as you type. Words between quotes stand next to each other.", lk.Dim.Render, width)
	case f.busy || f.asked.Find != strings.TrimSpace(f.input.Value()):
		return nil
	}
	return lk.wrapped("Nothing that has all these words.", lk.Dim.Render, width)
}

// hit is a found message in two lines: who and when, and what stands around the
// words.
func (lk *look) hit(m *client.Message, find string, chosen bool, width int, now time.Time) []string {
	lead := "  "
	if chosen {
		lead = lk.Accent.Render(lk.Here) + " "
	}
	who := m.From
	switch {
	case m.Outgoing():
		who += " to " + m.Contact
	case isGroup(m.Contact):
		who += " in " + m.Contact
	}
	head := lk.sides(lead+lk.author(m).Render(who), lk.Dim.Render(shortDay(m.At.Local(), now.Local())+m.At.Local().Format(" "+lk.hours)), width)
	return []string{head, lead + lk.around(m.Text, find, width-2)}
}

// shortDay names a day in few letters.
func shortDay(at, now time.Time) string {
	switch {
	case sameDay(at, now):
		return "today"
	case sameDay(at, now.AddDate(0, 0, -1)):
		return "yesterday"
	case at.Year() == now.Year():
		return at.Format("Mon 2 Jan")
	}
	return at.Format("2 Jan 2006")
}

// around gives a part of a text that shows the first of the words in it, with
// all of them marked.
func (lk *look) around(text, find string, width int) string {
	marks := matches(text, find)
	const before = 12 // cells that say what it is about
	if len(marks) > 0 && lk.cells.StringWidth(text[:marks[0].to]) > width {
		cut := lk.part(text[:marks[0].from], max(lk.cells.StringWidth(text[:marks[0].from])-before, 0), whole, "")
		skip := marks[0].from - len(cut)
		text = lk.More + text[skip:]
		for i := range marks {
			marks[i].from += len(lk.More) - skip
			marks[i].to += len(lk.More) - skip
		}
	}
	var out strings.Builder
	at := 0
	for _, m := range marks {
		out.WriteString(text[at:m.from])
		out.WriteString(lk.Found.Render(text[m.from:m.to]))
		at = m.to
	}
	return lk.cut(out.String()+text[at:], width)
}
