package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"secure-messaging/pkg/client"
)

var update = flag.Bool("update", false, "renew the golden screens")

// TestScreens compares whole screens: every state in every size, and on one
// size in every look, with its styles.
func TestScreens(t *testing.T) {
	states := []struct {
		name, scene string
		do          func(*screen, *fake)
	}{
		{"first run", "first", nil},
		{"request", "request", func(s *screen, _ *fake) { s.press("alt+r") }},
		{"talk", "talk", func(s *screen, _ *fake) { s.press("alt+1") }},
		{"chats", "chats", func(s *screen, f *fake) {
			s.press("alt+1")
			f.writes("bob")
		}},
		{"picked", "chats", func(s *screen, f *fake) { s.press("alt+1", "alt+m", "up") }},
		{"reply", "chats", func(s *screen, f *fake) {
			s.press("alt+1", "alt+m", "up")
			s.type_("r")
		}},
		{"react", "chats", func(s *screen, f *fake) {
			s.press("alt+1", "alt+m", "up")
			s.type_("e")
		}},
		{"unread", "talk", func(s *screen, f *fake) {
			s.press("alt+1", "blur")
			f.says("bob", "still there?")
		}},
		{"offline", "offline", func(s *screen, _ *fake) { s.press("alt+1") }},
		{"failed", "failed", func(s *screen, _ *fake) { s.press("alt+1") }},
		{"verify", "talk", func(s *screen, _ *fake) { s.press("alt+1", "alt+v") }},
		{"verified", "verified", func(s *screen, _ *fake) { s.press("alt+1", "alt+v") }},
		{"changed", "changed", func(s *screen, _ *fake) { s.press("alt+1") }},
		{"decide", "changed", func(s *screen, _ *fake) { s.press("alt+1", "alt+v") }},
		{"missing", "missing", func(s *screen, _ *fake) { s.press("alt+1") }},
		{"help", "talk", func(s *screen, _ *fake) { s.press("f1") }},
		{"search", "chats", func(s *screen, _ *fake) {
			s.press("ctrl+f")
			s.type_("the")
		}},
		{"hit", "chats", func(s *screen, _ *fake) {
			s.press("ctrl+f")
			s.type_("the")
			s.press("down", "enter")
		}},
		{"palette", "talk", func(s *screen, _ *fake) {
			s.press("ctrl+p")
			s.type_("re")
		}},
		{"jump", "talk", func(s *screen, _ *fake) { s.press("ctrl+k") }},
		{"group", "group", func(s *screen, _ *fake) { s.press("alt+1") }},
		{"members", "group", func(s *screen, _ *fake) {
			s.press("alt+1")
			s.type_("/group\r")
		}},
		{"scripts", "scripts", nil},
	}
	sizes := [][2]int{{40, 12}, {60, 20}, {100, 30}, {200, 60}}
	looks := []struct {
		name string
		set  setting
	}{
		{"dark", setting{}},
		{"light", setting{light: true}},
		{"nocolor", setting{Options: Options{NoColor: true}}},
		{"ascii", setting{Options: Options{ASCII: true}}},
	}
	for _, state := range states {
		for _, size := range sizes {
			for _, look := range looks {
				styled := size == [2]int{100, 30}
				if look.name != "dark" && !styled {
					continue
				}
				name := fmt.Sprintf("%s %dx%d %s", state.name, size[0], size[1], look.name)
				t.Run(name, func(t *testing.T) {
					set := look.set
					set.width, set.height = size[0], size[1]
					inBubble(t, set, scenes[state.scene], func(s *screen, f *fake) {
						if state.do != nil {
							state.do(s, f)
						}
						s.wait()
						got := s.text()
						if styled {
							got += "---\n" + s.styles()
						}
						golden(t, name, got)
					})
				})
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "screens", filepath.Base(filename(name))+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./internal/tui -update makes it)", err)
	}
	if got != string(want) {
		t.Errorf("the screen has changed (go test ./internal/tui -update renews it). It was\n%s\nand is\n%s", want, got)
	}
}

func filename(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == ' ' {
			b[i] = '-'
		}
	}
	return string(b)
}

func TestOtherKinds(t *testing.T) {
	inBubble(t, setting{width: 100, height: 24}, func(f *fake) {
		f.knows("bob", client.Accepted)
		f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeUnreadable})
		f.gets(client.Message{Contact: "bob", From: "bob", Type: "poll\x1b[31m"})
	}, func(s *screen, _ *fake) {
		s.shows("could not be opened", "does not know (poll)", "Update")
	})
}
