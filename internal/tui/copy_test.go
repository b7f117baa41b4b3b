package tui

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

func TestCopy(t *testing.T) {
	text := "a line that is so long that it has to be wrapped on every screen of this size, and then a second:\n\n\tindented  with  blanks"
	inBubble(t, setting{width: 60, height: 20}, func(f *fake) {
		withBob(f)
		f.wrote("bob", text, client.Delivered, "")
	}, func(s *screen, f *fake) {
		s.press("alt+m")
		s.type_("y")
		s.shows("Copied")
		s.mu.Lock()
		defer s.mu.Unlock()
		want := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(text, "\t", "    ")))
		if !strings.Contains(s.raw.String(), want) {
			t.Error("the clipboard did not get the text as it was written")
		}
	})
}

// copied is what the clipboard was last given, as far as the terminal knows.
func (s *screen) copied() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := s.raw.String()
	_, last, _ := strings.Cut(raw[strings.LastIndex(raw, "\x1b]52;c;"):], "\x1b]52;c;")
	last, _, _ = strings.Cut(last, "\a")
	text, err := base64.StdEncoding.DecodeString(last)
	if err != nil {
		s.t.Error(err)
	}
	return string(text)
}

func TestCopyParts(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		withBob(f)
		read(f, f.says("bob", "run this:\n```sh\nmake all\n\tmake clean\n```\nsee https://a.example/1 and (https://b.example/2)"))
		read(f, f.says("bob", "plain"))
	}, func(s *screen, f *fake) {
		s.press("alt+m")
		s.hides("c copy code", "o copy link")
		s.type_("c")
		s.shows("There is no code in it")
		s.type_("o")
		s.shows("There is no link in it")
		s.press("esc", "alt+m", "up")
		s.pass(wordFor + time.Second)
		s.shows("c copy code", "o copy link")
		for _, want := range []string{"https://a.example/1", "https://b.example/2", "https://a.example/1"} {
			s.type_("o")
			if got := s.copied(); got != want {
				t.Errorf("copied %q, want %q", got, want)
			}
		}
		s.shows("Copied https://a.example/1 (1 of 2)")
		s.type_("c")
		if got, want := s.copied(), "make all\n    make clean"; got != want {
			t.Errorf("copied %q, want %q", got, want)
		}
	})
}

// TestSlashStays: words that begin with a slash stay words when they are edited
// or come back, and never become a command.
func TestSlashStays(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.type_("//quit\r")
		s.press("up")
		s.shows("❯ //quit")
		s.type_(" is how to leave\r")
		s.shows("/quit is how to leave (edited)")
		f.refuse = &client.Error{Code: client.CodeStorage, Text: "The disk is full."}
		s.type_("//help\r")
		s.shows("❯ //help", "The disk is full.")
		f.refuse = nil
		s.press("enter")
		f.sent(t, "yes", "/quit is how to leave", "/help")
	})
}
