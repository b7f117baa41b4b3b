package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// entry of a list that is narrowed by typing some letters of it.
type offer struct {
	label, note string
	then        action
}

// picker chooses one of many by some letters of it.
type picker struct {
	keys   *keyMap
	title  string
	verb   string // what enter does
	none   string // what is said where nothing fits
	foot   string // about the list, in its frame
	again  func(*keyMap) key.Binding
	offers []offer
	list   narrowing
	input  textinput.Model
	at     int

	from, to int // the offers on screen, as of the last render
}

func (p *picker) press(k tea.KeyPressMsg) (action, bool) {
	fit := p.list.to(p.input.Value())
	switch {
	case key.Matches(k, p.keys.Close):
		return nil, true
	case key.Matches(k, p.keys.Choose):
		return p.choose(fit)
	case k.String() == "up" || k.String() == "shift+tab":
		p.at = max(p.at-1, 0)
	case k.String() == "down" || k.String() == "tab" || key.Matches(k, p.again(p.keys)):
		p.at = min(p.at+1, max(len(fit)-1, 0))
	default:
		p.input, _ = p.input.Update(k)
		p.at = 0
	}
	return nil, false
}

// choose does what is chosen.
func (p *picker) choose(fit []int) (action, bool) {
	if p.at >= len(fit) {
		return nil, true
	}
	return p.offers[fit[p.at]].then, true
}

func (p *picker) paste(line string) {
	p.input, _ = p.input.Update(tea.PasteMsg{Content: line})
	p.at = 0
}

func (p *picker) hints() []key.Binding {
	return []key.Binding{bind("arrows", "choose", "up"), bind("enter", p.verb, "enter"), p.keys.Close}
}

func (p *picker) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	width = min(width-4, 72)
	input := dressed(p.input, lk, width)
	lines := []string{input.View(), ""}
	fit := p.list.to(p.input.Value())
	room := min(max(height-4, 1), maxListed)
	p.from, p.to = inView(p.at, room, len(fit))
	for i := p.from; i < p.to; i++ {
		o := p.offers[fit[i]]
		lead, style := "  ", lk.Text
		if i == p.at {
			lead, style = lk.Accent.Render(lk.Here)+" ", lk.Strong
		}
		label := lk.cut(strings.ReplaceAll(o.label, "\n", " "), width-2-lk.cells.StringWidth(o.note)-1)
		lines = append(lines, lk.sides(lead+style.Render(label), lk.Dim.Render(o.note), width))
	}
	if len(fit) == 0 {
		lines = append(lines, lk.Dim.Render(p.none))
	}
	for len(lines) < min(room, 10)+2 {
		lines = append(lines, "")
	}
	return lk.box(lk.Box, p.title, p.foot, lines, width), cursorIn(input, 0)
}

func newPicker(keys *keyMap, title, verb, none, placeholder string, again func(*keyMap) key.Binding, offers []offer) *picker {
	p := &picker{keys: keys, title: title, verb: verb, none: none, again: again, offers: offers, input: field("", placeholder, 64)}
	labels := make([]string, len(offers))
	for i, o := range offers {
		labels[i] = o.label
	}
	p.list = narrow(labels)
	p.input.Focus()
	return p
}

// newPalette offers all that can be done: what keys do, commands, and
// conversations.
func newPalette(m *model) *picker {
	var offers []offer
	for _, d := range deeds {
		if b := d.key(&m.keys); !d.plain && len(b.Keys()) > 0 {
			offers = append(offers, offer{b.Help().Desc, b.Help().Key, func(m *model) tea.Cmd { return d.do(m, tea.KeyPressMsg{}) }})
		}
	}
	for _, c := range commands {
		offers = append(offers, offer{"/" + c.name + "  " + c.does, c.args, func(m *model) tea.Cmd {
			if c.args == "" { // what is written stays
				cmd, complaint := c.run(m, "")
				if complaint != "" {
					m.fail(complaint)
				}
				return cmd
			}
			if !m.composer.empty() {
				m.fail("Send or clear what you have written first.")
				return nil
			}
			m.composer.set("/" + c.name + " ")
			return nil
		}})
	}
	for _, c := range m.roster.contacts {
		offers = append(offers, offer{c.Name, "conversation", func(m *model) tea.Cmd { m.open(c.Name); return nil }})
	}
	return newPicker(&m.keys, "What to do", "do it", "nothing like that", "some letters of it",
		func(k *keyMap) key.Binding { return k.Palette }, offers)
}

// maxRecalled is how many texts are offered again.
const maxRecalled = 200

// remember keeps what was sent or done from this screen, in memory alone. What
// is to disappear is not kept longer by this.
func (m *model) remember(text string) {
	if _, _, is := asCommand(text); !is && m.roster.get(m.current).Disappear > 0 {
		return
	}
	m.forgetSent(text) // it comes last again
	m.recalled = append(m.recalled, text)
	if over := len(m.recalled) - maxRecalled; over > 0 {
		m.recalled = m.recalled[over:]
	}
}

// forgetSent lets go of a text.
func (m *model) forgetSent(text string) {
	m.recalled = slices.DeleteFunc(m.recalled, func(t string) bool { return t == text })
}

// newRecall offers what was sent and done before, the latest first.
func newRecall(m *model) *picker {
	var offers []offer
	for _, text := range slices.Backward(m.recalled) {
		offers = append(offers, offer{text, "", func(m *model) tea.Cmd {
			m.composer.set(strings.TrimPrefix(m.composer.value()+"\n"+text, "\n"))
			return nil
		}})
	}
	p := newPicker(&m.keys, "Sent before", "take it", "nothing like that was sent since chat was opened", "some letters of it",
		func(k *keyMap) key.Binding { return k.Recall }, offers)
	p.foot = "in memory alone, until you quit"
	return p
}
