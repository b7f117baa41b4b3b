package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"secure-messaging/pkg/client"
)

// hostile is what somebody writes who wants the reader to see another line, or
// the terminal to obey.
var hostile = []string{
	"hi\n2026-01-01 00:00:00  bob: fake",
	"hi\r\nbob: fake\u2028bob: fake\u0085bob: fake\v\fbob: fake\rbob: fake",
	"hi" + strings.Repeat(" ", 300) + "bob                  contact    fake",
	"hi" + strings.Repeat("\u3000", 300) + "bob: fake",
	"hi" + strings.Repeat("\u2800", 300) + "bob: fake",
	strings.Repeat("👨\u200d👩\u200d👧\u200d👦", 40) + "bob: fake",
	strings.Repeat("x", 3000),
	"\x1b[2J\x1b]0;owned\x07\x1b]52;c;cm0=\x07\u009b31m\x9b31m\u202efake\u2066",
}

// Nothing that others write begins a line, whether by itself or because the
// terminal goes on in the next one.
func TestFold(t *testing.T) {
	for _, text := range hostile {
		var message, contact bytes.Buffer
		if err := printMessage(&message, client.Message{Type: client.TypeText, From: "mallory", Text: text, State: client.Received, At: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
		if err := printContact(&contact, client.Contact{Name: "mallory", State: client.Incoming, Note: text}); err != nil {
			t.Fatal(err)
		}
		for _, columns := range []int{0, 20, 80, 81, 200} {
			for _, printed := range []string{message.String(), contact.String()} {
				checkFold(t, strings.TrimSuffix(printed, "\n"), columns)
			}
		}
	}
}

func checkFold(t *testing.T, text string, columns int) {
	t.Helper()
	for i, line := range strings.Split(fold(text, columns), "\n") {
		if i > 0 && !strings.HasPrefix(line, "    ") {
			t.Errorf("%d columns, %.60q: a line begins with %.40q", columns, text, line)
		}
		if w := ansi.StringWidthWc(line); columns > 0 && w > columns {
			t.Errorf("%d columns, %.60q: a line has %d", columns, text, w)
		}
	}
}

// A line of JSON is one line, and a terminal that it is printed on obeys
// nothing in it.
func TestPrintJSON(t *testing.T) {
	for _, text := range hostile {
		var b bytes.Buffer
		if err := printJSON(&b, client.Message{Text: strings.ToValidUTF8(text, "")}); err != nil {
			t.Fatal(err)
		}
		line, ended := strings.CutSuffix(b.String(), "\n")
		if !ended {
			t.Errorf("%.40q: not ended", text)
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				t.Errorf("%.40q: %U is printed", text, r)
			}
		}
	}
}

// What did not arrive is told in the place where it belongs.
func TestPrintMissing(t *testing.T) {
	for text, want := range map[string]string{"1": "bob: [1 message had not arrived here]", "12": "bob: [12 messages had not arrived here]"} {
		var b bytes.Buffer
		if err := printMessage(&b, client.Message{Type: client.TypeMissing, From: "bob", Text: text, State: client.Received, At: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(b.String(), "  "+want+"\n") {
			t.Errorf("%q", b.String())
		}
	}
}

// TestDescribe: what was done to a message stands beside its words.
func TestDescribe(t *testing.T) {
	for want, m := range map[string]client.Message{
		"[to alice: deploy at ten?] yes [edited] [👍 alice]": {Type: client.TypeText, Text: "yes", Edited: true,
			Reply: &client.Quote{From: "alice", Text: "deploy\nat ten?"}, Reactions: []client.Reaction{{From: "alice", Emoji: "👍"}}},
		"[to alice: " + strings.Repeat("é", 40) + "…] yes": {Type: client.TypeText, Text: "yes", Reply: &client.Quote{From: "alice", Text: strings.Repeat("é", 41)}},
		"[deleted]":                   {Type: client.TypeText, Deleted: true},
		"[messages stay from now on]": {Type: client.TypeTimer, Text: "0"},
		"[messages disappear 3600 s after they are read, from now on]": {Type: client.TypeTimer, Text: "3600"},
	} {
		if got := describe(m); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
