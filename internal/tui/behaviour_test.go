package tui

import (
	"context"
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
		s.shows("With that the text would have 429.7 KiB. A message takes 32 KiB.")
		s.paste(strings.Repeat("many words ", 2900))
		s.shows("31.2 KiB of 32 KiB")
		s.paste(strings.Repeat("many words ", 200))
		s.press("enter")
		s.shows("Too long by 1.3 KiB", "33.3 KiB of 32 KiB")
		f.sent(t)
		s.press("ctrl+c")
		s.hides("of 32 KiB\n")

		// One that is long enough for the composer to be laid out in part.
		var lines []string
		for i := range 1000 {
			lines = append(lines, fmt.Sprint("row ", i))
		}
		whole := strings.Join(lines, "\n")
		s.paste(whole)
		s.type_("!")
		s.shows("❯ row 992\n", "row 999!\n")
		for range 20 {
			s.press("up")
		}
		s.shows("❯ row 979\n", "row 986\n")
		s.press("enter")
		s.shows("❯ write to bob…")
		f.sent(t, whole+"!")
		s.type_("short")
		s.shows("❯ short\n")
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
		s.shows("The relay knows nobody of the name nobody.", "❯ /connect nobody\n")
		s.press("ctrl+c")
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
		s.shows("Nobody is asking.", "❯ /accept\n")
		s.press("ctrl+c")
		s.type_("/quit")
		s.press("enter")
		if !s.over() {
			t.Error("/quit does not leave")
		}
		f.sent(t, "/etc/hosts is it")
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
		s.shows("1 text that you have written and not sent will be here")
		s.press("ctrl+c")
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
		s.shows("Help", "alt+enter", "/connect")
		s.press("enter")
		s.hides("Help")
		s.type_("why?")
		s.shows("❯ why?")
		s.press("f1")
		s.shows("Help")
		s.type_("!") // nothing that is typed gets lost
		s.shows("❯ why?!\n")
		s.press("enter")
		f.sent(t, "why?!")
	})
}

func TestQuestions(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		for _, k := range []string{"esc", "?", "q"} {
			s.type_("?")
			s.shows("─ Help ─")
			if k == "esc" {
				k = keySequences[k]
			}
			s.type_(k)
			s.hides("─ Help ─", "❯ q", "❯ ?")
		}
		s.type_("?why not\r")
		s.type_("?")
		s.paste("pasted\nin two lines")
		s.hides("─ Help ─")
		s.press("enter")
		f.sent(t, "?why not", "?pasted\nin two lines")
	})
}

func TestHelpSaysHowToLeave(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {60, 20}, {100, 30}} {
		inBubble(t, setting{width: size[0], height: size[1]}, withBob, func(s *screen, f *fake) {
			s.press("f1")
			s.shows("─ esc closes · pgdown: ", " more ↓ ─", " esc, q close")
			for range 20 {
				s.press("pgdown")
			}
			s.shows("─ esc closes · pgup: back ↑ ─", "select text")
			s.press("esc")
			s.hides("Help ─")
		})
	}
}

func TestSuggestions(t *testing.T) {
	inBubble(t, usual, scenes["request"], func(s *screen, f *fake) {
		s.pass(glance)
		s.press("alt+1")
		s.type_("/")
		s.shows("▌/connect [name [note]]", " enter complete · up, down choose · ctrl+c clear")
		s.press("enter")
		s.shows("❯ /connect\n", " /connect [name [note]]", " enter do it · ctrl+c clear")
		s.press("ctrl+c")
		s.type_("/")
		s.press("up") // around the end
		s.shows("▌/quit", " enter do it · ")
		s.press("down", "down")
		s.shows("▌/accept [name]")
		s.type_("a")
		s.press("enter")
		s.shows("❯ /accept\n", "tab complete")
		s.press("tab", "enter")
		s.shows("You and dave can talk now")
		s.pass(glance)
		s.type_("/foo")
		s.shows(" // begins a message with a slash · ctrl+c clear")
		s.press("ctrl+c")
		s.type_("/QU")
		s.shows(" enter do it · ctrl+c clear")
		s.press("enter")
		if !s.over() {
			t.Error("/QU does not leave")
		}
		if n := len(f.texts()); n != 3 {
			t.Errorf("a command was sent: %q", f.texts())
		}
	})
	inBubble(t, setting{width: 40, height: 12}, withBob, func(s *screen, f *fake) {
		f.warns("something long enough to take its lines away from the list of what can be written")
		s.type_("/")
		s.press("up")
		s.shows("▌/quit")
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
