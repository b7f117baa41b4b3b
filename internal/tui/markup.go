package tui

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
)

// A message is shown as it was written: its words never change, some of them
// are set off. Links are made by us, of addresses that are plain ASCII, and
// lead where they say.

// maxLink is how long the target of a link may be, in bytes. Terminals take no
// longer one, and it is written again for each line on which the link stands.
const maxLink = 2083

type emphasis int

const (
	asCode emphasis = iota
	asLink
	asStrong
	asStress
	asBlock // code of several lines
	asFence // the lines around it
	asFound
)

type span struct {
	piece
	emphasis
}

var emphasised = regexp.MustCompile("`[^`\n]+`" +
	`|https?://[!#-;=?-\[\]^_a-z~]*[A-Za-z0-9/_=~#&-]` +
	`|mailto:[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]*[A-Za-z0-9]` +
	`|\*\*[^*\s](?:[^*\n]*[^*\s])?\*\*` +
	`|\*[^*\s](?:[^*\n]*[^*\s])?\*` +
	`|\b_[^_\s](?:[^_\n]*[^_\s])?_\b`)

// spans finds what is set off in a text, in order.
func spans(text string) []span {
	if !strings.ContainsAny(text, "`*:_") {
		return nil
	}
	var found []span
	at := 0
	for _, f := range fences(text) {
		found = append(inline(found, text, piece{at, f[0].from}), f[:]...)
		at = f[2].to
	}
	return inline(found, text, piece{at, len(text)})
}

// fences finds code of several lines, each with the lines around it.
func fences(text string) (found [][3]span) {
	open := piece{-1, -1} // the line that began one
	for from := 0; from < len(text); {
		to := len(text)
		if n := strings.IndexByte(text[from:], '\n'); n >= 0 {
			to = from + n + 1
		}
		switch rest, is := strings.CutPrefix(text[from:to], "```"); {
		case !is:
		case open.from < 0 && !strings.Contains(rest, "`"):
			open = piece{from, to}
		case open.from >= 0 && strings.TrimSpace(rest) == "":
			found = append(found, [3]span{{open, asFence}, {piece{open.to, from}, asBlock}, {piece{from, to}, asFence}})
			open = piece{-1, -1}
		}
		from = to
	}
	return found
}

// inline finds what is set off within the lines of a part of text.
func inline(found []span, text string, p piece) []span {
	for _, at := range emphasised.FindAllStringIndex(text[p.from:p.to], -1) {
		s := span{piece{p.from + at[0], p.from + at[1]}, asLink}
		switch is := text[s.from:s.to]; {
		case is[0] == '`':
			s.emphasis = asCode
		case strings.HasPrefix(is, "**"):
			s.emphasis = asStrong
		case is[0] == '*' && (inWord(text[:s.from], utf8.DecodeLastRuneInString) || inWord(text[s.to:], utf8.DecodeRuneInString)):
			continue // as in 2*3*4
		case is[0] == '*', is[0] == '_':
			s.emphasis = asStress
		default:
			s.to = closed(text, s.from, s.to)
		}
		found = append(found, s)
	}
	return found
}

// inWord reports whether a text goes on with a letter or a digit, at the end at
// which decode looks.
func inWord(text string, decode func(string) (rune, int)) bool {
	r, _ := decode(text)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// pieces returns what is set off in one way.
func pieces(text string, as emphasis) (found []string) {
	for _, s := range spans(text) {
		if s.emphasis == as {
			found = append(found, text[s.from:s.to])
		}
	}
	return found
}

// closed takes the bracket into a link that its end leaves open.
func closed(text string, from, to int) int {
	link := text[from:to]
	if strings.Count(link, "(") > strings.Count(link, ")") && strings.HasPrefix(text[to:], ")") {
		return to + 1
	}
	return to
}

// paint writes one line of text with its spans, the first of which may have
// begun before.
func (lk *look) paint(text string, line piece, spans []span) string {
	var out strings.Builder
	at := line.from
	for _, s := range spans {
		if s.from >= line.to {
			break
		}
		from, to := max(s.from, at), min(s.to, line.to)
		if from >= to {
			continue
		}
		out.WriteString(text[at:from])
		out.WriteString(lk.emphasise(s.emphasis, text[s.from:s.to]).Render(text[from:to]))
		at = to
	}
	out.WriteString(text[at:line.to])
	return out.String()
}

func (lk *look) emphasise(e emphasis, whole string) lipgloss.Style {
	switch e {
	case asCode, asBlock:
		return lk.Code
	case asFence:
		return lk.Dim
	case asStress:
		return lk.Stress
	case asLink:
		if len(whole) > maxLink {
			return lk.Link
		}
		return lk.Link.Hyperlink(whole)
	case asFound:
		return lk.Found
	}
	return lk.Strong
}
