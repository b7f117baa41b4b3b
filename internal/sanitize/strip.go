package sanitize

import "unicode/utf8"

const esc = 0x1b

// strip takes out what a terminal would obey, after ECMA-48: escape
// sequences, control sequences and control strings, in their 7-bit forms and
// as C1 characters. No introducer survives, so that no removal can form a new
// sequence from what stood around it.
func strip(in []rune) []rune {
	out := in[:0:0]
	for i := 0; i < len(in); i++ {
		kind := introducer(in[i])
		n := 1
		if in[i] == esc && i+1 < len(in) {
			if k := introducer(in[i+1] + 0x40); in[i+1] >= 0x40 && in[i+1] < 0x60 && k != none {
				kind, n = k, 2
			} else {
				kind = escape
			}
		}
		switch kind {
		case none:
			out = append(out, in[i])
		case escape, control:
			end := finish(in[i+n:], kind)
			if end < 0 { // not a sequence after all: what follows is text
				out = append(out, utf8.RuneError)
				end = 0
			}
			i += n + end - 1
		case text:
			out = append(out, utf8.RuneError)
			if end := terminator(in[i+n:]); end >= 0 {
				n += end
			}
			i += n - 1
		}
	}
	return out
}

type kind int

const (
	none    kind = iota
	escape       // ESC, intermediates, a final character
	control      // CSI: parameters, intermediates, a final character
	text         // DCS, OSC, SOS, PM, APC: a string up to its terminator
)

// introducer classifies a character by its C1 form.
func introducer(r rune) kind {
	switch r {
	case 0x9b:
		return control
	case 0x90, 0x98, 0x9d, 0x9e, 0x9f:
		return text
	}
	return none
}

// finish returns the length of the rest of a sequence, or -1 if what follows
// an introducer is no such rest.
func finish(in []rune, k kind) int {
	final := rune(0x30) // of an escape sequence
	i := 0
	if k == control {
		final = 0x40
		for i < len(in) && in[i] >= 0x30 && in[i] < 0x40 {
			i++
		}
	}
	for i < len(in) && in[i] >= 0x20 && in[i] < 0x30 {
		i++
	}
	if i < len(in) && in[i] >= final && in[i] < 0x7f {
		return i + 1
	}
	return -1
}

// terminator returns the length of a control string with its end, or -1 if it
// has none: then the words after the introducer are shown, not swallowed.
func terminator(in []rune) int {
	for i, r := range in {
		switch {
		case r == 0x07 || r == 0x9c:
			return i + 1
		case r == esc && i+1 < len(in) && in[i+1] == '\\':
			return i + 2
		case r == esc || r == '\n' || introducer(r) != none: // a new one: looking on would be quadratic
			return -1
		}
	}
	return -1
}
