package tui

import (
	"strings"
	"testing"
)

// TestRush: letters that come faster than fingers are written in their order,
// before the key that follows them, and are not drawn one by one.
func TestRush(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		views := s.model.views
		s.type_(strings.Repeat("as if pasted ", 300) + "\x7f\x7fe\r")
		want := strings.Repeat("as if pasted ", 300)
		want = want[:len(want)-2] + "e"
		if n := len(f.messages); n == 0 || f.messages[n-1].Text != want {
			t.Errorf("what was sent is not what was typed: %v", f.messages)
		}
		if n := s.model.views - views; n > 30 {
			t.Errorf("3900 letters were drawn %d times", n)
		}
	})
}

// TestRushTooLong: what no message can take is refused, also where it comes as
// keys, and what was written stays.
func TestRushTooLong(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("before")
		s.type_(" " + strings.Repeat("0123456789abcdef", maxPaste/16))
		s.shows("❯ before", "A message takes 32 KiB.")
		s.type_("and after")
		if got := s.model.composer.value(); got != "before and after" {
			t.Errorf("the text is %d bytes, %.40q", len(got), got)
		}
	})
}
