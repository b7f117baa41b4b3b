package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"secure-messaging/internal/editor"
	"secure-messaging/pkg/client"
)

func TestFind(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		history(300)(f)
		f.knows("carol", client.Accepted)
		f.wrote("carol", "the Needle is in the third haystack, as far as anybody can tell from here, and not in the second", client.Delivered, "")
	}, func(s *screen, f *fake) {
		s.type_("half a text")
		s.press("ctrl+f")
		s.shows("Search everything", "as you type")
		s.type_("need")
		s.shows("alice to carol", "the Needle is in", "1 of 1")
		s.press("enter")
		s.shows("▌the Needle is in", "r reply")
		s.press("esc", "ctrl+f")
		s.shows("1 of 1") // as it was left
		for range 4 {
			s.press("backspace")
		}
		s.type_("line 15")
		s.shows("1 of 11", "▌ line 159")
		s.press("down", "down", "enter")
		s.shows("▌line 157", "line 150", "line 162")
		s.press("alt+down")
		s.shows("half a text") // with carol, as it was
		s.press("alt+up")
		s.press("ctrl+f", "ctrl+f")
		s.shows("Search with bob", "1 of 11")
		s.type_(" nonsense")
		s.shows("Nothing that has all these words.")
		s.press("esc")
		s.type_("/search haystack\r")
		s.shows("Search everything")
		s.hides("❯ /search")
	})
}

// TestFindPages: more hits are read as one comes near to the last.
func TestFindPages(t *testing.T) {
	inBubble(t, setting{width: 60, height: 20}, history(300), func(s *screen, f *fake) {
		s.press("ctrl+f")
		s.type_("line")
		s.shows("1 of 50+")
		for range 60 {
			s.press("pgdown")
		}
		s.shows("300 of 300", "line 0")
		n := len(f.searches)
		s.press("pgdown", "pgup")
		if len(f.searches) != n {
			t.Error("the same is asked again")
		}
	})
}

func TestAround(t *testing.T) {
	lk := newLook(true, Options{})
	text := strings.Repeat("blah ", 30) + "the needle and one more needle"
	got := lk.around(text, "needle", 40)
	if !strings.Contains(got, lk.Found.Render("needle")) || lk.cells.StringWidth(got) > 40 {
		t.Errorf("got %q", got)
	}
	for _, c := range []struct {
		text, find string
		want       []string
	}{
		{"Deploy, deployment; redeploy", "depl", []string{"Depl", "depl"}},
		{"ÄRGER ärger", "är", []string{"ÄR", "är"}},
		{"明日の十時に", "十時", []string{"十時"}},
		{"a\"b", `"b`, []string{"b"}},
		{"İstanbul", "ist", []string{"İst"}},
		{"Müller, mu\u0308ller", "MULL", []string{"Müll", "mu\u0308ll"}},
		{"muller", "mül", []string{"mul"}},
		{"cafe\u0301s", "cafe", []string{"cafe\u0301"}},
		{"nothing", "", nil},
	} {
		var got []string
		for _, p := range matches(c.text, c.find) {
			got = append(got, c.text[p.from:p.to])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q in %q marks %q, want %q", c.find, c.text, got, c.want)
		}
	}
}

func TestPalette(t *testing.T) {
	inBubble(t, usual, talk, func(s *screen, f *fake) {
		s.press("ctrl+p")
		s.shows("What to do", "search everything")
		s.type_("safety")
		s.shows("compare safety numbers", "alt+v")
		s.press("enter")
		s.shows("Safety number with carol")
		s.press("esc", "ctrl+p")
		s.type_("carol")
		s.press("enter")
		s.shows("write to carol…")
		s.press("ctrl+p")
		s.type_("disapp")
		s.press("enter")
		s.shows("❯ /disappear")
	})
}

func TestRecall(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("first\r")
		s.type_("second\r")
		s.type_("/receipts\r")
		s.press("ctrl+r")
		s.shows("Sent before", "▌ /receipts", "second", "first")
		s.type_("fi")
		s.press("enter", "enter")
		f.sent(t, "first", "second", "first")
	})
}

// TestRecallForgets: what is deleted or is to disappear is not kept here.
func TestRecallForgets(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("a secret\r")
		s.type_("no secret\r")
		s.press("alt+m", "up")
		s.type_("dd")
		f.Disappear(t.Context(), "bob", time.Hour)
		s.wait()
		s.type_("for an hour\r")
		s.type_("/receipts\r")
		s.press("ctrl+r")
		s.shows("/receipts", "no secret", "in memory alone, until you quit")
		s.hides("a secret\n", "▌ a secret", "  a secret")
		if len(s.model.recalled) != 2 {
			t.Errorf("kept %q", s.model.recalled)
		}
	})
}

func TestFirstUnread(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		for _, name := range []string{"anna", "bob", "carol"} {
			f.knows(name, client.Accepted)
		}
		f.says("carol", "old")
		f.ago = -time.Hour
		f.wrote("bob", "new", client.Delivered, "")
	}, func(s *screen, f *fake) {
		s.shows("write to carol") // what is unread comes first
		f.says("anna", "hello")
		f.says("bob", "hello")
		s.wait()
		s.press("alt+u")
		s.shows("write to anna")
		s.press("alt+u")
		s.shows("write to bob")
		s.press("alt+u")
		s.shows("Nothing unread elsewhere.")
	})
}

func TestEditor(t *testing.T) {
	t.Setenv("VISUAL", "")
	t.Setenv("EDITOR", "")
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("words\x0f")
		s.shows("No editor is set.", "❯ words")
		s.program.Send(edited{text: "other\x1b[2J words\n\n"})
		s.wait()
		s.shows("❯ other", " words")
		s.program.Send(edited{err: editor.ErrTooLong})
		s.wait()
		s.shows("too long", "❯ other")
		s.program.Send(edited{err: fmt.Errorf("exit status 1")})
		s.wait()
		s.shows("The editor has failed", "❯ other")
	})
}

// BenchmarkRoster measures a batch of events and a frame with ten thousand
// contacts.
func BenchmarkRoster(b *testing.B) {
	var r roster
	var contacts []client.Contact
	for i := range 10_000 {
		contacts = append(contacts, client.Contact{Name: fmt.Sprintf("contact_%05d", i), State: client.Accepted})
	}
	lk := newLook(true, Options{})
	r.set(contacts)
	b.Run("1000 events", func(b *testing.B) {
		for b.Loop() {
			for i := range 1000 {
				contacts[i*7].Unread++
				r.put(contacts[i*7])
			}
		}
	})
	b.Run("frame", func(b *testing.B) {
		for b.Loop() {
			r.rows(&lk, "contact_05000", 24, 50, func(string) bool { return false })
		}
	})
	b.Run("jump", func(b *testing.B) {
		for b.Loop() {
			list := narrow(r.recent())
			list.to("ct9")
		}
	})
}
