package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"secure-messaging/internal/qr"
	"secure-messaging/pkg/client"
)

// decided fails unless these are the decisions that were made about keys.
func (f *fake) decided(t *testing.T, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.trusts, want) {
		t.Errorf("decided was %q, want %q", f.trusts, want)
	}
}

func TestVerify(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.press("alt+v")
		s.shows("18100 30129 54116 62862", "03706 22931 34967 09480", "m marks bob as verified", " m mark verified · esc close")
		s.pass(pause)
		s.type_("u") // there is no mark to take back
		f.decided(t)
		s.type_("m")
		f.decided(t, "bob verified "+bobsNumber)
		s.shows("Marked bob as verified.", "▌✓ bob", "bob  ✓ verified")
		s.type_("/VERIFY bob\r")
		s.shows("✓ You have compared it with bob.", " u take the mark back · esc close")
		s.pass(pause)
		s.type_("mu")
		f.decided(t, "bob verified "+bobsNumber, "bob pinned "+bobsNumber)
		s.shows("Took the mark of bob back.", "▌  bob")
		s.hides("✓ verified")
	})
}

// TestTypingDecidesNothing: who types on after a number has come, does not
// mean it.
func TestTypingDecidesNothing(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("/verify\rm")
		for range 10 {
			s.type_("m") // each within the pause of the one before
		}
		s.paste("m")
		s.shows("Safety number with bob")
		s.press("esc")
		f.trusted("bob", client.Changed)
		s.type_("/verify\rk15573\rk")
		s.paste("15573")
		s.press("enter")
		s.shows("Another key for bob")
		f.decided(t)
		s.press("esc")
		s.hides("Another key for bob")
	})
}

func TestChangedKeyBlocks(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.warns("something else")
		f.trusted("bob", client.Changed)
		s.wait()
		const banner = "! Another key is shown in the name of bob. Nothing new is sent until you decide: /verify"
		flat := func() string { return strings.Join(strings.Fields(strings.ReplaceAll(s.text(), "│", " ")), " ") }
		if !strings.Contains(flat(), banner) {
			t.Errorf("no banner:\n%s", s.text())
		}
		s.shows("▌! bob", "bob  ! another key", "❯ another key is shown: /verify", " alt+v look at the keys")
		s.hides("something else")
		s.press("esc") // takes no warning away that is not on screen
		s.type_("the secret\r")
		f.sent(t)
		s.shows("Your text stays here until you decide: /verify", "❯ the secret")
		s.press("ctrl+c", "alt+v")
		s.pass(pause)
		s.type_("k")
		f.decided(t, "bob keep_key "+bobsNumber)
		s.shows("Kept the key of bob that you know.", "! something else", "❯ write to bob…")
		s.type_("now\r")
		f.sent(t, "now")
	})
}

func TestChangedKeyOnASmallScreen(t *testing.T) {
	inBubble(t, setting{width: 40, height: 12}, withBob, func(s *screen, f *fake) {
		f.trusted("bob", client.Verified)
		s.wait()
		s.shows(" bob ✓")
		f.trusted("bob", client.Changed)
		s.wait()
		s.shows(" bob !", "Another key is shown", "alt+v look at the keys")
	})
}

// TestTakeKey: a new key takes the last digits of its number, typed.
func TestTakeKey(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withBob(f)
		f.trusted("bob", client.Changed)
	}, func(s *screen, f *fake) {
		s.press("alt+v")
		s.shows("Another key for bob", "under the key you know", "under the new key",
			"03706 22931 34967 09480   16740 09226 31880 15573", " k keep the old key · digits, enter take the new key · esc close")
		s.pass(pause)
		s.press("enter")
		s.hides("not its last")
		for _, wrong := range []string{"09480", "5573", "15574", "18100", "m", "y", "u"} {
			s.type_(wrong + "\r")
			f.decided(t)
			s.shows("Another key for bob")
		}
		s.type_("12345\r")
		s.shows("─ not the last five that differ ─")
		s.paste("15573")
		s.press("enter")
		f.decided(t)
		s.type_("155x7")
		s.press("backspace")
		s.type_("73")
		s.shows("The last five digits that differ, of the new number: 15573")
		s.hides("not its last")
		s.press("enter")
		f.decided(t, "bob take_new_key "+otherNumber)
		s.shows("Took the new key of bob. Ask them anew: /connect bob", "There is nothing between you and bob any more.")
	})
}

// TestDiffering: the digits that are asked for are never the reader's own half.
func TestDiffering(t *testing.T) {
	own, old, new := strings.Repeat("9", 30), strings.Repeat("1", 30), strings.Repeat("2", 25)+"33333"
	for name, tt := range map[string]struct{ old, new, want string }{
		"own half last":  {old + own, new + own, "33333"},
		"own half first": {own + old, own + new, "33333"},
		"they swap":      {own + old, new + own, "99999"},
		"one group":      {own + old, own + old[:10] + "44444" + old[15:], "44444"},
		"the same":       {own + old, own + old, ""},
	} {
		if got := differing(tt.old, tt.new); got != tt.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestNumberChangesWhileLooking: a key decides about what is on screen, and
// only after it has been there for a while.
func TestNumberChangesWhileLooking(t *testing.T) {
	third := strings.Repeat("12345", 12)
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.press("alt+v")
		s.pass(pause)
		f.says("bob", "hello") // changes nothing about the key
		s.wait()
		f.trusted("bob", client.Changed)
		s.wait()
		s.shows("Another key for bob", "31880 15573")
		s.type_("k")
		f.decided(t)
		s.pass(pause)
		s.type_("155")
		f.mu.Lock()
		f.offers = third
		f.mu.Unlock()
		f.trusted("bob", client.Changed)
		s.wait()
		s.shows("12345 12345 12345 12345")
		s.hides("15573", "number: 155")
		s.pass(pause)
		f.mu.Lock()
		f.offers = otherNumber // of which no event has come yet
		f.mu.Unlock()
		s.type_("12345\r")
		f.decided(t, "bob take_new_key "+third)
		s.shows("Look again: /verify bob", "❯ /verify bob")
		if f.contacts["bob"].Trust != client.Changed {
			t.Error("a key was taken that was not on screen")
		}
	})
}

// TestNothingUnseenIsDecided: no key decides where the numbers do not fit.
func TestNothingUnseenIsDecided(t *testing.T) {
	for _, c := range []struct {
		trust client.Trust
		w, h  int
		whole bool
	}{
		{client.Pinned, 24, 8, true},
		{client.Pinned, 24, 6, false},
		{client.Changed, 40, 12, true},
		{client.Changed, 40, 9, false},
		{client.Changed, 26, 12, false},
	} {
		inBubble(t, setting{width: c.w, height: c.h}, withBob, func(s *screen, f *fake) {
			f.trusted("bob", c.trust)
			s.press("alt+v")
			s.pass(pause)
			if c.trust == client.Changed {
				s.type_("15573\r")
			} else {
				s.type_("m")
			}
			if decided := len(f.trusts) > 0; decided != c.whole {
				t.Errorf("%s at %dx%d: decided is %v, want %v:\n%s", c.trust, c.w, c.h, decided, c.whole, s.text())
			}
			if !c.whole {
				s.shows("Too little")
				s.press("esc")
				s.hides("Too little")
			}
		})
	}
}

func TestVerifyFails(t *testing.T) {
	inBubble(t, usual, nil, func(s *screen, f *fake) {
		s.press("alt+v")
		s.shows("Verify whom? /verify NAME")
		s.type_("/verify nobody\r")
		s.shows("No key of nobody is known. Ask first: /connect nobody", "❯ /verify nobody")
		s.hides("Safety number")
	})
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.press("alt+v")
		s.pass(pause)
		f.mu.Lock()
		f.failing = errors.New("The disk is on fire.")
		f.mu.Unlock()
		s.type_("m")
		s.shows("The disk is on fire.", "❯ /verify bob")
		s.hides("Marked", "✓ verified")
	})
}

// TestHostileNumbers: an account may be any program.
func TestHostileNumbers(t *testing.T) {
	for _, size := range [][2]int{{24, 6}, {40, 12}, {100, 30}, {200, 60}} {
		for _, number := range append(slices.Clone(hostile), "", "1", "日本語日本語日本語", strings.Repeat("7", 5000)) {
			inBubble(t, setting{width: size[0], height: size[1]}, withBob, func(s *screen, f *fake) {
				f.mu.Lock()
				f.offers = number
				f.mu.Unlock()
				f.trusted("bob", client.Changed)
				s.press("alt+v")
				s.pass(pause)
				s.type_("\r1\r")
				f.decided(t)
				s.mu.Lock()
				defer s.mu.Unlock()
				if raw := s.raw.String(); strings.Contains(raw, "pwned\x07") || strings.Contains(raw, "]8;;http://evil") {
					t.Errorf("%q reached the terminal", number)
				}
			})
		}
	}
}

// TestScan: what is drawn is the code of this text, in modules that are black
// and white whatever the theme.
func TestScan(t *testing.T) {
	want, err := qr.Lines(bobsQR)
	if err != nil {
		t.Fatal(err)
	}
	for _, light := range []bool{false, true} {
		inBubble(t, setting{width: 100, height: 30, light: light}, withBob, func(s *screen, f *fake) {
			s.press("alt+v")
			paper := "bg #ffffff" // under the ink too
			if !light {
				paper = "fg #ffffff, bg #000000, reverse"
			}
			var got []string
			for y := range s.term.Height() {
				var line strings.Builder
				for x := range s.term.Width() {
					if c := s.term.CellAt(x, y); strings.HasSuffix(styleName(c), paper) {
						line.WriteString(c.Content)
					}
				}
				if line.Len() > 0 {
					got = append(got, line.String())
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("the code is drawn as\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

func TestMissing(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.says("bob", "before")
		for _, n := range []string{"1", "2", "-1", "99999999999999999999", "\x1b[2J", ""} {
			f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeMissing, Text: n})
		}
		f.says("bob", "after")
		s.wait()
		s.shows(" 1 message had not arrived here", " 2 messages had not arrived here", "Some messages had not arrived here")
		if n := strings.Count(s.text(), "Some messages"); n != 4 {
			t.Errorf("%d gaps of unknown size, want 4", n)
		}
		if n := strings.Count(s.text(), "bob  09:41"); n != 2 {
			t.Errorf("bob stands above %d times, want before the gaps and after them:\n%s", n, s.text())
		}
	})
}
