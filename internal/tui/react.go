package tui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// commonReactions are offered by number. Any other can be typed. They are of
// those that every terminal draws two cells wide: the red heart is not.
var commonReactions = []string{"👍", "💙", "😂", "😮", "😢", "🎉", "👀", "✅"}

// reactions asks for an emoji to put beside a message.
type reactions struct {
	keys   *keyMap
	cursor int64
	about  string // the message
	mine   string // what stands there of us
	at     int    // chosen of the common ones; len for what is typed
	input  textinput.Model
}

// askForReaction opens the palette for a message.
func (m *model) askForReaction(e *entry) {
	if !m.answerable(e) {
		m.fail("Nothing can be put beside that message.")
		return
	}
	r := &reactions{keys: &m.keys, cursor: e.Cursor, about: mention(e), input: field("Another  ", "type or paste one", client.MaxReaction)}
	for _, given := range e.Reactions {
		if given.From == m.identity.Username {
			r.mine = given.Emoji
		}
	}
	r.at = max(slices.Index(commonReactions, r.mine), 0)
	r.input.Focus()
	m.show(r)
}

func (r *reactions) press(k tea.KeyPressMsg) (action, bool) {
	typed := strings.TrimSpace(r.input.Value())
	switch {
	case key.Matches(k, r.keys.Close):
		return nil, true
	case key.Matches(k, r.keys.Choose) && typed != "":
		return r.give(typed), true
	case key.Matches(k, r.keys.Choose):
		return r.give(commonReactions[r.at]), true
	case typed == "" && k.String() == "left":
		r.at = (r.at + len(commonReactions) - 1) % len(commonReactions)
	case typed == "" && (k.String() == "right" || k.String() == "tab"):
		r.at = (r.at + 1) % len(commonReactions)
	case typed == "" && len(k.Text) == 1 && k.Text >= "1" && k.Text <= fmt.Sprint(len(commonReactions)):
		return r.give(commonReactions[k.Text[0]-'1']), true
	default:
		r.input, _ = r.input.Update(k)
	}
	return nil, false
}

// give puts an emoji there; the one that stands there is taken back.
func (r *reactions) give(emoji string) action {
	emoji = signOf(strings.ToLower(emoji))
	cursor, again := r.cursor, emoji == r.mine
	return func(m *model) tea.Cmd {
		if len(emoji) > client.MaxReaction || strings.ContainsAny(emoji, "\n⏎") {
			m.fail("A reaction is one emoji or a short word.")
			return nil
		}
		m.picks = 0
		if again {
			emoji = ""
		}
		return m.jobs.react(cursor, emoji)
	}
}

func (r *reactions) paste(line string) { r.input, _ = r.input.Update(tea.PasteMsg{Content: line}) }

func (r *reactions) hints() []key.Binding {
	return []key.Binding{bind("1-8", "give it", "1"), bind("arrows", "choose", "left"), bind("enter", "give, or take back", "enter"), r.keys.Close}
}

func (r *reactions) render(lk *look, width, height int) ([]string, *tea.Cursor) {
	width = min(width-4, 6*len(commonReactions))
	lines, line := []string(nil), ""
	if height >= 10 {
		lines = append(lines, lk.Dim.Render(lk.cut(r.about, width)), "")
	}
	for i, e := range commonReactions {
		cell := fmt.Sprintf(" %d %s ", i+1, e)
		if lk.cells.StringWidth(line+cell) > width {
			lines, line = append(lines, line), ""
		}
		switch {
		case i == r.at && r.input.Value() == "":
			cell = lk.Chosen.Render(cell)
		case e == r.mine:
			cell = lk.Accent.Render(cell)
		}
		line += cell
	}
	lines = append(lines, line, "")
	input := dressed(r.input, lk, width)
	at := len(lines)
	lines = append(lines, input.View())
	if r.mine != "" {
		lines = append(lines, lk.Dim.Render(lk.cut("yours: "+r.mine+"; choose it again to take it back", width)))
	}
	return lk.box(lk.Box, "React", "", lines, width), cursorIn(input, at)
}
