package sanitize

import (
	"strings"
	"unicode"
)

const (
	zwnj       = 0x200C
	zwj        = 0x200D
	textStyle  = 0xFE0E // variation selector: as text
	emojiStyle = 0xFE0F // variation selector: as emoji
	blackFlag  = 0x1F3F4
	cancelTag  = 0xE007F
)

// join decides about the characters that only mean something beside others:
// marks, joiners, variation selectors and tags. A character that stands for
// itself is never dropped here, which is what makes the result stable.
func join(in []rune) string {
	var (
		out   strings.Builder
		prev  rune // the last character written
		marks int  // combining marks since the last base
		joins int  // joiners in this emoji
	)
	for i := 0; i < len(in); i++ {
		r := in[i]
		var next rune
		if i+1 < len(in) {
			next = in[i+1]
		}
		switch {
		case isTag(r):
			n := 0
			if prev == blackFlag {
				n = flagTags(in[i:])
			}
			if n == 0 {
				continue
			}
			out.WriteString(string(in[i : i+n]))
			i, prev = i+n-1, cancelTag
			continue
		case r == zwj && isEmojiPart(prev) && isPictograph(next):
			if joins++; joins > maxJoins {
				continue
			}
		case r == zwj || r == zwnj:
			if !isJoining(prev) || !isJoining(next) || isMark(next) {
				continue
			}
		case r == textStyle || r == emojiStyle:
			if !isPictograph(prev) && !isKeycap(prev) {
				continue
			}
		case isMark(r):
			if marks++; marks > MaxMarks || !canCarry(prev) {
				continue
			}
		default:
			marks = 0
			if prev != zwj && !isSkinTone(r) {
				joins = 0
			}
		}
		out.WriteRune(r)
		prev = r
	}
	return out.String()
}

// flagTags returns the length of a well-formed tag sequence, as in the flags
// of England, Scotland and Wales, or 0.
func flagTags(in []rune) int {
	for i, r := range in {
		switch {
		case r == cancelTag && i > 0:
			return i + 1
		case i >= maxTags || !isTag(r) || r == cancelTag:
			return 0
		}
	}
	return 0
}

func isTag(r rune) bool {
	return (r >= 0xE0030 && r <= 0xE0039) || (r >= 0xE0061 && r <= 0xE007A) || r == cancelTag
}

// isMark names what is drawn onto its predecessor, the vowels and finals of
// decomposed Hangul among them.
func isMark(r rune) bool {
	if r == textStyle || r == emojiStyle {
		return false
	}
	return unicode.Is(unicode.M, r) || (r > 0x1160 && r <= 0x11FF) || (r >= 0xD7B0 && r <= 0xD7FB)
}

// canCarry reports whether a mark may follow: not at the start of a line or
// after a space, where it would be drawn onto what is not its author's.
func canCarry(prev rune) bool {
	return prev != 0 && prev != '\n' && !unicode.IsSpace(prev) && prev != zwj && prev != zwnj
}

func isKeycap(r rune) bool   { return r == '#' || r == '*' || (r >= '0' && r <= '9') }
func isSkinTone(r rune) bool { return r >= 0x1F3FB && r <= 0x1F3FF }

func isEmojiPart(r rune) bool { return isPictograph(r) || r == emojiStyle }

// isPictograph covers the blocks whose characters take part in emoji.
func isPictograph(r rune) bool {
	return (r >= 0x1F000 && r <= 0x1FAFF) || (r >= 0x2600 && r <= 0x27BF) || (r >= 0x2300 && r <= 0x23FF) ||
		(r >= 0x2B00 && r <= 0x2BFF) || (r >= 0x2190 && r <= 0x21FF) || r == 0xA9 || r == 0xAE ||
		r == 0x203C || r == 0x2049 || r == 0x2122 || r == 0x2139 || r == 0x25AA || r == 0x25AB ||
		r == 0x25B6 || r == 0x25C0 || r == 0x3030 || r == 0x303D || r == 0x3297 || r == 0x3299
}

// isJoining reports whether a character belongs to a script that spells with
// joiners: Persian, and those of India and its neighbours.
func isJoining(r rune) bool {
	return r > 0x5ff && unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian,
		unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya,
		unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala,
		unicode.Khmer, unicode.Myanmar)
}
