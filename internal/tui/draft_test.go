package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

func (f *fake) view(name string) client.View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.views[name]
}

// keepsNothing has SetView fail.
func (f *fake) keepsNothing(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.viewless = err
}

// leave quits without clearing what is written.
func (s *screen) leave() {
	s.press("ctrl+p")
	s.type_("/quit\r")
}

var errFull = &client.Error{Code: client.CodeStorage, Text: "The disk is full."}

// TestDraftsSurviveACrash: what was written is on disk a second later, however
// fast the user goes on.
func TestDraftsSurviveACrash(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		for range 40 { // 150 ms each
			s.type_("x")
		}
		if n := len(f.view("bob").Draft); n < 30 {
			t.Errorf("%d of 40 letters are on disk", n)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.saves > 6 {
			t.Errorf("written %d times in 6 s", f.saves)
		}
	})
}

// TestSlowDiskKeepsTheLatest: however long the disk takes, what was written
// last stays, and leaving waits for it.
func TestSlowDiskKeepsTheLatest(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		f.pen = make(chan struct{})
		s.type_("first")
		s.pass(3 * time.Second)
		s.type_(" and last")
		s.pass(3 * time.Second)
		s.leave()
		s.wait()
		if s.over() {
			t.Fatal("left without what was written")
		}
		f.pen <- struct{}{}
		s.wait()
		f.pen <- struct{}{}
		<-s.done
		if v := f.view("bob"); v.Draft != "first and last" {
			t.Errorf("on disk is %q", v.Draft)
		}
		s.kill()
	})
}

// TestFullDisk: the user is told once, what could not be written down is tried
// again, and whoever leaves all the same has been warned.
func TestFullDisk(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		f.keepsNothing(errFull)
		s.type_("precious")
		s.pass(keepAfter)
		s.shows("could not be put on disk. The disk is full.")
		s.pass(wordFor + time.Second)
		s.hides("could not be put on disk")
		f.keepsNothing(nil)
		s.pass(reopenAfter)
		if v := f.view("bob"); v.Draft != "precious" {
			t.Errorf("on disk is %q", v.Draft)
		}
		f.keepsNothing(errFull)
		s.type_("!")
		s.leave()
		s.wait()
		s.shows("❯ precious!", "Quit again to leave without it.")
		s.leave()
		<-s.done
		s.kill()
	})
}

// TestQuitWhileLost: an account that does not answer cannot keep what is
// written, and nobody is told that it will.
func TestQuitWhileLost(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.type_("kept")
		s.pass(keepAfter)
		f.fails(errors.New("gone"))
		s.wait()
		s.type_(" and not")
		s.leave()
		s.wait()
		s.shows("cannot be put on disk at the moment")
		f.fails(nil)
		s.pass(reopenAfter + keepAfter)
		if v := f.view("bob"); v.Draft != "kept and not" {
			t.Errorf("on disk is %q", v.Draft)
		}
		f.fails(errors.New("gone again"))
		s.wait()
		s.type_(", ever")
		s.leave()
		s.leave()
		<-s.done
		s.kill()
	})
}

// TestTooLongToKeep: what is longer than any message is kept as far as there is
// room for it.
func TestTooLongToKeep(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.paste(strings.Repeat("ä", maxPaste/2-1))
		s.paste("words")
		s.shows("A message takes 32 KiB.")
		s.type_("zööö")
		s.pass(2 * keepAfter)
		if v := f.view("bob"); len(v.Draft) > 2*client.MaxText || len(v.Draft) < 2*client.MaxText-2 {
			t.Errorf("%d bytes are on disk", len(v.Draft))
		}
	})
}

// TestWrittenBeforeTheAccountAnswers: it joins the draft that was there.
func TestWrittenBeforeTheAccountAnswers(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withTalk(f)
		f.views["bob"] = client.View{Contact: "bob", Draft: "half a "}
		f.failing = errors.New("not yet")
	}, func(s *screen, f *fake) {
		s.type_("sentence")
		f.fails(nil)
		s.pass(reopenAfter)
		s.shows("❯ half a sentence")
	})
}
