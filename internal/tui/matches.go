package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// matches finds where the words that were searched for begin words of a text, in
// order, whatever their case and accents.
func matches(text, find string) (found []piece) {
	var folds strings.Builder
	for _, r := range find {
		folds.WriteString(folded(r))
	}
	words := strings.FieldsFunc(folds.String(), func(r rune) bool { return !isWord(r) })
	inWord := false
	for i, r := range text {
		is := isWord(r)
		if is && (!inWord || r >= firstUnspaced) && (len(found) == 0 || i >= found[len(found)-1].to) {
			longest := 0
			for _, w := range words {
				longest = max(longest, prefixFold(text[i:], w))
			}
			if longest > 0 {
				found = append(found, piece{i, i + longest})
			}
		}
		inWord = is || unicode.Is(unicode.Mn, r) && inWord
	}
	return found
}

// maxExcerpt is how much of a hit is kept for its line, in bytes: more than the
// widest line shows on either side.
const maxExcerpt = 1024

// excerpt is the part of a text around the first of the words in it, in one
// line. A frame has many hits, and each may have 32 KiB.
func excerpt(text, find string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxExcerpt {
		return text
	}
	from := 0
	if found := matches(text, find); len(found) > 0 {
		from = max(found[0].from-maxExcerpt/2, 0)
	}
	if cut := strings.IndexByte(text[from:], ' '); from > 0 && cut >= 0 && cut < maxExcerpt/4 {
		from += cut + 1
	}
	return strings.ToValidUTF8(text[from:min(from+maxExcerpt, len(text))], "")
}

// firstUnspaced is where the scripts begin that write words without blanks.
const firstUnspaced = 0x2e80

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// prefixFold returns how many bytes of text a folded prefix takes, or 0.
func prefixFold(text, prefix string) int {
	for i, r := range text {
		low := folded(r)
		switch {
		case prefix == "" && low != "":
			return i
		case !strings.HasPrefix(prefix, low):
			return 0
		}
		prefix = prefix[len(low):]
	}
	if prefix != "" {
		return 0
	}
	return len(text)
}

// folded is a letter in lower case and without accents. An accent of its own is
// nothing.
func folded(r rune) string {
	if r < utf8.RuneSelf || r >= firstUnspaced {
		return string(unicode.ToLower(r))
	}
	var out strings.Builder
	for _, d := range norm.NFD.String(string(r)) {
		if !unicode.Is(unicode.Mn, d) {
			out.WriteRune(unicode.ToLower(d))
		}
	}
	return out.String()
}
