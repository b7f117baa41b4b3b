package tui

import (
	"fmt"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

// TestQuotesFollow: an answer says what the message that it answers says now.
func TestQuotesFollow(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		read(f, f.answers(2, "good"))
		s.wait()
		s.shows("↱ alice: yes\n")
		s.press("up")
		s.type_(" please\nand thanks\r")
		s.shows("↱ alice: yes please⏎and thanks\n")
		f.changes(2, func(m *client.Message) { m.Text, m.Deleted = "", true })
		s.wait()
		s.shows("↱ alice: deleted\n")
	})
}

// TestPageComesLate: what was read from the history before something happened to
// it does not undo that.
func TestPageComesLate(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withTalk(f)
		f.wrote("bob", "not yet read", client.Delivered, "")
		f.late = make(chan struct{})
	}, func(s *screen, f *fake) {
		f.changes(2, func(m *client.Message) { m.Text, m.Edited = "no", true })
		f.moves(4, client.Read)
		f.vanishes(1)
		s.wait()
		close(f.late)
		s.wait()
		s.shows("no (edited)", "who watches", "not yet read", " ◉\n")
		s.hides("deploy at ten?", "yes")
	})
}

// TestNewestDisappears: nobody goes on asking for a message that was heard of and
// is gone before it was read.
func TestNewestDisappears(t *testing.T) {
	inBubble(t, usual, history(maxLoaded+300), func(s *screen, f *fake) {
		for range 110 { // until the end is not in memory
			s.press("pgup")
		}
		f.says("bob", "soon gone")
		s.wait()
		f.vanishes(maxLoaded + 301)
		asked := len(f.pages)
		for range 110 {
			s.press("pgdown")
		}
		s.shows(fmt.Sprint("line ", maxLoaded+299))
		s.hides("soon gone", "↓ ──")
		s.pass(time.Minute)
		if n := len(f.pages) - asked; n > maxLoaded/pageSize {
			t.Errorf("the history was asked %d times", n)
		}
	})
}

// TestReaderStays: what disappears above does not move what is being read, and
// when the line at the top goes, the next one stands there.
func TestReaderStays(t *testing.T) {
	inBubble(t, setting{width: 60, height: 20}, history(100), func(s *screen, f *fake) {
		s.press("pgup", "pgup", "pgup")
		before := words(s.text())
		var top int
		fmt.Sscanf(before, "line %d", &top)
		for i := range top {
			f.vanishes(int64(i + 1))
		}
		s.wait()
		if got := words(s.text()); got != before {
			t.Errorf("the page moved from\n%s\nto\n%s", before, got)
		}
		f.vanishes(int64(top + 1))
		s.wait()
		s.hides(fmt.Sprint("line ", top, "\n"))
		s.shows(fmt.Sprint("line ", top+1, "\n"))
		for i := top + 5; i < 100; i++ {
			f.vanishes(int64(i + 1))
		}
		s.wait()
		s.hides("↓ ──") // all that is left is on screen
		for i := top + 1; i < top+5; i++ {
			f.vanishes(int64(i + 1))
		}
		s.wait()
		s.shows("You and bob can talk now")
		f.says("bob", "anew")
		s.wait()
		s.shows("anew")
	})
}
