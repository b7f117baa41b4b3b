package tui

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"secure-messaging/pkg/client"
)

// TestHitAndBack: the hits can be gone through where they stand, and after that
// the reader is where the search began.
func TestHitAndBack(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		history(900)(f)
		f.knows("carol", client.Accepted)
		f.wrote("carol", "the line was busy", client.Delivered, "")
	}, func(s *screen, f *fake) {
		s.press("alt+1", "pgup", "pgup")
		before := s.text()
		s.type_("half")
		s.press("ctrl+f")
		s.type_("line")
		s.press("enter")
		s.shows("▌the line was busy", "1 of 50+", "n, N", "write to carol")
		s.type_("n")
		s.shows("▌line 899", "2 of 50+", "❯ half")
		for range 60 { // into pages that are read on the way
			s.type_("n")
		}
		s.shows("▌line 839", "line 835", "line 842", "62 of 100+")
		s.type_("N")
		s.shows("▌line 840", "61 of 100+")
		s.press("pgup", "pgup", "pgup", "pgup") // on from there
		s.hides("line 840")
		s.press("ctrl+f")
		s.shows("Search everything", "61 of") // as it was
		s.press("esc", "esc")
		for range len("half") {
			s.press("backspace")
		}
		if got := s.text(); got != before {
			t.Errorf("back is\n%s\nand was\n%s", got, before)
		}
	})
}

// TestHitFarAway: a hit that is not in memory has the history around it, in both
// directions.
func TestHitFarAway(t *testing.T) {
	inBubble(t, usual, history(5000), func(s *screen, f *fake) {
		s.press("ctrl+f")
		s.type_("2500")
		s.press("enter")
		s.shows("▌line 2500", "line 2495", "line 2510", "1 of 1")
		s.type_("n")
		s.shows("There is no earlier hit.")
		for range 40 {
			s.type_("\x1b[<64;50;10M")
		}
		s.shows("line 2380")
		for range 80 {
			s.type_("\x1b[<65;50;10M")
		}
		s.shows("line 2620")
		s.press("esc")
		s.shows("line 4999")
		if n := len(s.model.threads["bob"].entries); n > maxLoaded {
			t.Errorf("%d messages in memory", n)
		}
	})
}

// TestHitsAreMarked: the words that were searched for are set off where they
// were said, for as long as the hits are looked at.
func TestHitsAreMarked(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withBob(f)
		f.says("bob", "the **needle** is at https://needle.example/x, a `needle`")
	}, func(s *screen, f *fake) {
		found := func() (n int) {
			for _, line := range strings.Split(s.styles(), "\n") {
				if strings.HasSuffix(line, ", bold, underline") {
					n++
				}
			}
			return n
		}
		s.press("ctrl+f")
		s.type_("needle")
		s.press("enter")
		s.shows("▌the **needle** is at")
		if found() != 1 {
			t.Errorf("nothing is marked:\n%s", s.styles())
		}
		if !strings.Contains(s.styles(), "link https://needle.example/x") {
			t.Error("the link is broken")
		}
		s.press("esc")
		if found() != 0 {
			t.Errorf("something is still marked:\n%s", s.styles())
		}
	})
}

// TestHastyEnter: enter goes to what is written, not to what was found before.
func TestHastyEnter(t *testing.T) {
	inBubble(t, usual, history(300), func(s *screen, f *fake) {
		s.press("ctrl+f")
		s.type_("line 299")
		s.shows("▌ line 299")
		s.type_("\x7f\x7f\x7f150\r")
		s.shows("▌line 150")
		s.press("esc", "ctrl+f")
		s.type_("nothing\r")
		s.shows("Search everything", "Nothing that has all")
	})
}

// TestSearchIsFresh: what has come and gone since is seen when the search is
// opened again.
func TestSearchIsFresh(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		first := f.says("bob", "needle one")
		f.says("bob", "needle two")
		s.wait()
		s.press("ctrl+f")
		s.type_("needle")
		s.shows("1 of 2")
		s.press("down")
		s.shows("2 of 2")
		f.vanishes(first.Cursor)
		s.wait()
		s.shows("1 of 1")
		s.press("esc")
		f.says("bob", "needle three")
		s.wait()
		s.press("ctrl+f")
		s.shows("1 of 2", "needle three")
	})
}

// TestHitOfSomebodyGone: there is no page for it, and that is said.
func TestHitOfSomebodyGone(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withBob(f)
		f.knows("carol", client.Accepted)
		f.says("carol", "needle")
		c := f.contacts["carol"]
		c.State, c.Unread = client.Blocked, 0
		f.setContact(c)
	}, func(s *screen, f *fake) {
		s.press("ctrl+f")
		s.type_("needle\r")
		s.shows("chat history carol")
		s.press("esc") // back all the same
		s.shows("write to bob")
	})
}

// TestExcerpt: it holds the first of the words whatever their place, in few
// bytes.
func TestExcerpt(t *testing.T) {
	for _, filler := range []string{"word ", "wordwithoutend", "明日の", "é"} {
		for _, n := range []int{0, 10, 500, 5000} {
			text := strings.Repeat(filler, n) + "\n needle " + strings.Repeat(filler, n)
			got := excerpt(text, "NEED")
			if len(got) > maxExcerpt || !utf8.ValidString(got) || len(matches(got, "need")) != 1 {
				t.Errorf("%d times %q gives %d bytes: %.40q", n, filler, len(got), got)
			}
		}
	}
	if got := excerpt(strings.Repeat("x", 5000), "y"); len(got) != maxExcerpt {
		t.Errorf("without the words: %d bytes", len(got))
	}
}

// TestHitsInHaste: a key that is held goes through hits far apart faster than
// their pages are read, and nothing of it is written.
func TestHitsInHaste(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withBob(f)
		for i := range 4000 {
			text := fmt.Sprint("line ", i)
			if i%400 == 0 {
				text = fmt.Sprint("needle ", i)
			}
			f.wrote("bob", text, client.Delivered, "")
		}
	}, func(s *screen, f *fake) {
		s.press("ctrl+f")
		s.type_("needle")
		s.press("enter")
		s.type_("nnnnnnx")
		s.shows("▌needle 1200", "7 of 10", "line 1195", "line 1210", "❯ write to bob")
		s.press("esc")
		s.shows("line 3999")
	})
}
