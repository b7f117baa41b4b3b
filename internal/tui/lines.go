package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// space returns n blanks.
func space(n int) string { return strings.Repeat(" ", max(n, 0)) }

// repeat fills n cells with a sign of one cell.
func repeat(sign string, n int) string { return strings.Repeat(sign, max(n, 0)) }

// cut shortens s to width cells, with a mark where something is missing.
func (lk *look) cut(s string, width int) string {
	if lk.cells.StringWidth(s) <= width {
		return s
	}
	if room := width - lk.cells.StringWidth(lk.More); room >= 0 {
		return lk.part(s, 0, room, lk.More)
	}
	return lk.part(s, 0, 0, "")
}

// pad makes s exactly width cells wide.
func (lk *look) pad(s string, width int) string {
	s = lk.cut(s, width)
	return s + space(width-lk.cells.StringWidth(s))
}

// sides puts left and right at the two ends of width cells. The left end
// gives way when both do not fit.
func (lk *look) sides(left, right string, width int) string {
	right = lk.cut(right, width)
	w := lk.cells.StringWidth(right)
	if w == 0 {
		return lk.pad(left, width)
	}
	return lk.pad(left, width-w-1) + " " + right
}

// heading writes a label into the middle of a rule.
func (lk *look) heading(label string, paint func(...string) string, width int) string {
	label = " " + lk.cut(label, width-4) + " "
	left := (width - lk.cells.StringWidth(label)) / 2
	right := width - left - lk.cells.StringWidth(label)
	return lk.rule(left) + paint(label) + lk.rule(right)
}

// rule draws a line of n cells.
func (lk *look) rule(n int) string { return lk.Line.Render(repeat(lk.Rule, n)) }

// wrapped cuts s into lines of width cells and paints each.
func (lk *look) wrapped(s string, paint func(...string) string, width int) []string {
	var lines []string
	for _, p := range wrap(lk.cells, s, width) {
		lines = append(lines, paint(s[p.from:p.to]))
	}
	return lines
}

// overlay lays box over base with its top left corner at x, y. Each line of
// box covers its own width.
func (lk *look) overlay(base, box []string, x, y int) {
	for i, top := range box {
		if y+i < 0 || y+i >= len(base) {
			continue
		}
		under := base[y+i]
		left := lk.part(under, 0, x, "")
		left += space(x - lk.cells.StringWidth(left))
		right := lk.part(under, x+lk.cells.StringWidth(top), whole, "")
		base[y+i] = left + ansi.ResetStyle + top + ansi.ResetStyle + right
	}
}

// box frames lines, each padded to width, with one blank beside them. Title
// and foot are written into the frame.
func (lk *look) box(edge lipgloss.Style, title, foot string, lines []string, width int) []string {
	bar := edge.Render(lk.Bar)
	side := func(label string) string {
		s := lk.Rule
		if label != "" {
			s += " " + lk.cut(label, width-2) + " "
		}
		return s + repeat(lk.Rule, width+2-lk.cells.StringWidth(s))
	}
	out := []string{edge.Render(lk.Corners[0] + side(title) + lk.Corners[1])}
	for _, l := range lines {
		out = append(out, bar+" "+lk.pad(l, width)+" "+bar)
	}
	return append(out, edge.Render(lk.Corners[2]+side(foot)+lk.Corners[3]))
}

// piece is a part of a text, in bytes.
type piece struct{ from, to int }

// wrap cuts text into lines of at most width cells: after blanks, after
// hyphens between letters, beside wide characters, else in the middle of a
// word. Only blanks at the cuts are left out, so indentation stays. A cluster
// wider than width gets a line of its own.
func wrap(cells ansi.Method, text string, width int) []piece {
	var lines []piece
	for from := 0; ; {
		to := strings.IndexByte(text[from:], '\n')
		if to < 0 {
			return wrapParagraph(lines, cells, text, piece{from, len(text)}, max(width, 1))
		}
		lines = wrapParagraph(lines, cells, text, piece{from, from + to}, max(width, 1))
		from += to + 1
	}
}

func wrapParagraph(lines []piece, cells ansi.Method, text string, p piece, width int) []piece {
	var (
		start = p.from // of the line
		col   int      // cells in the line so far
		cut   = -1     // where the line can end
		after int      // cells up to cut
		words bool     // the line holds more than indentation
		prev  string
	)
	for i := p.from; i < p.to; {
		cluster, w := ansi.FirstGraphemeCluster(text[i:p.to], cells)
		end := i + len(cluster)
		if cluster == " " && col >= width && words { // a blank at the end of a full line
			lines = append(lines, piece{start, i})
			start, col, cut, words = end, 0, -1, false
			i = end
			continue
		}
		for col+w > width && i > start { // twice, when the rest of a line and a wide character do not fit either
			to := i
			if cut > start {
				to, col = cut, col-after
			} else {
				col = 0
			}
			lines = append(lines, piece{start, start + len(strings.TrimRight(text[start:to], " "))})
			start, cut = to, -1
		}
		if w >= 2 && words && i > start {
			cut, after = i, col
		}
		col += w
		words = words || cluster != " "
		if words && (w >= 2 || cluster == " " || (cluster == "-" && isLetter(prev))) {
			cut, after = end, col
		}
		i, prev = end, cluster
	}
	return append(lines, piece{start, p.to})
}

func isLetter(cluster string) bool {
	r, _ := utf8.DecodeRuneInString(cluster)
	return unicode.IsLetter(r)
}
