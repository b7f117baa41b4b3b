package tui

import (
	"math"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// whole is beyond the end of every line.
const whole = math.MaxInt

// part gives the cells of a line from one place up to another, with all of its
// sequences, and tail where it is cut off. Of a letter that begins before the
// first place, blanks are left; one that ends behind the second goes. The
// library's way of cutting counts emoji of several parts otherwise than its way
// of measuring does, where the terminal draws the parts beside each other.
func (lk *look) part(s string, from, to int, tail string) string {
	decode := ansi.DecodeSequenceWc[string]
	if lk.cells == ansi.GraphemeWidth {
		decode = ansi.DecodeSequence[string]
	}
	var out strings.Builder
	var state byte
	for at := 0; len(s) > 0; {
		seq, w, n, next := decode(s, state, nil)
		end := at + w
		switch {
		case seq[0] == ansi.ESC, at >= from && end <= to:
			out.WriteString(seq)
		case end > to:
			to = at // a narrower one does not take its place
			out.WriteString(tail)
			tail = ""
		case end > from:
			out.WriteString(space(end - from))
		}
		at, s, state = end, s[n:], next
	}
	return out.String()
}
