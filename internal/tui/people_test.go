package tui

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

func TestNamesComplete(t *testing.T) {
	inBubble(t, usual, talk, func(s *screen, f *fake) {
		s.press("alt+1")
		s.type_("ask car")
		s.press("tab")
		s.type_("first")
		s.shows("❯ ask carol first")
	})
}

func TestConnectForm(t *testing.T) {
	inBubble(t, usual, nil, func(s *screen, f *fake) {
		s.press("alt+n")
		s.type_("dave")
		s.press("enter")
		s.paste("it's\nalice")
		s.shows("Name  dave", "Note  it's⏎alice")
		s.press("enter")
		s.shows("◌ dave", "You asked dave to talk")
		if got := f.contacts["dave"].Note; got != "it's⏎alice" {
			t.Errorf("the note is %q", got)
		}
	})
}

// TestRequestDisturbsNobody: whatever is being read or written stays.
func TestRequestDisturbsNobody(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("I was ab")
		f.asks("dave", "let me in\x1b[2J\u202e")
		s.wait()
		s.shows("dave asks to talk. alt+r answers.", "◆ dave", "❯ I was ab")
		s.type_("out to write this, a r b")
		s.press("enter") // sends, and decides nothing
		f.sent(t, "I was about to write this, a r b")
		s.pass(time.Hour)
		f.asks("trudy", "")
		s.wait()
		s.shows("trudy asks to talk. alt+r answers.", "about to write this")
		s.hides("A request from")
		s.press("alt+r")
		s.shows("A request from dave", "let me in", bobsPrint, " l later · a accept · r reject · b block · esc close")
		s.hides("about to write this", "wants to talk")
		s.press("right", "enter")
		s.shows("You and dave can talk now", "write to dave…")
		s.press("alt+r")
		s.type_("r")
		s.shows("Dropped the request of trudy.")
		if _, there := f.contacts["trudy"]; there {
			t.Error("the request is still there")
		}
	})
}

// TestRequestOnTheFirstScreen: there is nothing to read, so the request shows
// itself, but never in front of what is being written.
func TestRequestOnTheFirstScreen(t *testing.T) {
	inBubble(t, usual, nil, func(s *screen, f *fake) {
		s.type_("/connect bob hi, it's")
		f.asks("dave", "let me in")
		s.wait()
		s.shows("❯ /connect bob hi, it's", "Welcome, alice.", "dave asks to talk: alt+r answers.")
		s.type_(" alice\r")
		s.shows("You asked bob to talk")
		if got := f.contacts["bob"].Note; got != "hi, it's alice" {
			t.Errorf("the note is %q", got)
		}
	})
	inBubble(t, usual, nil, func(s *screen, f *fake) {
		s.type_("x")
		f.asks("dave", "let me in")
		s.wait()
		s.press("alt+1") // what is written goes along
		s.pass(wordFor)
		s.shows("◆ dave", "let me in", "❯ x\n", " alt+r answer · ctrl+c clear")
		s.press("ctrl+c")
		f.asks("erin", "me too")
		s.wait()
		s.shows("let me in", "Press enter to answer", " erin asks to talk.")
		s.hides("me too")
	})
	for _, height := range []int{12, 30} {
		inBubble(t, setting{width: 40, height: height}, nil, func(s *screen, f *fake) {
			f.asks("dave", "let me in")
			s.wait()
			s.shows("let me in", "press enter to answer", "◆ 1")
			s.type_("arb") // the letters of the dialog decide nothing without it
			s.shows("❯ arb")
			if got := f.contacts["dave"].State; got != client.Incoming {
				t.Errorf("dave is %s", got)
			}
		})
	}
}

func TestFailedCommandsComeBack(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("/connect nobody with a note that took a minute\r")
		s.shows("The relay knows nobody", "❯ /connect nobody with a note that took a minute")
		s.press("ctrl+c", "alt+n")
		s.type_("nobody\rand a note\r")
		s.shows("❯ /connect nobody and a note")
		s.press("ctrl+c")
		f.asks("dave", "")
		s.wait()
		s.type_("/accept davy\r")
		s.shows("davy is not asking. Who is: dave", "❯ /accept davy")
		s.press("ctrl+c", "alt+r")
		f.mu.Lock()
		delete(f.contacts, "dave") // in another window
		f.mu.Unlock()
		s.type_("a")
		s.shows("There is no request of dave to accept. See them with: /accept", "❯ /accept dave")
		s.hides("chat requests")
		s.press("ctrl+c")
		// A line that fails while something else is being written does not mix
		// with it.
		s.type_("/connect nobody hi\rhello bob")
		s.shows("The relay knows nobody", "❯ hello bob\n")
	})
}

func TestBlocking(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("/block\r")
		s.shows("Block bob?", "They get no notice, but", "next message is refused,", " k keep · b block")
		s.type_("b")
		s.shows("Blocked bob.", "There is nothing between you and bob any more.", "❯ ctrl+k goes on")
	})
}

// TestNobodyTakesThePlace: when the open conversation ends, what is typed next
// goes to nobody else.
func TestNobodyTakesThePlace(t *testing.T) {
	both := func(f *fake) {
		withBob(f)
		f.knows("carol", client.Accepted)
	}
	inBubble(t, usual, both, func(s *screen, f *fake) {
		s.press("alt+1")
		s.shows("❯ write to bob…")
		s.type_("/block\rb")
		s.shows("There is nothing between you and bob any more.")
		f.says("carol", "unread so far")
		s.type_("for bob\r")
		f.sent(t)
		s.hides("unread so far", "write to carol")
		s.press("ctrl+c", "alt+1")
		s.shows("unread so far", "❯ write to carol…")
	})
}

// TestAcceptWhileWriting: what is being written, and to whom, stays.
func TestAcceptWhileWriting(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.asks("dave", "")
		s.type_("half of it")
		s.press("alt+r")
		s.type_("a")
		s.shows("You and dave can talk now: ctrl+k goes there.", "❯ half of it")
		s.type_(", the rest\r")
		f.sent(t, "half of it, the rest")
		s.shows("half of it, the rest")
	})
}

func TestWelcomeNamesSomebodyElse(t *testing.T) {
	for _, height := range []int{12, 30} {
		inBubble(t, setting{width: 60, height: height}, func(f *fake) { f.identity.Username = "bob" }, func(s *screen, f *fake) {
			s.shows("/connect alice")
			s.hides("/connect bob")
		})
	}
}

// TestDialogStandsAlone: nothing of the page shows beside a dialog.
func TestDialogStandsAlone(t *testing.T) {
	beside := regexp.MustCompile(`^([^│╭╰]*│)?[ ─]*[│╭╰][^╭╰]*[│╮╯][ ─]*$`)
	for _, size := range [][2]int{{24, 6}, {40, 12}, {60, 20}, {70, 9}, {82, 20}, {100, 30}, {120, 20}, {160, 45}} {
		for _, k := range []string{"alt+r", "f1", "ctrl+k", "alt+n", "alt+v", "ctrl+c"} {
			inBubble(t, setting{width: size[0], height: size[1]}, scenes["request"], func(s *screen, f *fake) {
				s.press("alt+1", k)
				text := s.text()
				from, to := strings.Index(text, "╭"), strings.Index(text, "╰")
				if from < 0 || to < from {
					t.Fatalf("%s opens no dialog:\n%s", k, text)
				}
				for line := range strings.Lines(text[strings.LastIndex(text[:from], "\n")+1 : to+strings.Index(text[to:], "\n")]) {
					if !beside.MatchString(strings.TrimSuffix(line, "\n")) {
						t.Errorf("beside the dialog of %s stands %q:\n%s", k, line, text)
					}
				}
				if lines := strings.Count(text, "\n"); lines != size[1] {
					t.Errorf("%d lines", lines)
				}
			})
		}
	}
}

func TestQuitByLetters(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.press("ctrl+c")
		s.shows("Yes, quit", "No, stay", " y yes, quit · n no, stay")
		s.type_("n")
		s.hides("Quit?")
		s.press("ctrl+c")
		s.type_("y")
		if !s.over() {
			t.Error("still there")
		}
	})
}
