package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

// withTalk is bob, online, and a few words with him.
func withTalk(f *fake) {
	withBob(f)
	f.contacts["bob"] = withOnline(f.contacts["bob"])
	read(f, f.says("bob", "deploy at ten?"))
	f.wrote("bob", "yes", client.Delivered, "")
	read(f, f.says("bob", "who watches the graphs?"))
}

func withOnline(c client.Contact) client.Contact { c.Online = true; return c }

// message returns one as the account has it.
func (f *fake) message(cursor int64) client.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.messages[cursor-1]
}

func TestReply(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.press("alt+m", "up", "up")
		s.shows("▌deploy at ten?", "r reply", "e react", "y copy", "d delete")
		s.hides("i edit") // not ours
		s.type_("r")
		s.shows("↱ bob: deploy at ten?", "esc gives up")
		s.hides("▌deploy")
		s.type_("make it eleven")
		s.press("enter")
		s.hides("gives up")
		s.shows("↱ bob: deploy at ten?\n", "make it eleven")
		if m := f.message(4); m.Reply == nil || m.Reply.Cursor != 1 || m.Text != "make it eleven" {
			t.Errorf("sent %+v", m)
		}
		s.type_("one more") // is about nothing
		s.press("enter")
		if m := f.message(5); m.Reply != nil {
			t.Error("the next message is an answer, too")
		}
		s.press("alt+m", "up")
		s.type_("g")
		s.shows("▌deploy at ten?")
	})
}

// TestGiveUp: what the text is about goes before anything else does, and only
// that.
func TestGiveUp(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.press("alt+m")
		s.type_("r")
		s.type_("words")
		s.press("esc")
		s.hides("gives up")
		s.shows("❯ words")
		s.press("ctrl+c", "up")
		s.shows("editing yes", "❯ yes")
		s.press("esc")
		s.shows("write to bob…")
		s.hides("editing")
		f.sent(t, "yes")
	})
}

func TestEdit(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.press("up")
		s.type_(", at once")
		s.press("enter")
		s.shows("yes, at once (edited)", "write to bob…")
		s.press("up", "ctrl+j")
		s.hides("An empty")
		s.press("esc")
		s.press("up")
		for range len("yes, at once") {
			s.press("backspace")
		}
		s.press("enter")
		s.shows("An empty message is not sent.")
		if m := f.message(2); m.Text != "yes, at once" {
			t.Errorf("the message is %q", m.Text)
		}
	})
}

// TestEditFails: words that the account does not take are back, and still
// about the same message.
func TestEditFails(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		f.refuse = &client.Error{Code: client.CodeStorage, Text: "The disk is full."}
		s.press("up")
		s.type_("!")
		s.press("enter")
		s.shows("The disk is full.", "editing yes", "❯ yes!")
		f.refuse = nil
		s.press("enter")
		s.shows("yes! (edited)")
	})
}

func TestDelete(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.press("alt+m", "up")
		s.type_("d")
		s.shows("Delete this message?", "alice: yes", "from theirs once it hears")
		s.press("enter")
		s.shows("▌yes") // kept
		s.type_("dd")
		s.hides("yes")
		s.shows("▸ deleted")
		s.press("alt+m", "down")
		s.type_("d")
		s.shows("They stay with bob.")
		s.type_("d")
		if !f.message(2).Deleted || !f.message(3).Deleted {
			t.Error("not deleted")
		}
	})
}

func TestReactions(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.press("alt+m")
		s.type_("e")
		s.shows("React", "1 👍", "8 ✅")
		s.type_("1")
		s.shows("👍 alice")
		f.changes(3, func(m *client.Message) {
			m.Reactions = append(slices.Clone(m.Reactions), client.Reaction{From: "bob", Emoji: "👍"}, client.Reaction{From: "carol", Emoji: "\x1b[31m🎉"})
		})
		s.wait()
		s.shows("👍 alice, bob  🎉 carol")
		s.press("alt+m")
		s.type_("e")
		s.shows("yours: 👍")
		s.press("enter") // the same again takes it back
		s.shows("👍 bob")
		s.hides("alice, bob")
		s.press("alt+m")
		s.type_("e🦆")
		s.press("enter")
		s.shows("🦆 alice")
	})
}

// TestPicking walks through more than is in memory, and any key that means
// nothing to a message ends the mode.
func TestPicking(t *testing.T) {
	inBubble(t, setting{width: 60, height: 20}, history(300), func(s *screen, f *fake) {
		s.press("alt+m")
		s.shows("▌line 299")
		for range 250 {
			s.press("up")
		}
		s.shows("▌line 49")
		s.press("pgdown")
		s.type_("kjjxz")
		s.shows("▌line 5")
		s.hides("❯ x", "❯ k")
		s.press("ctrl+k")
		s.shows("Jump to")
		s.hides("▌line")
		s.press("esc", "esc")
		s.shows("line 299")
	})
}

func TestClickPicks(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		for y, line := range strings.Split(s.text(), "\n") {
			if strings.Contains(line, "yes") {
				s.type_(fmt.Sprintf("\x1b[<0;40;%dM\x1b[<0;40;%dm", y+1, y+1))
			}
		}
		s.shows("▌yes")
	})
}

// TestClickFollows: the line of what a message answers leads there.
func TestClickFollows(t *testing.T) {
	inBubble(t, setting{width: 100, height: 20}, func(f *fake) {
		history(100)(f)
		read(f, f.answers(3, "about that one"))
	}, func(s *screen, f *fake) {
		for y, line := range strings.Split(s.text(), "\n") {
			if strings.Contains(line, "↱ bob: line 2") {
				s.type_(fmt.Sprintf("\x1b[<0;40;%dM\x1b[<0;40;%dm", y+1, y+1))
			}
		}
		s.shows("▌line 2\n")
		s.hides("about that one")
		s.press("esc", "esc", "alt+m")
		s.shows("▌about that one")
		s.type_("?")
		s.shows("Help")
	})
}

func TestWriting(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.shows("bob  ● online")
		f.writes("bob")
		f.knows("carol", client.Accepted)
		f.says("carol", "lunch?")
		f.writes("carol")
		s.wait()
		s.shows("bob is writing…", "… 1 │")
		s.pass(client.TypingFor + time.Second)
		s.hides("is writing")
		f.writes("bob")
		read(f, f.says("bob", "here it is"))
		s.wait()
		s.hides("is writing")
		f.writes("bob\x1b[2J") // nobody of that name
		s.wait()
		s.shows("here it is")
	})
}

// TestTyping: the account is asked to tell of it now and then, of texts alone,
// and of nobody who is away.
func TestTyping(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.type_("/help")
		s.press("ctrl+c")
		if len(f.typed) != 0 {
			t.Error("a command is told of")
		}
		for range 20 {
			s.type_("x")
		}
		if n := len(f.typed); n != 1 || f.typed[0] != "bob" {
			t.Errorf("told %v", f.typed)
		}
		s.pass(tellEvery)
		s.type_("x")
		if len(f.typed) != 2 {
			t.Errorf("told %d times", len(f.typed))
		}
		f.online("bob", false)
		s.pass(tellEvery)
		s.type_("x")
		f.online("bob", true)
		s.press("ctrl+c")
		s.type_("/typing off")
		s.press("enter")
		s.shows("typing is off: Nobody sees")
		s.pass(tellEvery)
		s.type_("x")
		if len(f.typed) != 2 {
			t.Errorf("told %d times, of somebody who is away or against the setting", len(f.typed))
		}
	})
}

func TestTellings(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.type_("/receipts\r")
		s.shows("receipts is off: Nobody hears")
		s.type_("/receipts on\r")
		s.shows("receipts is on: Contacts hear")
		if !f.settings.Receipts || !f.settings.Typing {
			t.Errorf("set %+v", f.settings)
		}
		s.type_("/presence never\r")
		s.shows("/presence on, or /presence off.", "❯ /presence never")
	})
}

func TestReadSign(t *testing.T) {
	for _, c := range []struct {
		ascii bool
		sign  string
	}{{false, " ◉\n"}, {true, "**\n"}} {
		inBubble(t, setting{width: 100, height: 30, Options: Options{ASCII: c.ascii}}, withTalk, func(s *screen, f *fake) {
			s.hides(c.sign)
			f.moves(2, client.Read)
			s.wait()
			s.shows(c.sign)
			f.moves(2, client.Delivered) // comes late, and changes nothing
			s.wait()
			s.shows(c.sign)
		})
	}
}

func TestDisappear(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.type_("/disappear\r")
		s.shows("Messages with bob stay.")
		s.type_("/disappear 5 years\r")
		s.shows("That is no time.")
		s.press("ctrl+c")
		s.type_("/disappear 90m\r")
		if c := f.contacts["bob"]; c.Disappear != 90*60 {
			t.Errorf("set to %d s", c.Disappear)
		}
		s.type_("/disappear\r")
		s.shows("disappear 90 minutes after")
		f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeTimer, Text: "86400"})
		f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeTimer, Text: "0"})
		read(f, f.answers(1, "soon gone"))
		f.changes(6, func(m *client.Message) { m.Disappear, m.GoneAt = 60, time.Now().Add(time.Minute) })
		s.wait()
		s.shows("bob has set that messages disappear 1 day after they are read", "bob has set that messages stay", "↱ bob: deploy at ten?")
		s.shows("soon gone", "◔\n")
		s.press("alt+m")
		s.shows("1 minute left")
		s.pass(20 * time.Second)
		s.shows("40 seconds left") // seen passing, without a key
		s.press("esc")
		f.vanishes(1)
		s.wait()
		s.hides("deploy at ten?")
		s.shows("↱ bob: a message that is not here", "soon gone")
		s.press("alt+m")
		s.type_("r")
		f.vanishes(6)
		s.wait()
		s.hides("soon gone", "gives up")
		f.mu.Lock()
		f.add(client.Message{Contact: "bob", From: "alice", Type: client.TypeTimer, Text: "3600", State: client.Delivered})
		f.mu.Unlock()
		s.wait()
		s.shows("You have set that messages disappear 1 hour after they are read")
	})
}

// TestViewsSurvive: a screen that is opened again shows what the last one was
// left with.
func TestViewsSurvive(t *testing.T) {
	inBubble(t, setting{width: 60, height: 20}, func(f *fake) {
		history(300)(f)
		f.knows("carol", client.Accepted)
		f.wrote("carol", "lunch?", client.Delivered, "")
	}, func(s *screen, f *fake) {
		s.press("ctrl+k")
		s.type_("carol\r")
		s.press("up")
		s.type_(" at one")
		s.press("ctrl+k")
		s.type_("bob\r")
		s.press("pgup", "pgup", "pgup", "alt+m")
		s.type_("r")
		s.type_("half a thou")
		s.pass(keepAfter)
		place := s.text()
		saves := f.saves
		s.pass(time.Minute)
		if f.saves != saves {
			t.Error("what has not changed is written down again")
		}
		s.kill()
		s = start(t, setting{width: 60, height: 20}, f)
		s.press("ctrl+k")
		s.type_("bob\r")
		s.shows("❯ half a thou", "gives up")
		if words(s.text()) != words(place) {
			t.Errorf("the reader is elsewhere than\n%s\nat\n%s", place, s.text())
		}
		s.press("ctrl+k")
		s.type_("carol\r")
		s.shows("editing lunch?", "❯ lunch? at one")
		s.press("enter")
		s.shows("lunch? at one (edited)")
		s.press("ctrl+c", "ctrl+c")
		<-s.done
		if v, there := f.views["carol"]; there {
			t.Errorf("what was sent is kept: %+v", v)
		}
		s.kill()
	})
}

// words are the lines of a conversation.
func words(text string) (found string) {
	for l := range strings.Lines(text) {
		if i := strings.Index(l, "line "); i >= 0 {
			found += l[i:]
		}
	}
	return found
}

// TestEditOfWhatDisappears: its words are nowhere then, in a draft of another
// conversation neither.
func TestEditOfWhatDisappears(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withTalk(f)
		f.knows("carol", client.Accepted)
		f.wrote("carol", "burn after reading", client.Delivered, "")
	}, func(s *screen, f *fake) {
		s.press("alt+2", "up")
		s.shows("❯ burn after reading")
		s.press("alt+1", "up")
		s.shows("❯ yes")
		f.vanishes(4)
		f.vanishes(2)
		s.wait()
		s.hides("❯ yes", "editing")
		s.pass(keepAfter)
		s.press("alt+2")
		s.hides("burn after")
		if v := f.views["carol"]; v.Draft != "" {
			t.Errorf("kept is %q", v.Draft)
		}
	})
}
