package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// complete extends the word before the cursor as far as it is certain: after a
// command to what that takes, after a colon to an emoji, else to somebody's
// name. Where it is not, it says what the word may become.
func (m *model) complete() tea.Cmd {
	before := m.composer.before()
	at := strings.LastIndexAny(before, " \n") + 1
	word := strings.ToLower(before[at:])
	var candidates []string
	switch name, _, is := asCommand(m.composer.value()); {
	case strings.HasPrefix(word, ":"):
		m.completeEmoji(word)
		return nil
	case is && name == "file" && at > 0:
		return m.completePath()
	case is:
		if c := known(name); c != nil && c.completions != nil && at > 0 {
			candidates = c.completions(m)
		}
	case word != "":
		candidates = append(m.roster.names(), m.identity.Username)
	}
	switch fit, whole := certain(candidates, word); {
	case len(fit) == 1:
		m.composer.insert(whole[len(word):] + " ")
	case len(whole) > len(word):
		m.composer.insert(whole[len(word):])
	case len(fit) > 1:
		m.offer(fit)
	}
	return nil
}

// certain returns those of some words that begin with another, and how far they
// are the same.
func certain(words []string, begin string) (fit []string, same string) {
	for _, w := range words {
		if !strings.HasPrefix(w, begin) {
			continue
		}
		if fit = append(fit, w); len(fit) == 1 {
			same = w
		}
		for !strings.HasPrefix(w, same) {
			same = same[:len(same)-1]
		}
	}
	return fit, same
}

// offer says what a word may become.
func (m *model) offer(fit []string) {
	const few = 12
	if over := len(fit) - few; over > 0 {
		fit = append(fit[:few:few], fmt.Sprintf("and %d more", over))
	}
	m.say(strings.Join(fit, ", "))
}

// completeEmoji puts the sign in place of its name.
func (m *model) completeEmoji(word string) {
	var names []string
	for _, e := range emoji {
		names = append(names, ":"+e.name+":")
	}
	fit, whole := certain(names, word)
	for _, e := range emoji {
		if len(fit) == 1 && fit[0] == ":"+e.name+":" || word == ":"+e.name+":" {
			for range word {
				m.composer.press(tea.KeyPressMsg{Code: tea.KeyBackspace})
			}
			m.composer.insert(e.sign)
			return
		}
	}
	switch {
	case len(whole) > len(word):
		m.composer.insert(whole[len(word):])
	case len(fit) > 0:
		for i, name := range fit {
			fit[i] = signOf(name) + " " + name
		}
		m.offer(fit)
	}
}

// signOf returns the emoji of a name between colons, or the name.
func signOf(name string) string {
	for _, e := range emoji {
		if name == ":"+e.name+":" {
			return e.sign
		}
	}
	return name
}

// emoji are those that people write most, by the names that they have in other
// chats.
var emoji = []struct{ name, sign string }{
	{"+1", "👍"}, {"-1", "👎"}, {"100", "💯"}, {"angry", "😠"}, {"beer", "🍺"}, {"blue_heart", "💙"}, {"blush", "😊"}, {"bug", "🐛"},
	{"bulb", "💡"}, {"cake", "🎂"}, {"check", "✅"}, {"clap", "👏"}, {"coffee", "☕"}, {"confused", "😕"},
	{"construction", "🚧"}, {"cry", "😢"}, {"eyes", "👀"}, {"facepalm", "🤦"}, {"fingers_crossed", "🤞"},
	{"fire", "🔥"}, {"ghost", "👻"}, {"gift", "🎁"}, {"grin", "😁"}, {"handshake", "🤝"}, {"heart", "❤️"},
	{"heart_eyes", "😍"}, {"hug", "🤗"}, {"joy", "😂"}, {"kiss", "😘"}, {"lock", "🔒"}, {"muscle", "💪"},
	{"ok", "👌"}, {"open_mouth", "😮"}, {"package", "📦"}, {"party", "🥳"}, {"pray", "🙏"}, {"question", "❓"}, {"rainbow", "🌈"},
	{"raised_hands", "🙌"}, {"rocket", "🚀"}, {"rofl", "🤣"}, {"rolling_eyes", "🙄"}, {"scream", "😱"},
	{"shrug", "🤷"}, {"skull", "💀"}, {"sleeping", "😴"}, {"slightly_smiling", "🙂"}, {"smile", "😄"},
	{"smirk", "😏"}, {"sob", "😭"}, {"sparkles", "✨"}, {"star", "⭐"}, {"sun", "☀️"}, {"sunglasses", "😎"},
	{"sweat_smile", "😅"}, {"tada", "🎉"}, {"thinking", "🤔"}, {"thumbsdown", "👎"}, {"thumbsup", "👍"},
	{"upside_down", "🙃"}, {"warning", "⚠️"}, {"wave", "👋"}, {"wink", "😉"}, {"x", "❌"}, {"zap", "⚡"},
}
