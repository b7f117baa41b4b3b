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

type emphasis int

const (
	asCode emphasis = iota
	asLink
	asStrong
	asStress
	asBlock // code of several lines
	asFence // the lines around it
)

type span struct {
	piece
	emphasis
}

var emphasised = regexp.MustCompile("(?m)^```[^`\n]*\n(?s:.*?)^``` *$" +
	"|`[^`\n]+`" +
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
	for _, at := range emphasised.FindAllStringIndex(text, -1) {
		s, is := span{piece{at[0], at[1]}, asLink}, text[at[0]:at[1]]
		switch {
		case strings.HasPrefix(is, "```") && strings.Contains(is, "\n"):
			found = append(found, fenced(text, s.piece)...)
			continue
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

// fenced parts code of several lines from the lines around it.
func fenced(text string, p piece) []span {
	from := p.from + strings.IndexByte(text[p.from:p.to], '\n') + 1
	to := strings.LastIndexByte(text[p.from:p.to], '\n') + 1 + p.from
	return []span{{piece{p.from, from}, asFence}, {piece{from, to}, asBlock}, {piece{to, p.to}, asFence}}
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

// paint writes one line of text with its spans.
func (lk *look) paint(text string, line piece, spans []span) string {
	var out strings.Builder
	at := line.from
	for _, s := range spans {
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
		return lk.Link.Hyperlink(whole)
	}
	return lk.Strong
}
