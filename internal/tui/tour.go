package tui

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// tour is the way through the hits of a search, each in its place, and back to
// where it began.
type tour struct {
	from string // the conversation that was open
	window
	find string // the words that are marked on the way
}

// visit shows a hit of the search in its place.
func (m *model) visit(at int) {
	f := m.finder
	if m.tour == nil {
		m.tour = &tour{from: m.current}
		if t := m.thread(); t != nil {
			m.tour.window = t.window
		}
	}
	f.at, m.tour.find = at, f.asked.Find
	hit := f.found[at]
	m.goTo(hit.Contact, hit.Cursor)
	m.picks = hit.Cursor // also where it is not in memory yet, or has no page
	if m.thread() == nil {
		m.say("You do not talk with " + hit.Contact + " any more. What was said is in: chat history " + hit.Contact)
	}
}

// tourKey takes the keys that lead through the hits, and those that would be for
// one that is still being read.
func (m *model) tourKey(k tea.KeyPressMsg) bool {
	switch keys := &m.keys; {
	case key.Matches(k, keys.Close):
		m.endTour()
	case key.Matches(k, keys.NextHit):
		m.nextHit(1)
	case key.Matches(k, keys.PreviousHit):
		m.nextHit(-1)
	case key.Matches(k, keys.Find):
		m.showFinder("")
	default:
		return m.chosen() == nil && k.Text != ""
	}
	return true
}

// nextHit goes on to the hit n further.
func (m *model) nextHit(n int) {
	switch at := m.finder.at + n; {
	case at < 0:
		m.say("There is no later hit.")
	case at >= len(m.finder.found):
		m.say("There is no earlier hit.")
	default:
		m.visit(at)
	}
}

// endTour goes back to where the search began.
func (m *model) endTour() {
	back := m.tour
	m.tour, m.picks = nil, 0
	m.open(back.from)
	if t := m.thread(); t != nil {
		t.resume(back.window)
	}
}

// resume takes up a place that a reader had before.
func (t *thread) resume(w window) {
	if _, there := t.find(w.top.cursor); w.follow && t.newer || !w.follow && !there {
		t.reset()
	}
	t.window = w
}

// marked sets off words that were searched for, within what else is set off. A
// link stays whole.
func marked(set []span, words []piece) []span {
	if len(words) == 0 {
		return set
	}
	var out []span
	for _, w := range words {
		if !slices.ContainsFunc(set, func(s span) bool { return s.emphasis == asLink && s.from < w.to && w.from < s.to }) {
			out = append(out, span{w, asFound})
		}
	}
	for _, s := range set {
		for _, w := range words {
			if s.emphasis != asLink && s.from < w.to && w.from < s.to {
				out = append(out, span{piece{s.from, w.from}, s.emphasis}) // empty where the word begins it
				s.from = min(w.to, s.to)
			}
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b span) int { return a.from - b.from })
	return out
}
