package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"secure-messaging/pkg/client"
)

const (
	// sameBreath is how long one author's messages stay under one heading.
	sameBreath = 5 * time.Minute

	// stateWidth is kept free at the right for the state of our messages.
	stateWidth = 3
)

// block is a message's lines: what stands above it (a day, the line of what
// is new, its author or a blank), and its words. They are drawn once for each
// key.
type block struct {
	drawn []string
	head  int // how many of them stand above the words
	key   blockKey

	words    []string // with the state, and why it failed
	wordsKey wordsKey
}

type wordsKey struct {
	width, generation int
	version           int // of the entry
	find              string
}

type blockKey struct {
	wordsKey
	day                  string // set where a day begins
	author, apart, fresh bool
}

// draw gives the lines of e below those of above, or of nothing.
func (e *entry) draw(p *page, above *entry, fresh bool) []string {
	words := e.drawWords(p)
	key := blockKey{wordsKey: e.wordsKey, fresh: fresh}
	at := e.At.Local()
	if above == nil || !sameDay(above.At.Local(), at) {
		key.day = dayName(at, p.now)
	}
	gap := centred(e.Type)
	key.author = !gap && (above == nil || key.day != "" || fresh || above.From != e.From || centred(above.Type) ||
		above.Outgoing() != e.Outgoing() || written(&e.Message).Sub(written(&above.Message)).Abs() > sameBreath)
	// Lines below each other may be messages of a line each. One of several
	// lines stands apart, so that its ends can be seen.
	key.apart = gap || !key.author && max(len(words), len(above.drawWords(p))) > 1
	if e.drawn != nil && e.key == key {
		return e.drawn
	}
	e.key = key
	e.drawn = p.above(&e.Message, key)
	e.head = len(e.drawn)
	e.drawn = append(e.drawn, words...)
	return e.drawn
}

func (e *entry) drawWords(p *page) []string {
	key := wordsKey{p.width, p.generation, e.version, p.find}
	if e.words == nil || e.wordsKey != key {
		e.words, e.wordsKey = p.words(&e.Message), key
	}
	return e.words
}

// centred reports whether a message is a remark about the conversation, and
// nobody's words.
func centred(typ string) bool {
	return typ == client.TypeMissing || typ == client.TypeTimer || typ == client.TypeGroup
}

// above draws what stands over a message's words.
func (p *page) above(m *client.Message, key blockKey) []string {
	var lines []string
	if key.day != "" {
		lines = append(lines, "", p.heading(key.day, p.Dim.Render, p.width))
	}
	if key.fresh {
		lines = append(lines, "", p.heading("new", p.Fresh.Render, p.width))
	}
	if key.author {
		clock := p.clock(m)
		lines = append(lines, "", p.author(m).Render(p.cut(m.From, p.width-len(clock)-2))+"  "+p.Dim.Render(clock))
	}
	if key.apart {
		lines = append(lines, "")
	}
	return lines
}

// clock says when a message was written, with the day where that is not the
// one it stands under: order and days are those of its arrival.
func (p *page) clock(m *client.Message) string {
	at, written := m.At.Local(), written(m)
	switch {
	case sameDay(written, at):
		return written.Format(p.hours)
	case written.Year() == at.Year():
		return written.Format("Mon 2 Jan " + p.hours)
	}
	return written.Format("Mon 2 Jan 2006 " + p.hours)
}

func written(m *client.Message) time.Time {
	if m.SentAt.IsZero() { // nothing is known of it
		return m.At.Local()
	}
	return m.Written().Local()
}

// words draws the message itself, between what it answers and what others
// put beside it.
func (p *page) words(m *client.Message) []string {
	if centred(m.Type) {
		return p.remark(m)
	}
	width, standing := max(p.width-stateWidth, 1), p.standing(m)
	if m.Disappear > 0 {
		width = max(width-1, 1)
	}
	lines := p.said(m, width)
	if standing != "" {
		last := len(lines) - 1
		lines[last] = p.sides(lines[last], standing, p.width)
	}
	if quotes(m) {
		lines = append([]string{p.quote(m, width)}, lines...)
	}
	if m.State == client.Failed && !m.Deleted {
		reason := strings.TrimSuffix(m.Reason, ".")
		if reason == "" {
			reason = "refused"
		}
		lines = append(lines, p.wrapped("not sent: "+reason, p.Bad.Render, width)...)
	}
	if m.State != client.Failed && m.Outgoing() && m.Reason != "" && !m.Deleted {
		lines = append(lines, p.wrapped(strings.TrimSuffix(m.Reason, "."), p.Dim.Render, width)...)
	}
	if len(m.Reactions) > 0 {
		lines = append(lines, p.reactions(m, width))
	}
	return lines
}

// standing is how a message stands: whether it will disappear, and how far it
// has come.
func (p *page) standing(m *client.Message) (s string) {
	switch {
	case m.Deleted:
		return ""
	case m.Disappear > 0:
		s = p.Dim.Render(p.Timed)
	}
	if m.Outgoing() {
		s += p.state(m.State)
	}
	return s
}

// quotes reports whether a message begins with a line of what it answers.
func quotes(m *client.Message) bool { return m.Reply != nil && !m.Deleted && !centred(m.Type) }

// said draws the words of the author, and whether they are the first ones.
func (p *page) said(m *client.Message, width int) (lines []string) {
	switch {
	case m.Deleted:
		return p.wrapped(p.Note+" "+deleted, p.Dim.Render, width)
	case m.Type == client.TypeUnreadable:
		return p.wrapped(p.Note+" A message that could not be opened. It was altered on its way, or not sealed for this device. If that goes on: /connect "+m.Contact, p.Warn.Render, width)
	case m.Type == client.TypeFile:
		lines = append(lines, p.file(m, width))
		if strings.TrimSpace(m.Text) == "" {
			return lines
		}
	case m.Type != client.TypeText:
		return p.wrapped(fmt.Sprintf("%s A message of a kind that this version does not know (%s). Update chat to read it.", p.Note, m.Type), p.Dim.Render, width)
	}
	text := strings.TrimRightFunc(m.Text, unicode.IsSpace) // its state stands beside its last word
	if text == "" {
		return []string{p.Dim.Render("(blank)")}
	}
	found := marked(spans(text), matches(text, p.find))
	for _, l := range wrap(p.cells, text, width) {
		for len(found) > 0 && found[0].to <= l.from {
			found = found[1:]
		}
		lines = append(lines, p.paint(text, l, found))
	}
	if !m.Edited {
		return lines
	}
	mark, last := p.Dim.Render("(edited)"), len(lines)-1
	if p.cells.StringWidth(lines[last])+1+p.cells.StringWidth(mark) > width {
		return append(lines, mark)
	}
	lines[last] += " " + mark
	return lines
}

// deleted stands in place of words that were taken back.
const deleted = "deleted"

// quote is the line above an answer: who is answered, and the beginning of
// what they said.
func (p *page) quote(m *client.Message, width int) string {
	q, text := m.Reply, m.Reply.Text
	switch {
	case q.Cursor == 0:
		text = "a message that is not here"
	case text == "":
		text = deleted
	}
	return p.Dim.Render(p.cut(p.Answers+" "+q.From+": "+text, width))
}

// reactions is the line below a message: each emoji once, and who gave it.
func (p *page) reactions(m *client.Message, width int) string {
	var line strings.Builder
	for i, r := range m.Reactions {
		if slices.ContainsFunc(m.Reactions[:i], func(b client.Reaction) bool { return b.Emoji == r.Emoji }) {
			continue
		}
		var who []string
		for _, b := range m.Reactions[i:] {
			if b.Emoji == r.Emoji {
				who = append(who, b.From)
			}
		}
		if line.Len() > 0 {
			line.WriteString("  ")
		}
		line.WriteString(r.Emoji + " " + p.Dim.Render(strings.Join(who, ", ")))
	}
	return p.cut("  "+line.String(), width)
}

// remark draws what was said about the conversation, in its middle.
func (p *page) remark(m *client.Message) (lines []string) {
	text := missing(m.Text)
	switch m.Type {
	case client.TypeTimer:
		text = timer(m)
	case client.TypeGroup:
		text = groupNews(m)
	}
	for _, l := range p.wrapped(text, p.Dim.Render, p.width) {
		lines = append(lines, space((p.width-p.cells.StringWidth(l))/2)+l)
	}
	return lines
}

// timer says what an author has set about messages that disappear.
func timer(m *client.Message) string {
	if m.Outgoing() {
		return "You have " + timed(m.Text)
	}
	return m.From + " has " + timed(m.Text)
}

// missing says how many messages a gap stands for.
func missing(text string) string {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return "Some messages had not arrived here"
	}
	return plural(int(n), "message", "messages") + " had not arrived here"
}

func (p *page) state(s client.MessageState) string {
	switch s {
	case client.Waiting:
		return p.Warn.Render(p.Waiting)
	case client.Stored:
		return p.Sent.Render(p.Stored)
	case client.Delivered:
		return p.Sent.Render(p.Delivered)
	case client.Read:
		return p.Good.Render(p.Read)
	}
	return p.Bad.Render(p.Failed)
}

func sameDay(a, b time.Time) bool {
	return a.YearDay() == b.YearDay() && a.Year() == b.Year()
}

func dayName(at, now time.Time) string {
	now = now.Local()
	switch {
	case sameDay(at, now):
		return "Today"
	case sameDay(at, now.AddDate(0, 0, -1)):
		return "Yesterday"
	case at.Before(now) && now.Sub(at) < 6*24*time.Hour:
		return at.Format("Monday")
	case at.Year() == now.Year():
		return at.Format("Monday 2 January")
	}
	return at.Format("Monday 2 January 2006")
}
