package tui

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"secure-messaging/pkg/client"
)

var sequences = regexp.MustCompile(`\x1bPtmux;(?:\x1b\x1b|[^\x1b])*\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x07`)

// notified gives the notifications that were written to the terminal since it
// was asked last, without their ends.
func (s *screen) notified() (found []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seq := range sequences.FindAllString(s.raw.String()[s.heard:], -1) {
		for _, begin := range []string{"\x1b]9;", "\x1b]777;", "\x1b]99;", "\x1bPtmux;", "\a"} {
			if strings.HasPrefix(seq, begin) {
				found = append(found, strings.TrimSuffix(seq, "\x1b\\"))
			}
		}
	}
	s.heard = s.raw.Len()
	return found
}

func notifying(by, preview string, env ...string) setting {
	return setting{width: 100, height: 30, env: env, Options: Options{Notify: Notify{by, preview}}}
}

// bobAndCarol are two conversations, with bob's on screen, and nothing waits at
// the relay.
func bobAndCarol(f *fake) {
	f.status.CaughtUp = true
	f.knows("bob", client.Accepted)
	f.knows("carol", client.Accepted)
	read(f, f.says("bob", "here"))
}

func (s *screen) tells(want ...string) {
	s.t.Helper()
	s.wait()
	if got := s.notified(); strings.Join(got, "|") != strings.Join(want, "|") {
		s.t.Errorf("the terminal is told %q, and not %q", got, want)
	}
}

func TestNotify(t *testing.T) {
	inBubble(t, notifying("osc9", "sender"), bobAndCarol, func(s *screen, f *fake) {
		s.press("alt+1")
		s.tells()
		f.says("bob", "on screen")
		f.wrote("carol", "from another terminal", client.Waiting, "")
		s.tells()
		f.says("carol", "lunch?")
		s.tells("\x1b]9;chat: 1 new message from carol")
		// What comes at once after it is told in one.
		f.burst("carol", 3)
		f.says("carol", "hello?")
		s.tells()
		s.pass(notifyPause)
		s.tells("\x1b]9;chat: 4 new messages from carol")
		s.pass(10 * notifyPause)
		s.tells()
		// Nobody looks at the screen: what is on it is news, too.
		s.press("blur")
		f.says("bob", "are you there?")
		s.tells("\x1b]9;chat: 1 new message from bob")
		// Who looks again has seen it.
		f.says("bob", "well then")
		s.press("focus")
		s.pass(notifyPause)
		s.tells()
	})
}

// What had waited at the relay is told in one, when all of it is there.
func TestNotifyBacklog(t *testing.T) {
	inBubble(t, notifying("osc9", "full"), bobAndCarol, func(s *screen, f *fake) {
		f.connection(client.Status{State: client.Connected})
		f.says("carol", "one")
		s.pass(notifyPause)
		f.says("carol", "two")
		s.pass(notifyPause)
		s.tells()
		f.connection(client.Status{State: client.Connected, CaughtUp: true})
		s.pass(notifyPause)
		s.tells("\x1b]9;chat: 2 new messages from carol")
		// A relay that never gets there does not keep it from the user.
		f.connection(client.Status{State: client.Connected})
		f.says("carol", "three")
		s.pass(notifyHold + notifyPause)
		s.tells("\x1b]9;carol: three")
	})
}

func TestNotifyPreviews(t *testing.T) {
	for preview, want := range map[string]string{
		"none": "\x1b]777;notify;chat;1 new message", "sender": "\x1b]777;notify;chat;1 new message from carol",
		"full": "\x1b]777;notify;carol;at one, or two?",
	} {
		inBubble(t, notifying("osc777", preview), bobAndCarol, func(s *screen, f *fake) {
			f.says("carol", "at one; or two?")
			s.tells(want)
		})
	}
	inBubble(t, notifying("osc777", "full"), bobAndCarol, func(s *screen, f *fake) {
		f.gets(client.Message{Contact: "carol", From: "carol", Type: client.TypeText, Text: "burn this", Unread: true, Disappear: 60})
		s.tells("\x1b]777;notify;chat;1 new message from carol")
	})
}

// The way is what the terminal understands, and past tmux.
func TestNotifyWays(t *testing.T) {
	for _, c := range []struct {
		by   string
		env  []string
		want []string
	}{
		{"", nil, nil},
		{"none", nil, nil},
		{"bell", nil, []string{"\a"}},
		{"auto", nil, []string{"\a"}},
		{"auto", []string{"TERM_PROGRAM=WezTerm"}, []string{"\x1b]9;chat: 1 new message from carol"}},
		{"auto", []string{"TERM=foot"}, []string{"\x1b]777;notify;chat;1 new message from carol"}},
		{"auto", []string{"KITTY_WINDOW_ID=1"}, []string{"\x1b]99;i=chat:d=0:e=1;Y2hhdA==", "\x1b]99;i=chat:d=1:e=1:p=body;MSBuZXcgbWVzc2FnZSBmcm9tIGNhcm9s"}},
		{"auto", []string{"KITTY_WINDOW_ID=1", "TMUX=/tmp/tmux,1,0"}, []string{"\a"}},
		{"osc9", []string{"TMUX=/tmp/tmux,1,0"}, []string{"\x1bPtmux;\x1b\x1b]9;chat: 1 new message from carol\x1b\x1b\\"}},
	} {
		inBubble(t, notifying(c.by, "sender", c.env...), bobAndCarol, func(s *screen, f *fake) {
			f.says("carol", "lunch?")
			s.tells(c.want...)
		})
	}
}

func TestNotifyMany(t *testing.T) {
	inBubble(t, notifying("osc9", "full"), func(f *fake) {
		bobAndCarol(f)
		f.knows("dave", client.Accepted)
		f.knows("erin", client.Accepted)
		f.knows("finn", client.Accepted)
	}, func(s *screen, f *fake) {
		f.says("finn", "first")
		s.tells("\x1b]9;finn: first")
		for _, name := range []string{"carol", "dave", "erin", "finn"} {
			f.says(name, "hi")
		}
		s.pass(notifyPause)
		s.tells("\x1b]9;chat: 4 new messages from carol, dave and 2 others")
	})
}

// FuzzNotify: whatever somebody writes, a notification is one sequence, with
// its own beginning and end and no other control character.
func FuzzNotify(f *testing.F) {
	f.Add("carol", "\x1b\\\x07\x9c\u009c;d=1\x1b]52;c;aGk=\x07")
	f.Add(";;", strings.Repeat("long ", 1000)+"\x1b[2J")
	f.Add("\u202e", "\r\n\x00")
	f.Fuzz(func(t *testing.T, title, body string) {
		for _, way := range NotifyWays {
			s := (&news{way: way}).sequence(title, body)
			inner := strings.NewReplacer("\x1b]", "", "\x1b\\", "").Replace(s)
			if way != notifyBell && strings.ContainsFunc(inner, unicode.IsControl) {
				t.Errorf("%s: control characters in %q", way, s)
			}
			if strings.Count(s, "\x1b]") != strings.Count(s, "\x1b\\") || way == notifyOSC777 && strings.Count(s, ";") != 3 {
				t.Errorf("%s: more than one sequence in %q", way, s)
			}
			if len(s) > 2048 {
				t.Errorf("%s: %d bytes", way, len(s))
			}
		}
	})
}
