package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
)

// Every binding has a name of its own and stands in the help with all its
// keys, and no key is bound twice where it is pressed.
func TestDefaultKeys(t *testing.T) {
	if err := CheckKeys(nil); err != nil {
		t.Error(err)
	}
	k := newKeyMap(nil)
	h, lk := &help{keys: &k}, newLook(true, Options{})
	shown := strings.Join(h.keyLines(&lk, helpColumn), "\n")
	names := map[string]bool{}
	for _, b := range Bindings() {
		if names[b.Name] {
			t.Errorf("two bindings have the name %s", b.Name)
		}
		names[b.Name] = true
		for _, s := range b.Keys {
			if name, complaint := spelled(s); name != s {
				t.Errorf("%s is bound to %q, which is pressed as %q %s", b.Name, s, name, complaint)
			}
		}
		if !strings.Contains(shown, label(b.Keys, "")) {
			t.Errorf("the help does not show %q", label(b.Keys, ""))
		}
	}
	if len(names) < 39 {
		t.Errorf("only %d bindings", len(names))
	}
}

// Keys that a terminal, a shell's line or tmux takes for itself are not ours.
func TestNoSwallowedKeys(t *testing.T) {
	swallowed := []string{
		"ctrl+s", "ctrl+q", // flow control
		"ctrl+z",           // job control, where the user expects it
		"ctrl+b",           // the prefix of tmux
		"ctrl+a",           // of screen
		"ctrl+i", "ctrl+m", // tab and enter
		"f11",                                        // full screen
		"shift+pgup", "shift+pgdown", "shift+insert", // the terminal's own scrolling and paste
	}
	for _, b := range Bindings() {
		for _, k := range b.Keys {
			if slices.Contains(swallowed, k) {
				t.Errorf("%s is bound to %s, which does not arrive", b.Name, k)
			}
		}
	}
}

func TestSpelled(t *testing.T) {
	for _, c := range []struct{ written, name, complaint string }{
		{"ctrl+k", "ctrl+k", ""},
		{"Ctrl+K", "ctrl+k", ""},
		{"shift+ctrl+Up", "ctrl+shift+up", ""},
		{"return", "enter", ""},
		{"PageUp", "pgup", ""},
		{"f12", "f12", ""},
		{"A", "A", ""},
		{"+", "+", ""},
		{"alt++", "alt++", ""},
		{"ü", "ü", ""},
		{"ctrl+", "", `there is no key "ctrl+".`},
		{"", "", `there is no key "".`},
		{"f21", "", `there is no key "f21".`},
		{"f+1", "", `there is no key "f+1".`},
		{"ctlr+k", "", `there is no key "ctlr+k". Did you mean "ctrl+k"?`},
		{"entr", "", `there is no key "entr". Did you mean "enter"?`},
		{"alt+alt+k", "", `"alt+alt+k" names alt twice.`},
		{"shift+a", "", `"shift+a" is written as the letter itself, as in "A".`},
		{"ctrl+i", "", `terminals send "ctrl+i" as tab. Take another.`},
		{"\x1b", "", `there is no key "\x1b".`},
		{"\u202e", "", `there is no key "\u202e".`},
	} {
		if name, complaint := spelled(c.written); name != c.name || complaint != c.complaint {
			t.Errorf("%q is %q, %s; not %q, %s", c.written, name, complaint, c.name, c.complaint)
		}
	}
}

func TestCheckKeys(t *testing.T) {
	for _, c := range []struct {
		set        map[string][]string
		name, text string
	}{
		{map[string][]string{"jump": {"ctrl+g"}, "verify": {}}, "", ""},
		{map[string][]string{"jump": {"f"}}, "jump", `"jump": the key "f" is for writing. Take one with ctrl or alt, or one like f5.`},
		{map[string][]string{"jump": {"ctrl+f"}}, "jump", `the key "ctrl+f" is bound to "search" and to "jump". Give one of them another, or [] for none.`},
		{map[string][]string{"recall": {"alt+w"}}, "recall", `the key "alt+w" is bound to "recall" and to "warning". Give one of them another, or [] for none.`},
		{map[string][]string{"jump": {"ctrl+f"}, "search": {"ctrl+k"}}, "", ""},
		{map[string][]string{"reply": {"a"}, "copy": {"a"}}, "copy", `the key "a" is bound to "reply" and to "copy". Give one of them another, or [] for none.`},
		{map[string][]string{"reply": {"tab"}}, "", ""}, // of the page, and none of the message mode
		{map[string][]string{"jump": {"ctrl+k", "Ctrl+K"}}, "jump", `"jump" has the key "ctrl+k" twice.`},
		{map[string][]string{"close": {}}, "close", `"close" needs a key: without it no dialog is left.`},
		{map[string][]string{"jump": {"nonsense"}}, "jump", `"jump": there is no key "nonsense".`},
	} {
		var e *KeyError
		switch err := CheckKeys(c.set); {
		case c.text == "" && err != nil:
			t.Errorf("%v: %v", c.set, err)
		case c.text != "" && (!errors.As(err, &e) || e.Name != c.name || e.Text != c.text):
			t.Errorf("%v: %v", c.set, err)
		}
	}
}

// Another key does it, the one by default does not any more, and hints, help
// and advice name the new one.
func TestRebinding(t *testing.T) {
	set := setting{width: 100, height: 60, Options: Options{Keys: map[string][]string{
		"jump": {"ctrl+g"}, "help": {"f2"}, "answer": {}, "nth": {"alt+z", "alt+x"}, "reply": {"a"},
	}}}
	inBubble(t, set, talk, func(s *screen, f *fake) {
		s.press("alt+x")
		s.shows("ctrl+g jump", "f2 help", "▌  carol")
		s.press("ctrl+k")
		s.hides("Jump to")
		s.type_("\x07")
		s.shows("Jump to")
		s.press("esc")
		s.type_("?")
		s.shows("❯ ?")
		s.press("ctrl+c")
		s.type_("\x1bOQ")
		s.shows("Help", "ctrl+g           jump to a conversation", "/accept          answer a request", "alt+z, alt+x")
		s.press("esc")
		f.asks("dave", "")
		s.wait()
		s.shows("dave asks to talk. /accept answers.")
		s.pass(wordFor)
		s.press("alt+m")
		s.shows("a reply")
		s.type_("a")
		s.shows("↱ carol: 12:30 at the usual place")
	})
}

func TestMouseOff(t *testing.T) {
	inBubble(t, setting{width: 100, height: 30, Options: Options{NoMouse: true}}, func(f *fake) { f.knows("bob", client.Accepted) }, func(s *screen, _ *fake) {
		if s.mu.Lock(); strings.Contains(s.raw.String(), "\x1b[?1002h") {
			t.Error("the mouse was taken")
		}
		s.mu.Unlock()
	})
}
