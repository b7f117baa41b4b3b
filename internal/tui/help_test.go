package tui

import (
	"strings"
	"testing"
)

// TestHelpFollows: the keys of the place come first, and closing leads back
// there.
func TestHelpFollows(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {100, 30}, {200, 60}} {
		inBubble(t, setting{width: size[0], height: size[1]}, history(100), func(s *screen, f *fake) {
			first := func(want string) {
				t.Helper()
				text := s.text()
				at, other := strings.Index(text, want), strings.Index(text, "shift+enter, alt+enter")
				if at < 0 || other >= 0 && at > other {
					t.Errorf("the help does not begin with %q:\n%s", want, text)
				}
			}
			s.press("f1")
			first("Write")
			s.hides("Here")
			s.press("esc", "pgup", "f1")
			first("newest")
			s.press("esc", "esc", "ctrl+f")
			s.type_("line")
			s.press("f1")
			first("go there")
			s.type_("x") // nothing is written behind the help
			s.shows("Search everything", "1 of 50+")
			s.press("enter", "f1")
			first("hit")
			s.type_("q")
			s.shows("▌line 99")
			s.press("f1")
			for range 40 {
				s.press("pgdown")
			}
			s.shows("shift+drag")
			s.press("esc", "esc")
			s.type_("/verify ")
			s.press("f1")
			first("complete")
		})
	}
}
