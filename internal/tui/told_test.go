package tui

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

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

func TestConnectionInFewWords(t *testing.T) {
	inBubble(t, setting{width: 40, height: 12}, withBob, func(s *screen, f *fake) {
		f.connection(client.Status{State: client.Offline, RetryAt: time.Now().Add(12 * time.Second), Waiting: 12})
		s.wait()
		s.shows(" bob             ○ again in 12 s · 12 ◌\n")
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

// TestLongWarnings: the page stays, and the whole text is one key away.
func TestLongWarnings(t *testing.T) {
	long := strings.Repeat("Something of this relay looks wrong. ", 5) + "Ask its operator."
	inBubble(t, setting{width: 40, height: 12}, talk, func(s *screen, f *fake) {
		s.press("alt+1")
		f.warns(long)
		s.wait()
		s.shows("! Something", "… alt+w: all  esc: seen", "of course")
		s.hides("operator")
		s.press("alt+w")
		s.shows("Attention", "operator.", "Seen", " s seen · k keep")
		s.type_("k")
		s.shows("alt+w: all")
		s.press("alt+w", "enter")
		s.hides("alt+w: all")
		f.connection(client.Status{State: client.Offline, Code: client.CodeKeyChanged, Reason: long, RetryAt: time.Now().Add(time.Minute)})
		s.wait()
		s.shows("✗ Something", "… alt+w: all", "of course")
		s.press("alt+w")
		s.shows("operator.", " c close")
	})
}

func TestAccountFails(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.fails(errors.New("The disk is on fire."))
		s.wait()
		s.shows("✗ no answer", "The disk is on fire. Nothing can be sent or received.", "start chat again")
		f.says("bob", "meanwhile")
		f.fails(nil)
		s.pass(4 * time.Second)
		s.hides("no answer")
		s.shows("● connected", "meanwhile")
		f.says("bob", "and again")
		s.wait()
		s.shows("and again")
	})
}

// TestOwnerGone: the chat that this screen was attached to is closed, and a
// good while later another one has the account. Everything is read anew.
func TestOwnerGone(t *testing.T) {
	inBubble(t, usual, history(200), func(s *screen, f *fake) {
		s.press("blur")
		s.pass(2 * presence)
		f.says("bob", "last words")
		s.wait()
		gone := &client.Error{Code: client.CodeBusy, Text: "The program that held this profile has ended. Run the command again."}
		f.fails(gone)
		s.wait()
		s.press("focus", "pgup", "pgup")
		s.shows("✗ no answer", "The chat that had alice open was closed, or does not answer. Trying to\n", "attach again; or quit and start chat here.\n", " esc newest · ")
		s.type_("stays here\r")
		s.shows("Your text stays here.", "❯ stays here")
		s.hides("command")
		s.press("ctrl+c")
		s.type_("/connect dave hello\r")
		s.shows("Look whether it was done before you\n do it again.\n", "❯ /connect dave hello")
		s.hides("Run the command", "run the command")
		s.pass(time.Minute)
		s.press("ctrl+c")

		f.mu.Lock()
		f.forgetsWhile(func() {
			f.add(client.Message{Contact: "bob", From: "bob", Type: client.TypeText, Text: "meanwhile", State: client.Received, Unread: true})
			f.setContact(client.Contact{Name: "erin", State: client.Incoming})
			f.failing = nil
		})
		f.mu.Unlock()
		s.pass(reopenAfter)
		s.hides("no answer", "was closed")
		s.shows("● connected", "◆ erin")
		s.press("esc")
		s.shows("last words", "meanwhile")
		if n := f.contacts["bob"].Unread; n != 0 {
			t.Errorf("%d are unread", n)
		}
		f.says("bob", "and again")
		s.wait()
		s.shows("and again")
		s.type_("hello again\r")
		f.sent(t, "hello again")
	})
}

// TestReadInTheGap: what was read just when the owner went is told to the next.
func TestReadInTheGap(t *testing.T) {
	inBubble(t, usual, history(200), func(s *screen, f *fake) {
		s.press("blur")
		s.pass(2 * presence)
		f.burst("bob", 100)
		s.wait()
		gone := &client.Error{Code: client.CodeBusy, Text: "The program that held this profile has ended. Run the command again."}
		f.mu.Lock()
		f.failing = gone // and Events has not noticed yet
		f.mu.Unlock()
		s.press("pgup")
		s.shows("number 60", "The chat that had alice open was closed, or does not answer.\n")
		s.hides("command")
		if n := len(f.reads); n != 200 {
			t.Fatalf("%d reads", n)
		}
		f.fails(gone)
		s.wait()
		f.fails(nil)
		s.pass(reopenAfter)
		s.shows("● connected", "number 60")
		if n := f.contacts["bob"].Unread; n == 0 || n > 40 {
			t.Errorf("%d are unread", n)
		}
	})
}

// TestSendIntoTheGap: the owner goes while a message is on its way.
func TestSendIntoTheGap(t *testing.T) {
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.refuse = &client.Error{Code: client.CodeBusy, Text: "The program that held this profile has ended before it answered. Look whether it has done this, and if not, run the command again."}
		s.type_("precious\r")
		s.shows("❯ precious", "Look whether it was done before you\n do it again.\n")
		s.hides("command", "Not sent")
	})
}

func TestWordsPass(t *testing.T) {
	inBubble(t, setting{width: 60, height: 20}, withBob, func(s *screen, f *fake) {
		const advice = "message with a slash."
		s.type_("/foo\r")
		s.shows("There is no command /foo. /help lists them; // begins a\n", advice)
		s.hides(" clear\n")
		s.type_("o") // at once: it cannot have been read
		s.shows(advice)
		s.pass(glance)
		s.type_("o")
		s.hides(advice)
		s.shows("ctrl+c clear")
		s.press("enter")
		s.shows(advice)
		s.pass(wordFor)
		s.hides(advice)
		s.press("enter", "alt+n")
		s.shows(" enter next, ask · tab other field · esc close") // the keys of a dialog are needed now
		s.hides(advice)
	})
	inBubble(t, setting{width: 40, height: 12}, withBob, func(s *screen, f *fake) {
		f.refuse = &client.Error{Code: client.CodeStorage, Text: strings.Repeat("A long reason. ", 30)}
		s.type_("hello\r")
		s.shows("Not sent: A long reason.", "A long…", "❯ hello", "You and bob")
	})
}

// TestNoShellAdvice: what the account says to somebody at a shell does not
// help somebody at this screen.
func TestNoShellAdvice(t *testing.T) {
	advice := regexp.MustCompile(`"[^"\n]*\bchat (connect|accept|reject|block|requests|contacts|send)\b[^"\n]*"`)
	files, err := filepath.Glob("../../pkg/client/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range advice.FindAllString(string(source), -1) {
			found++
			if got := cleanWarning(text); advice.MatchString(got) {
				t.Errorf("%s says %s", filepath.Base(file), got)
			}
		}
	}
	if found == 0 {
		t.Error("no advice was found in the client")
	}
}
