// Package sanitize makes text of others fit for a terminal. It is the one
// place where that happens: whatever another person wrote (messages, notes,
// names, types of messages) passes through [Text] or [Line] on its way to a
// screen, a window title or a notification, and nothing else does it again.
//
// What comes out is valid UTF-8 that cannot move the cursor, change colours,
// write to the clipboard, reorder what stands beside it or hide between two
// letters. What people write stays: every script, right-to-left ones too,
// accents, emoji with their joiners, flags.
//
//	sequences for the terminal   colours and cursor movements vanish; those
//	                             that carry text (titles, links, clipboard)
//	                             leave a U+FFFD, so that nothing is hidden silently
//	other control characters     U+FFFD
//	line ends of all kinds       \n in Text, ⏎ in Line
//	tabs                         four spaces: a tab has no width of its own
//	bidirectional controls       removed: the letters decide their direction
//	invisible characters         removed, but for joiners where a script or an
//	                             emoji needs them
//	combining marks              at most [MaxMarks] on a letter, none without one
//	private, unassigned, invalid U+FFFD
//
// Both functions are pure and idempotent.
package sanitize

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxMarks is how many combining marks may stand on one letter. Pointed
	// Hebrew needs five; stacks of more paint over the lines above and below.
	MaxMarks = 5

	// maxJoins is how many joiners one emoji may have. A kiss between two
	// people with skin tones has three; longer chains hide text in two cells.
	maxJoins = 4

	// maxTags is how many tag letters a flag may have ("gbeng" is five).
	maxTags = 6

	tab     = "    "
	lineEnd = '⏎'
)

// Text cleans text of several lines.
func Text(s string) string {
	if plain(s) {
		return s
	}
	return join(filter(strip([]rune(strings.ToValidUTF8(s, "\uFFFD")))))
}

// Line cleans text and makes one line of it, without space at its ends.
func Line(s string) string {
	s = strings.TrimSpace(Text(s))
	return strings.ReplaceAll(s, "\n", string(lineEnd))
}

// plain spares the common case the work.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\n') || c >= 0x7f {
			return false
		}
	}
	return true
}

// filter decides about single characters, without looking at their
// neighbours, and turns line ends and tabs into their plain forms.
func filter(in []rune) []rune {
	out := in[:0:0]
	for i, r := range in {
		switch {
		case r == '\r' && i+1 < len(in) && in[i+1] == '\n':
		case isLineEnd(r):
			out = append(out, '\n')
		case r == '\t':
			out = append(out, []rune(tab)...)
		case isInvisible(r):
		case !isAssigned(r):
			out = append(out, utf8.RuneError)
		default:
			out = append(out, r)
		}
	}
	return out
}

func isLineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// isInvisible names what has no width and no use: format characters, bidi
// controls among them, fillers, and selectors that no terminal knows.
func isInvisible(r rune) bool {
	switch {
	case r == zwj || r == zwnj || isTag(r):
		return false // join decides
	case unicode.Is(unicode.Cf, r):
		return true
	case r == 0x034F, // combining grapheme joiner
		r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, // Hangul fillers
		r == 0x17B4, r == 0x17B5, // Khmer inherent vowels
		r >= 0x180B && r <= 0x180F,   // Mongolian selectors
		r >= 0xFE00 && r < textStyle, // selectors of no emoji
		r >= 0xE0080 && r <= 0xE0FFF: // supplementary selectors, reserved tags
		return true
	}
	return false
}

// isAssigned refuses control, private and unassigned characters: nobody knows
// their width. Emoji of a later Unicode than ours are let through.
func isAssigned(r rune) bool {
	if r == 0xFFFC { // a place for an object that is not there
		return false
	}
	return unicode.IsGraphic(r) || r == zwj || r == zwnj || isTag(r) || (r >= 0x1F000 && r <= 0x1FAFF)
}
