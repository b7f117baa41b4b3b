package tui

import (
	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

const (
	numberWidth = 23 // cells of a line of a number: four groups of five digits
	beside      = 3  // blanks between two things side by side
	besideCode  = 34 // cells from which words read well beside a QR code
)

func (d *verify) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	room, inside := height-2, width-4
	var lines []string
	var cursor *tea.Cursor
	d.whole = false
	switch {
	case !d.read:
		inside, lines = min(inside, 60), []string{lk.Dim.Render("reading" + lk.More)}
	case d.safety.Trust == client.Changed:
		inside = min(inside, 64)
		lines, cursor = d.renderChanged(lk, inside, room)
	default:
		lines, inside = d.renderNumber(lk, inside, room)
	}
	if lines == nil {
		inside = min(inside, 60)
		lines = lk.wrapped("Too little room to compare numbers. Make the window larger.", lk.Warn.Render, inside)
		lines = lines[:min(len(lines), max(room, 1))]
	} else if d.read {
		d.whole = true
	}
	title, foot, edge := "Safety number with "+d.name, "", lk.Box
	if d.safety.Trust == client.Changed {
		title, edge = "Another key for "+d.name, lk.Bad
	}
	if d.wrong {
		foot = "not the last five that differ"
	}
	return lk.box(edge, title, foot, lines, inside), cursor
}

// renderNumber shows the number to compare, with the QR code beside or below
// it where there is room for it. It returns the width that it takes, and no
// lines when the number does not fit.
func (d *verify) renderNumber(lk *look, width, height int) ([]string, int) {
	if d.code != nil {
		across := lk.cells.StringWidth(d.code[0])
		if left := min(width-across-beside, 44); left >= besideCode && len(d.code) <= height {
			words := d.words(lk, left, len(d.code), true)
			return lk.besides(words, lk.scan(d.code), left), left + beside + across
		}
		if words := d.words(lk, across, height-len(d.code)-1, true); across <= width && words != nil {
			return append(append(words, ""), lk.scan(d.code)...), across
		}
	}
	width = min(width, 60)
	return d.words(lk, width, height, false), width
}

// words is the number and what to do with it, as much as fits, or nil.
func (d *verify) words(lk *look, width, height int, code bool) []string {
	number := lk.number(d.safety.Number, nil, width)
	why := lk.wrapped("You and "+d.name+" see the same number here, unless somebody stands between you. Compare it by another way than this chat.", lk.Text.Render, width)
	brief := lk.wrapped("Does "+d.name+" see the same number?", lk.Text.Render, width)
	state := lk.wrapped("m marks "+d.name+" as verified: they see this very number.", lk.Text.Render, width)
	if d.safety.Trust == client.Verified {
		state = lk.wrapped(lk.Verified+" You have compared it with "+d.name+".", lk.Good.Render, width)
	}
	var scan []string
	if code {
		scan = lk.wrapped("Or they scan the code and give its text to", lk.Dim.Render, width)
		scan = append(scan, lk.wrapped("chat verify "+d.own+" --match TEXT", lk.Dim.Render, width)...)
	}
	return firstFit(height,
		parts{why, number, scan, state}.apart(),
		parts{why, number, state}.apart(),
		parts{brief, number, state}.apart(),
		parts{number, state}.apart(),
		number)
}

// renderChanged shows the number that was known and the one under the key that
// is shown now, or no lines when they do not fit.
func (d *verify) renderChanged(lk *look, width, height int) ([]string, *tea.Cursor) {
	known, shown := fives(d.safety.Number), fives(d.safety.Offered)
	var numbers []string
	if width >= 2*numberWidth+beside {
		left := append([]string{lk.Dim.Render("under the key you know")}, lk.number(d.safety.Number, shown, width)...)
		right := append([]string{lk.Warn.Render("under the new key")}, lk.number(d.safety.Offered, known, width)...)
		numbers = lk.besides(left, right, numberWidth)
	} else {
		numbers = append(lk.labelled("known", lk.number(d.safety.Number, shown, width-6)), lk.labelled("new", lk.number(d.safety.Offered, known, width-6))...)
	}
	if len(known) == 0 || len(shown) == 0 || lk.cells.StringWidth(numbers[0]) > width {
		return nil, nil
	}
	why := lk.wrapped("They may have started anew on another machine, or somebody is posing as them. Ask "+d.name+" by another way than this chat which number they see.", lk.Text.Render, width)
	brief := lk.wrapped("Ask "+d.name+" by another way which number they see.", lk.Text.Render, width)
	how := lk.wrapped("k keeps the key you know and refuses the new one. To take the new one, type the last group that is set off and press "+pressed(d.keys.Choose)+": "+d.name+" is asked anew then.", lk.Text.Render, width)
	typed := d.typed
	if lk.cells.StringWidth(typed.Prompt)+proof+1 > width {
		typed.Prompt = "Last five that differ: "
	}
	typed = dressed(typed, lk, width)
	entry := []string{typed.View()}
	lines := firstFit(height,
		parts{why, numbers, how, entry}.apart(),
		parts{brief, numbers, entry}.apart(),
		parts{brief, numbers, entry}.together(),
		parts{numbers, entry}.together())
	if lines == nil {
		return nil, nil
	}
	return lines, cursorIn(typed, len(lines)-1)
}

// number writes a number in groups, four in a line where there is room. The
// groups that another number does not have at their place are set off.
func (lk *look) number(number string, other []string, width int) []string {
	perLine := min(max((width+1)/6, 1), 4)
	var lines []string
	for i, g := range fives(number) {
		style := lk.Strong
		if other != nil && i < len(other) && other[i] == g {
			style = lk.Dim
		}
		if i%perLine == 0 {
			lines = append(lines, style.Render(g))
		} else {
			lines[len(lines)-1] += " " + style.Render(g)
		}
	}
	return lines
}

// labelled writes a word before the first of some lines.
func (lk *look) labelled(label string, lines []string) []string {
	for i, l := range lines {
		lines[i] = lk.Dim.Render(lk.pad(label, 6)) + l
		label = ""
	}
	return lines
}

// besides sets two blocks side by side, the left one width cells wide and in
// the middle of the right one's height.
func (lk *look) besides(left, right []string, width int) []string {
	top := max((len(right)-len(left))/2, 0)
	lines := make([]string, max(len(left), len(right)))
	for i := range lines {
		word := ""
		if i >= top {
			word = at(left, i-top)
		}
		lines[i] = lk.pad(word, width) + space(beside) + at(right, i)
	}
	return lines
}

// scan paints a QR code: black on white, whatever the theme.
func (lk *look) scan(code []string) []string {
	out := make([]string, len(code))
	for i, l := range code {
		out[i] = lk.Scan.Render(l)
	}
	return out
}

// parts are blocks of lines below each other.
type parts [][]string

func (p parts) together() (lines []string) {
	for _, block := range p {
		lines = append(lines, block...)
	}
	return lines
}

// apart sets a blank line between them.
func (p parts) apart() (lines []string) {
	for _, block := range p {
		if len(lines) > 0 && len(block) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, block...)
	}
	return lines
}

// firstFit returns the first of some blocks that fits into height, or nil.
func firstFit(height int, blocks ...[]string) []string {
	for _, b := range blocks {
		if len(b) > 0 && len(b) <= height {
			return b
		}
	}
	return nil
}
