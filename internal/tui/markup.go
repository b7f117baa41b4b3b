package tui

import (
	"regexp"
	"strings"

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
)

type span struct {
	piece
	emphasis
}

var emphasised = regexp.MustCompile("`[^`\n]+`" +
	`|https?://[!#-;=?-\[\]^_a-z~]*[A-Za-z0-9/_=~#&-]` +
	`|\*\*[^*\s](?:[^*\n]*[^*\s])?\*\*`)

// spans finds what is set off in a text, in order.
func spans(text string) []span {
	if !strings.ContainsAny(text, "`*:") {
		return nil
	}
	var found []span
	for _, at := range emphasised.FindAllStringIndex(text, -1) {
		s := span{piece{at[0], at[1]}, asLink}
		switch text[at[0]] {
		case '`':
			s.emphasis = asCode
		case '*':
			s.emphasis = asStrong
		default:
			s.to = closed(text, s.from, s.to)
		}
		found = append(found, s)
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
	case asCode:
		return lk.Code
	case asLink:
		return lk.Link.Hyperlink(whole)
	}
	return lk.Strong
}
