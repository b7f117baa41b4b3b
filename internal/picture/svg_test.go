package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/vt"
)

// TestDraw: the picture is well-formed whatever stands in the terminal, and has
// its words, its colours and its lines.
func TestDraw(t *testing.T) {
	e := vt.NewEmulator(40, 4)
	e.Write([]byte("\x1b[38;2;1;2;3ma <b> & \"c\"\x1b[m ]]>\r\n\x1b[7mturned\x1b[m 日本 ╭─╮"))
	svg := string(draw(e))
	var words strings.Builder
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if text, is := token.(xml.CharData); is {
			words.Write(text)
		}
	}
	for _, want := range []string{`a <b> & "c"`, "]]>", "turned", "日", "本"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("%q is not in the picture", want)
		}
	}
	if strings.Contains(words.String(), "─") {
		t.Error("a line is drawn as a letter")
	}
	for _, want := range []string{`fill="#010203"`, `fill="` + foreground + `"/>`, `stroke="` + foreground + `"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("nothing has %s", want)
		}
	}
}
