package tui

import (
	"fmt"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
)

// click presses the left button on the first place where a text stands.
func (s *screen) click(text string) {
	s.t.Helper()
	for y, line := range strings.Split(s.text(), "\n") {
		if at := strings.Index(line, text); at >= 0 {
			x := s.model.cells.StringWidth(line[:at])
			s.type_(fmt.Sprintf("\x1b[<0;%d;%dM\x1b[<0;%[1]d;%[2]dm", x+1, y+1))
			return
		}
	}
	s.t.Fatalf("nothing to click on: %q:\n%s", text, s.text())
}

func TestClicksInDialogs(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {100, 30}} {
		inBubble(t, setting{width: size[0], height: size[1]}, func(f *fake) {
			history(30)(f)
			f.asks("dave", "it's me")
			f.asks("trudy", "")
			f.knows("carol", client.Accepted)
		}, func(s *screen, f *fake) {
			s.press("alt+r")
			s.click("Their fingerprint") // no button
			s.shows("A request from dave")
			s.click("Accept")
			s.shows("You and dave can talk now.")
			s.press("alt+r")
			s.click("Reject")
			if _, there := f.contacts["trudy"]; there {
				t.Error("the request is still there")
			}
			s.press("ctrl+k")
			s.type_("car")
			s.click("▌  carol")
			s.shows("write to carol")
			s.press("ctrl+f")
			s.type_("line")
			s.click("line 28")
			s.shows("▌line 28")
			s.press("esc", "ctrl+p")
			s.type_("somebody to")
			s.click("ask somebody to talk")
			s.shows("Ask somebody to talk")
			s.click("Ask") // nothing there
			s.shows("Ask somebody to talk")
		})
	}
}

// TestNoClickDecidesAboutKeys: that is typed.
func TestNoClickDecidesAboutKeys(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withBob(f)
		f.trusted("bob", client.Changed)
		f.offers = otherNumber
	}, func(s *screen, f *fake) {
		s.press("alt+v")
		s.pass(pause)
		for y := range 30 {
			for x := 1; x < 100; x += 3 {
				fmt.Fprintf(s.term.InputPipe().(interface{ Write([]byte) (int, error) }), "\x1b[<0;%d;%dM", x, y+1)
			}
		}
		s.wait()
		s.shows("Another key for bob")
		if len(f.trusts) != 0 {
			t.Errorf("decided %q", f.trusts)
		}
	})
}

// TestWheelInLists: it goes through lines, and presses nothing.
func TestWheelInLists(t *testing.T) {
	const down = "\x1b[<65;50;10M"
	inBubble(t, usual, history(100), func(s *screen, f *fake) {
		s.press("ctrl+f")
		s.type_("line")
		s.type_(down + down)
		s.shows("3 of 50+")
		s.press("esc", "ctrl+c")
		s.shows("Quit?")
		s.type_(down)
		s.press("enter")
		if !s.over() {
			t.Error("the wheel has chosen another button")
		}
	})
}
