package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/client"
)

var usual = setting{width: 100, height: 30}

// withBob is the smallest world to talk in.
func withBob(f *fake) { f.knows("bob", client.Accepted) }

// history gives bob and us n messages in the past.
func history(n int) func(*fake) {
	return func(f *fake) {
		withBob(f)
		f.ago = time.Hour
		for i := range n {
			read(f, f.says("bob", fmt.Sprint("line ", i)))
		}
		f.ago = 0
	}
}

// texts are what the account was given to send, in order.
func (f *fake) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var texts []string
	for _, m := range f.messages {
		if m.Outgoing() {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

func (f *fake) sent(t *testing.T, want ...string) {
	t.Helper()
	if got := f.texts(); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestSendAndStates(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.shows("write to bob…", "You and bob can talk now", bobsPrint)
		s.type_("hello there")
		s.press("enter")
		f.sent(t, "hello there")
		s.shows("alice  09:41", "◌\n")
		s.hides("❯ hello there")
		for _, step := range []struct {
			state client.MessageState
			sign  string
		}{{client.Stored, " ✓\n"}, {client.Delivered, " ✓✓\n"}} {
			f.moves(1, step.state)
			s.wait()
			s.shows(step.sign)
		}
		s.press("enter")
		f.sent(t, "hello there") // nothing is written, nothing is sent
		// Many at once keep their order.
		s.type_("one\rtwo\rthree\rfour\r")
		f.sent(t, "hello there", "one", "two", "three", "four")
	})
}

func TestSeveralLines(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		for i, k := range []string{"shift+enter", "alt+enter", "ctrl+j"} {
			s.type_(fmt.Sprint("line ", i))
			s.press(k)
		}
		s.type_("end")
		s.shows("❯ line 0\n", "line 2\n", "end\n")
		s.press("enter")
		s.paste("a\r    b\r\nc\x1b[31m")
		s.press("enter")
		f.sent(t, "line 0\nline 1\nline 2\nend", "a\n    b\nc")
	})
}

func TestLongTexts(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.paste(strings.Repeat("many words ", 40000))
		s.shows("What you pasted has 429.7 KiB. A message takes 32 KiB.")
		s.paste(strings.Repeat("many words ", 2900))
		s.shows("31.2 KiB of 32 KiB")
		s.paste(strings.Repeat("many words ", 200))
		s.press("enter")
		s.shows("Too long by 1.3 KiB", "33.3 KiB of 32 KiB")
		f.sent(t)
		s.press("ctrl+c")
		s.hides("of 32 KiB\n")
	})
}

func TestNotTaken(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.refuse = &client.Error{Code: client.CodeStorage, Text: "The disk is full. Make room and send again."}
		s.type_("precious")
		s.press("enter")
		s.shows("❯ precious", "Not sent: The disk is full.")
		s.press("ctrl+c")

		f.hold = make(chan struct{})
		s.type_("one\rtwo\rthree\rhalf")
		close(f.hold)
		s.wait()
		s.shows("❯ one\n", "two\n", "three\n", "half\n")
		f.sent(t)
	})
}

func TestQuitHandsOverWhatWasSent(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.hold = make(chan struct{})
		s.type_("one\rtwo\r/quit\r")
		s.shows("Handing over your last message.")
		close(f.hold)
		s.wait()
		if !s.over() {
			t.Error("still there")
		}
		f.sent(t, "one", "two")
	})
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.hold = make(chan struct{}) // for ever: the profile's disk hangs
		s.type_("one\r/quit\r/quit\r")
		if !s.over() {
			t.Error("still there")
		}
	})
}

func TestASCII(t *testing.T) {
	set := usual
	set.ASCII = true
	inBubble(t, set, scenes["request"], func(s *screen, f *fake) {
		f.connection(client.Status{State: client.Offline, RetryAt: time.Now().Add(time.Minute), Waiting: 1})
		f.warns("careful")
		for _, k := range []string{"alt+1", "alt+2", "alt+r", "esc", "f1", "esc", "ctrl+k", "esc", "alt+n", "esc", "pgup"} {
			s.press(k)
			for _, r := range s.text() {
				if r > '~' {
					t.Errorf("after %s the screen shows %q:\n%s", k, r, s.text())
					break
				}
			}
		}
		s.type_("/")
		s.shows("+-----", "/quit")
	})
}

func TestCommands(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("/foo bar")
		s.press("enter")
		s.shows("There is no command /foo.", "❯ /foo bar")
		f.sent(t)
		s.press("ctrl+c")
		s.type_("//etc/hosts is it")
		s.press("enter")
		f.sent(t, "/etc/hosts is it")

		s.type_("/")
		s.shows("/connect [name [note]]", "/block [name]")
		s.type_("co")
		s.hides("/block [name]")
		s.press("tab")
		s.shows("❯ /connect\n")
		s.type_("dave hi there")
		s.press("enter")
		s.shows("◌ dave", "has not answered yet", "Asked dave.", bobsPrint)
		f.knows("dave", client.Accepted)
		s.wait()
		s.shows("You and dave can talk now")

		s.type_("/CONNECT nobody")
		s.press("enter")
		s.shows("The relay knows nobody of the name nobody.")
		s.type_("/block b")
		s.press("tab")
		s.shows("❯ /block bob")
		s.press("enter", "right", "enter")
		s.shows("Blocked bob.")
		if got := f.contacts["bob"].State; got != client.Blocked {
			t.Errorf("bob is %s", got)
		}
		s.type_("/accept")
		s.press("enter")
		s.shows("Nobody is asking.")
		s.type_("/quit")
		s.press("enter")
		if !s.over() {
			t.Error("/quit does not leave")
		}
		f.sent(t, "/etc/hosts is it")
	})
}

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

func TestRequestByItself(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("I was ab")
		f.asks("dave", "let me in\x1b[2J\u202e")
		s.wait()
		s.shows("A request from dave", "let me in", bobsPrint, "dave asks to talk. alt+r answers.")
		s.type_("out to write this, a r b")
		s.press("enter") // sends, and decides nothing
		f.sent(t, "I was about to write this, a r b")
		s.shows("A request from dave")
		s.pass(2 * time.Second)
		s.type_("y") // the next word: the dialog steps aside
		s.hides("A request from dave")
		s.shows("❯ y", "◆ dave")
		s.press("ctrl+c", "alt+r", "right", "enter")
		s.shows("You and dave can talk now", "write to dave…")

		// The next one is only announced: strangers cannot keep us from writing.
		f.asks("mallory", "")
		s.wait()
		s.shows("mallory asks to talk.")
		s.hides("A request from mallory")
		s.pass(time.Minute)
		f.asks("trudy", "")
		s.shows()
		s.pass(2 * time.Second)
		s.shows("A request from trudy")
		s.press("right", "right", "enter")
		s.shows("Dropped the request of trudy.")
		if _, there := f.contacts["trudy"]; there {
			t.Error("the request is still there")
		}
		s.type_("/block mallory\r")
		s.press("right", "enter")
		s.hides("◆ mallory")
	})
}

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
		s.shows("new", "unread 0\n")
		s.hides("unread 199\n")
		s.press("esc")
		s.shows("unread 199")
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

// hostile is what a contact may try; none of it may reach the terminal.
var hostile = []string{
	"\x1b]0;pwned\x07title", "\x1b]52;c;cHduZWQ=\x07clipboard", "\x1b[2J\x1b[Hclear", "\x1bP+q544e\x1b\\dcs",
	"\u009b31mc1", "\u009d0;pwned\u009cosc", "over\rpaint", "back\b\b\b\bspace", "\u202eoverride", "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
	"\x1b_Gi=1;AAAA\x1b\\kitty", "\x1b[?1049l\x1b[?25lmodes", "\x1b[6nreport", "bell\x07",
}

func TestHostileText(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		for _, h := range hostile {
			f.says("bob", h)
			f.asks("m"+h, h)
			f.warns(h)
			f.connection(client.Status{State: client.Offline, Fatal: true, Reason: h})
		}
		f.gets(client.Message{Contact: "bob", From: "bob" + hostile[0], Type: hostile[0]})
		s.wait()
		s.press("esc", "esc", "alt+r", "esc", "ctrl+k", "esc", "alt+2")
		s.mu.Lock()
		raw, title := s.raw.String(), s.title
		s.mu.Unlock()
		if !strings.HasPrefix(title, "chat – alice") {
			t.Errorf("the title is %q", title)
		}
		for _, bad := range []string{"pwned\x07", "\x1b]52", "\x1bP+q544e", "\u009b", "\u009d", "\u202e", "]8;;http://evil", "\x1b_G", "\x1b[6n", "\b\b\b\b", "bell\x07", "\x1b[?1049l"} {
			if strings.Contains(raw, bad) {
				t.Errorf("%q reached the terminal", bad)
			}
		}
	})
}

func TestConnection(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.shows("● connected")
		f.connection(client.Status{State: client.Offline, Reason: "no route", RetryAt: time.Now().Add(3 * time.Second), Waiting: 2})
		s.wait()
		s.shows("○ reconnecting in 3 s · 2 waiting")
		s.pass(time.Second)
		s.shows("○ reconnecting in 2 s · 2 waiting")
		s.pass(3 * time.Second)
		s.shows("○ offline · 2 waiting")
		f.connection(client.Status{State: client.Connecting})
		s.wait()
		s.shows("◌ connecting…")
		f.connection(client.Status{State: client.Offline, Fatal: true, Reason: "The relay shows another key. Ask its operator, then start chat again."})
		s.wait()
		s.shows("✗ not connected", "✗ The relay shows another key. Ask its operator")
	})
}

func TestWarningsStay(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.warns("bob shows another key than before; nothing was accepted.")
		f.warns("a second warning")
		s.pass(time.Hour)
		s.shows("bob shows another key", "(1 of 2)")
		s.press("esc")
		s.shows("a second warning")
		s.press("esc")
		s.hides("a second warning")
	})
}

func TestAccountFails(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.fails(errors.New("The profile's owner is gone."))
		s.wait()
		s.shows("no account", "The profile's owner is gone. Nothing can be sent or received.", "start chat again")
		f.says("bob", "meanwhile")
		f.fails(nil)
		s.pass(4 * time.Second)
		s.hides("no account")
		s.shows("● connected", "meanwhile")
		f.says("bob", "and again")
		s.wait()
		s.shows("and again")
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

func TestQuit(t *testing.T) {
	inBubble(t, usual, talk, func(s *screen, f *fake) {
		s.type_("something")
		s.press("ctrl+c")
		s.hides("something", "Quit?")
		s.press("ctrl+c")
		s.shows("Quit?", "waits for you at the relay")
		s.press("esc")
		s.hides("Quit?")
		s.type_("draft")
		s.press("alt+1", "ctrl+c")
		s.shows("1 text that you have written but not sent will be lost.")
		s.press("ctrl+c") // once more loses nothing
		s.hides("Quit?")
		s.press("ctrl+c", "enter")
		if !s.over() {
			t.Error("still there")
		}
	})
	inBubble(t, usual, talk, func(s *screen, f *fake) {
		s.press("ctrl+c", "ctrl+c")
		if !s.over() {
			t.Error("still there after two ctrl+c")
		}
	})
}

func TestKeysWhileHelpIsOpen(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		s.type_("?")
		s.shows("Help", "ctrl+k", "/connect")
		s.press("enter")
		s.hides("Help")
		s.type_("why?")
		s.shows("❯ why?")
		s.press("f1")
		s.shows("Help")
	})
}

// TestRun goes through the front door: the environment is cleaned, a context
// ends it, and nothing stays behind.
func TestRun(t *testing.T) {
	t.Setenv("TEA_TRACE", t.TempDir()+"/trace")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in, keys := io.Pipe()
		ended := make(chan error)
		var out strings.Builder
		go func() { ended <- Run(ctx, newFake(), Options{In: in, Out: &out, NoColor: true}) }()
		time.Sleep(time.Second)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		keys.Close()
		if _, there := os.LookupEnv("TEA_TRACE"); there {
			t.Error("TEA_TRACE is still set")
		}
		if s := out.String(); strings.LastIndex(s, "\x1b[?1049l") < strings.LastIndex(s, "\x1b[?1049h") {
			t.Errorf("the terminal was not restored: %q", s)
		}
	})
}
