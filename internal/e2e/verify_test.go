//go:build unix

package e2e

import (
	"strings"
	"testing"
)

// finder is the upper edge of a corner of every QR code.
const finder = "█▀▀▀▀▀█"

// TestVerifyAtTerminal: whoever looks at a safety number is asked about it, and
// only a yes marks.
func TestVerifyAtTerminal(t *testing.T) {
	env, pass, chat := talking(t)
	_, number, _ := strings.Cut(chat("verify", "alice", "--as", "bob"), "number  ")
	shown := strings.Fields(number)

	for _, tt := range []struct {
		name   string
		args   []string
		cols   int
		answer string
		code   int
		trust  string
		drawn  bool
	}{
		{"interrupted", nil, 80, ctrlC, 130, "pinned", true},
		{"another", nil, 80, "no\r", 16, "pinned", true},
		{"narrow", nil, 40, "no\r", 16, "pinned", false},
		{"in ASCII", []string{"--ascii"}, 80, "no\r", 16, "pinned", false},
		{"the same", nil, 80, "maybe\ryes\r", 0, "verified", true},
	} {
		s := startScreen(t, env, tt.cols, 24, "chat", append(tt.args, "verify", "bob", "--as", "alice", "--passphrase-file", pass)...)
		s.until(append(shown, "Is it the same? [yes/no]")...)
		s.keys(tt.answer)
		if code := s.exit(); code != tt.code {
			t.Errorf("%s: exit code %d: %s", tt.name, code, s.output())
		}
		if drawn := strings.Contains(s.output(), finder); drawn != tt.drawn {
			t.Errorf("%s: the code is drawn: %v", tt.name, drawn)
		}
		if list := chat("contacts", "--json", "--as", "alice"); !strings.Contains(list, `"trust":"`+tt.trust+`"`) {
			t.Errorf("%s: %s", tt.name, list)
		}
	}

	// What is verified is shown, and nobody asks again.
	s := startScreen(t, env, 80, 24, "chat", "verify", "bob", "--as", "alice", "--passphrase-file", pass)
	if code := s.exit(); code != 0 || strings.Contains(s.output(), "[yes/no]") || !strings.Contains(s.output(), "you have compared") {
		t.Errorf("exit code %d: %s", code, s.output())
	}
}
