package tui

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// narrowing is a list that is narrowed by letters of its lines.
type narrowing struct {
	labels  []string // as they are compared: in lower case
	pattern string
	fit     []int // the lines that hold the pattern, the closest first
}

func narrow(labels []string) narrowing {
	n := narrowing{labels: make([]string, len(labels)), fit: make([]int, len(labels))}
	for i, l := range labels {
		n.labels[i], n.fit[i] = strings.ToLower(l), i
	}
	return n
}

// to returns the lines that hold the letters of a pattern in their order, the
// closest first, and among equals in the order of the list.
func (n *narrowing) to(pattern string) []int {
	pattern = strings.ToLower(strings.TrimSpace(pattern))
	if pattern == n.pattern {
		return n.fit
	}
	type hit struct{ line, cost int }
	var hits []hit
	for i, l := range n.labels {
		if cost, ok := distance(l, pattern); ok {
			hits = append(hits, hit{i, cost})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.cost, b.cost) })
	n.pattern, n.fit = pattern, make([]int, len(hits))
	for i, h := range hits {
		n.fit[i] = h.line
	}
	return n.fit
}

// distance is how far a pattern is from a line: its beginning is closest, then
// the beginning of a word in it, then what stands within one, and what is only
// scattered over it comes last.
func distance(line, pattern string) (cost int, ok bool) {
	const within, scattered = 2, 1 << 16
	switch at := strings.Index(line, pattern); {
	case at == 0:
		return 0, true
	case at > 0:
		if before, _ := utf8.DecodeLastRuneInString(line[:at]); !unicode.IsLetter(before) && !unicode.IsDigit(before) {
			return 1, true
		}
		return within + at, true
	}
	cost, at := scattered, 0
	for _, r := range pattern {
		i := strings.IndexRune(line[at:], r)
		if i < 0 {
			return 0, false
		}
		cost += i
		at += i + utf8.RuneLen(r)
	}
	return cost, true
}
