package tui

import "time"

// window is the reader's place in a thread. Either it follows the latest
// message, or its first line is anchored to a line of a message, so that
// whatever comes before or after does not move what is being read.
type window struct {
	follow bool
	top    place
}

// place is a line of a message. Line 0 is the first line of its words; what
// stands above them (day, author) has negative numbers, because it may change
// when older messages are loaded.
type place struct {
	cursor int64
	line   int
}

// page is how a thread is laid out at the moment.
type page struct {
	*look
	width, height int
	now           time.Time
	find          string // words that are marked; empty for none
}

// lines returns the drawn lines of entry i.
func (t *thread) lines(p *page, i int) []string {
	e := t.entries[i]
	var above *entry
	if i > 0 {
		above = t.entries[i-1]
	}
	return e.draw(p, above, e.Cursor == t.fresh)
}

// locate returns the entry and the line in its block that stand at the top of
// the window. It draws no more than one screen.
func (t *thread) locate(p *page) (i, line int) {
	if !t.follow {
		i, there := t.find(t.top.cursor)
		if there {
			n := len(t.lines(p, i))
			return i, min(max(t.top.line+t.entries[i].head, 0), n-1)
		}
		if i < len(t.entries) {
			return i, 0
		}
	}
	return t.back(p, len(t.entries), 0, p.height)
}

// back walks up n lines from a place, and stops at the beginning.
func (t *thread) back(p *page, i, line, n int) (int, int) {
	for n > line && i > 0 {
		n -= line
		i--
		line = len(t.lines(p, i))
	}
	return i, max(line-n, 0)
}

// forward walks down n lines from a place, and stops at the end.
func (t *thread) forward(p *page, i, line, n int) (int, int) {
	for i < len(t.entries) {
		rest := len(t.lines(p, i)) - line
		if n < rest {
			return i, line + n
		}
		n, i, line = n-rest, i+1, 0
	}
	return i, 0
}

// scroll moves the window by n lines, up if n is negative.
func (t *thread) scroll(p *page, n int) {
	i, line := t.locate(p)
	if n < 0 {
		i, line = t.back(p, i, line, -n)
	} else {
		i, line = t.forward(p, i, line, n)
	}
	t.anchor(p, i, line)
}

// anchor puts the window at a line of an entry, or lets it follow when all
// that comes after fits.
func (t *thread) anchor(p *page, i, line int) {
	if end, _ := t.forward(p, i, line, p.height); end >= len(t.entries) && !t.newer {
		t.follow = true
		return
	}
	if i >= len(t.entries) {
		i, line = t.back(p, len(t.entries), 0, p.height)
	}
	t.follow = false
	t.top = place{t.entries[i].Cursor, line - t.entries[i].head}
}

// visible returns the entries whose last line is on screen, as a half-open
// range.
func (t *thread) visible(p *page) (from, to int) {
	i, line := t.locate(p)
	to, _ = t.forward(p, i, line, p.height)
	return i, to
}

// render gives exactly p.height lines, the last ones at the bottom.
func (t *thread) render(p *page) []string {
	var out []string
	for i, line := t.locate(p); i < len(t.entries) && len(out) < p.height; i, line = i+1, 0 {
		out = append(out, t.lines(p, i)[line:]...)
	}
	if len(out) > p.height {
		out = out[:p.height]
	}
	return append(make([]string, p.height-len(out), p.height), out...)
}

// reveal scrolls no further than it must to have a message on screen, as much
// of it as fits.
func (t *thread) reveal(p *page, cursor int64) {
	i, there := t.find(cursor)
	if !there {
		return
	}
	at, line := t.locate(p)
	end, _ := t.forward(p, at, line, p.height)
	switch {
	case i < at || i == at && line > t.head(p, i):
		t.anchor(p, i, 0)
	case i >= end:
		if j, from := t.back(p, i+1, 0, p.height); j < i || from > 0 {
			t.anchor(p, j, from)
		} else {
			t.anchor(p, i, 0)
		}
	}
}

// head is how many lines stand above the words of entry i.
func (t *thread) head(p *page, i int) int {
	t.lines(p, i)
	return t.entries[i].head
}

// centre puts a message a third of the screen down, or as far as there is
// something above it.
func (t *thread) centre(p *page, cursor int64) {
	if i, there := t.find(cursor); there {
		j, line := t.back(p, i, 0, p.height/3)
		t.anchor(p, j, line)
	}
}

// rows returns the lines of the screen on which a message's words stand, as a
// half-open range; it is empty where none does.
func (t *thread) rows(p *page, cursor int64) (from, to int) {
	y := p.height - t.shown(p)
	for i, line := t.locate(p); i < len(t.entries) && y < p.height; i, line = i+1, 0 {
		n := len(t.lines(p, i)) - line
		if e := t.entries[i]; e.Cursor == cursor {
			return min(y+max(e.head-line, 0), p.height), min(y+n, p.height)
		}
		y += n
	}
	return 0, 0
}

// shown is how many lines of the window are not blank.
func (t *thread) shown(p *page) (n int) {
	for i, line := t.locate(p); i < len(t.entries) && n < p.height; i, line = i+1, 0 {
		n += len(t.lines(p, i)) - line
	}
	return min(n, p.height)
}

// hit returns the message that stands on a line of the screen, and which line
// of its words that is, or nil.
func (t *thread) hit(p *page, row int) (e *entry, words int) {
	y := p.height - t.shown(p)
	for i, line := t.locate(p); i < len(t.entries) && y <= row; i, line = i+1, 0 {
		n := len(t.lines(p, i)) - line
		if words = row - y + line - t.entries[i].head; row < y+n && words >= 0 {
			return t.entries[i], words
		}
		y += n
	}
	return nil, 0
}
