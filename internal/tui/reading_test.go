package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

func TestScrolling(t *testing.T) {
	inBubble(t, usual, history(350), func(s *screen, f *fake) {
		s.shows("line 349")
		s.press("pgup")
		s.hides("line 349")
		body := func() (page string) { // without the sidebar
			for _, line := range strings.Split(s.text(), "\n")[2:25] {
				_, right, _ := strings.Cut(line, "│")
				page += right + "\n"
			}
			return page
		}
		before := body()
		for i := range 3 {
			f.says("bob", fmt.Sprint("newer ", i))
		}
		s.wait()
		if after := body(); after != before {
			t.Errorf("the page moved from\n%s\nto\n%s", before, after)
		}
		s.shows(" 3 new ↓ ")
		if len(f.reads) != 350 {
			t.Errorf("marked %d as read", len(f.reads)-350)
		}
		s.press("pgup")
		s.press("pgdown")
		if after := body(); after != before {
			t.Errorf("up and down again is not the same page:\n%s\n%s", before, after)
		}
		s.press("ctrl+up", "ctrl+up", "ctrl+down", "ctrl+down")
		if after := body(); after != before {
			t.Error("lines up and down again is not the same page")
		}
		s.press("esc")
		s.shows("newer 2", " new ")
		s.hides("3 new ↓")
		if got := f.reads[len(f.reads)-1]; got != 353 {
			t.Errorf("read up to %d", got)
		}
		for range 30 {
			s.press("pgup")
		}
		s.shows("line 0\n", "Today")
		for _, q := range f.pages {
			if q.Limit > client.MaxLimit {
				t.Errorf("asked for %d messages at once", q.Limit)
			}
		}
	})
}

func TestLoadedIsBounded(t *testing.T) {
	inBubble(t, usual, history(3*maxLoaded), func(s *screen, f *fake) {
		for range 3 * maxLoaded / 10 {
			s.press("pgup")
		}
		s.shows("line 0\n")
		if n := len(s.model.threads["bob"].entries); n > maxLoaded {
			t.Errorf("%d messages in memory", n)
		}
		f.says("bob", "the newest")
		s.wait()
		for range 3 * maxLoaded / 10 {
			s.press("pgdown")
		}
		s.shows("the newest", fmt.Sprint("line ", 3*maxLoaded-1))
		if n := len(s.model.threads["bob"].entries); n > maxLoaded {
			t.Errorf("%d messages in memory", n)
		}
	})
}

func TestBurst(t *testing.T) {
	const n = 8000
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("so")
		views, updates := s.model.views, s.model.updates
		f.burst("bob", n)
		s.wait()
		s.shows(fmt.Sprint("number ", n-1), "❯ so")
		if v, u := s.model.views-views, s.model.updates-updates; v > 20 || u > 20 {
			t.Errorf("%d messages were drawn %d times in %d steps", n, v, u)
		}
		if n := len(s.model.threads["bob"].entries); n > maxLoaded {
			t.Errorf("%d messages in memory", n)
		}
		s.type_(" fast\r")
		f.sent(t, "so fast")
	})
}

func TestUnread(t *testing.T) {
	inBubble(t, usual, talk, func(s *screen, f *fake) {
		s.press("alt+1")
		f.says("carol", "12:30, remember?")
		s.wait()
		s.shows("carol              1")
		s.press("alt+a")
		s.shows("new", "12:30, remember?", "write to carol…")
		s.hides("carol              1")
		s.press("blur")
		f.says("carol", "hello?")
		s.wait()
		s.shows("carol              1", "hello?")
		s.press("focus")
		s.hides("carol              1")
		s.press("alt+a")
		s.shows("Nothing unread elsewhere.")
	})
}

func TestManyUnreadBeginAtTheFirst(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		history(20)(f)
		for i := range 200 {
			f.says("bob", fmt.Sprint("unread ", i))
		}
	}, func(s *screen, f *fake) {
		s.shows("new", "unread 0\n", " 181 new ↓ ")
		s.hides("unread 199\n")
		// What comes meanwhile moves neither the page nor the line above it.
		f.says("bob", "the latest")
		s.wait()
		s.shows("new", "unread 0\n", " 182 new ↓ ")
		s.press("pgdown")
		s.shows(" 161 new ↓ ")
		s.press("esc")
		s.shows("the latest")
		s.hides(" new ↓ ")
	})
}

func TestGoing(t *testing.T) {
	inBubble(t, usual, talk, func(s *screen, f *fake) {
		s.press("alt+1")
		s.shows("write to bob…")
		s.type_("half a thou")
		s.press("alt+down")
		s.shows("write to carol…")
		s.press("ctrl+k")
		s.type_("efr") // somewhere in erin's long name
		s.press("enter")
		s.shows("write to erin_from_the_infrastructure_team…")
		s.press("ctrl+k")
		s.type_("zzz")
		s.shows("nobody of that name")
		s.press("esc", "alt+4")
		s.shows("has not answered yet")
		s.press("alt+down")
		s.shows("❯ half a thou")
		s.type_("\x1b[<0;4;5M\x1b[<0;4;5m") // a click on carol's row
		s.shows("write to carol…")
	})
}

func TestWheel(t *testing.T) {
	inBubble(t, usual, history(100), func(s *screen, f *fake) {
		s.type_("\x1b[<64;50;10M")
		s.hides("line 99")
		s.shows("line 96")
		s.type_("\x1b[<65;50;10M")
		s.shows("line 99")
	})
}

func TestResizeStorm(t *testing.T) {
	inBubble(t, usual, talk, func(s *screen, f *fake) {
		s.press("alt+1", "ctrl+k")
		for i := range 400 {
			s.resize(1+(i*37)%190, 1+(i*23)%60)
		}
		s.resize(100, 30)
		s.wait()
		s.press("esc")
		got := s.text()
		s.press("ctrl+l")
		if s.text() != got {
			t.Errorf("a fresh drawing differs from\n%s\nand is\n%s", got, s.text())
		}
		s.shows("the build machine is back", "of course")
	})
}

func TestLagged(t *testing.T) {
	inBubble(t, usual, history(300), func(s *screen, f *fake) {
		f.mu.Lock()
		f.forgetsWhile(func() {
			f.add(client.Message{Contact: "bob", From: "bob", Type: client.TypeText, Text: "missed", State: client.Received})
		})
		f.mu.Unlock()
		s.wait()
		s.shows("missed")
		s.press("pgup", "pgup")
		before := s.text()
		f.mu.Lock()
		f.forgetsWhile(func() {
			f.add(client.Message{Contact: "bob", From: "bob", Type: client.TypeText, Text: "missed too", State: client.Received})
		})
		f.mu.Unlock()
		s.wait()
		if s.text() != before {
			t.Errorf("the page moved:\n%s\n%s", before, s.text())
		}
		for range 6 {
			s.press("pgdown")
		}
		s.shows("missed too")
	})
}

// TestWhoTouchesLooks: some terminals say that they are not in front, and are.
func TestWhoTouchesLooks(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		for _, touch := range []string{"x", "\r", "\x1b[5~", "\x1b[<64;50;10M", "\x1b[200~pasted\x1b[201~"} {
			s.press("blur")
			m := f.says("bob", "anybody?")
			s.pass(time.Hour)
			if slices.Contains(f.reads, m.Cursor) {
				t.Errorf("read before %q", touch)
			}
			s.type_(touch)
			if !slices.Contains(f.reads, m.Cursor) {
				t.Errorf("not read after %q:\n%s", touch, s.text())
			}
		}
		m := f.says("bob", "right now")
		s.wait()
		if !slices.Contains(f.reads, m.Cursor) {
			t.Error("not read while somebody is there")
		}
		s.pass(2 * presence)
		m = f.says("bob", "later")
		s.wait()
		if slices.Contains(f.reads, m.Cursor) {
			t.Error("read although nobody was there for long")
		}
	})
}

// TestMessagesEnd: where one of several lines begins and ends can be seen.
func TestMessagesEnd(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		for _, text := range []string{"one", "two", "three\nfour", "five", "six\nseven\n\n \n", "eight"} {
			f.wrote("bob", text, client.Delivered, "")
		}
		f.wrote("bob", " \n\n", client.Stored, "")
		s.wait()
		var page []string
		for _, line := range strings.Split(s.text(), "\n") {
			if _, right, ok := strings.Cut(line, "│"); ok {
				page = append(page, strings.Join(strings.Fields(right), " "))
			}
		}
		got, _, _ := strings.Cut(strings.Join(page, "\n"), "\n❯")
		want := `
alice 09:41
one ✓✓
two ✓✓

three
four ✓✓

five ✓✓

six
seven ✓✓

eight ✓✓
(blank) ✓`
		if !strings.HasSuffix(got, want) {
			t.Errorf("the page is\n%s\nand should end in\n%s", got, want)
		}
	})
}

// TestTooSmall: what cannot be seen is not written, let alone sent.
func TestTooSmall(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("half")
		s.resize(20, 5)
		s.wait()
		s.shows("chat needs 24×6")
		s.type_("unseen")
		s.paste("pasted")
		s.type_("?")
		s.press("enter", "alt+n")
		f.sent(t)
		s.resize(100, 30)
		s.wait()
		s.shows("❯ half\n")
		s.resize(20, 5)
		s.wait()
		s.press("ctrl+c")
		if !s.over() {
			t.Error("ctrl+c does not leave")
		}
	})
}

// TestDiskAlarm: that nothing is kept any more is said above the page.
func TestDiskAlarm(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.connection(client.Status{State: client.Offline, Code: client.CodeStorage, Reason: "The disk is full. Free some space."})
		s.wait()
		s.shows("The disk is full. Free some space.")
		f.connection(client.Status{State: client.Connected})
		s.wait()
		s.hides("The disk is full.")
	})
}

// TestTimesOfWriting: a message shows when it was written and stands where it
// arrived. What an author claims of the future is not believed.
func TestTimesOfWriting(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) { // Saturday 1 January 2000
		now := time.Now()
		for _, late := range []struct {
			text string
			ago  time.Duration
		}{
			{"on friday", 15 * time.Hour}, {"with it", 15*time.Hour - time.Minute},
			{"today", time.Hour}, {"tomorrow", -24 * time.Hour},
		} {
			f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeText, Text: late.text, SentAt: now.Add(-late.ago)})
		}
		f.wrote("bob", "mine", client.Delivered, "")
		f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeText, Text: "no time"})
		s.wait()
		var page []string
		for _, line := range strings.Split(s.text(), "\n") {
			if _, right, ok := strings.Cut(line, "│"); ok {
				page = append(page, strings.Join(strings.Fields(right), " "))
			}
		}
		got := strings.Join(page, "\n")
		want := `bob Fri 31 Dec 1999 18:41
on friday
with it

bob 08:41
today

bob 09:41
tomorrow

alice 09:41
mine ✓✓

bob 09:41
no time
`
		if !strings.Contains(got, want) {
			t.Errorf("the page is\n%s\nand should hold\n%s", got, want)
		}
	})
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	lk := newLook(true, Options{})
	p := &page{look: &lk}
	for want, sent := range map[string]time.Time{
		"Fri 20 Nov 18:02": time.Date(2026, 11, 20, 18, 2, 0, 0, time.UTC),
		"08:59":            at.Add(-time.Minute),
		"09:00":            at.Add(time.Hour),
	} {
		if got := p.clock(&client.Message{At: at, SentAt: sent}); got != want {
			t.Errorf("sent at %v it says %q, want %q", sent, got, want)
		}
	}
}

// TestNewLine: it stands above the first message that was not on screen, not
// above those that were read as they came.
func TestNewLine(t *testing.T) {
	both := func(f *fake) {
		withBob(f)
		f.knows("carol", client.Accepted)
	}
	inBubble(t, usual, both, func(s *screen, f *fake) {
		s.press("alt+1")
		f.says("bob", "seen 1")
		f.says("bob", "seen 2")
		s.wait()
		s.press("alt+2")
		f.says("bob", "unseen 3")
		s.wait()
		s.press("alt+a")
		text := s.text()
		line, seen, unseen := strings.Index(text, " new "), strings.Index(text, "seen 2"), strings.Index(text, "unseen 3")
		if line < seen || line > unseen || seen < 0 {
			t.Errorf("the line of what is new stands wrong:\n%s", text)
		}
	})
}
