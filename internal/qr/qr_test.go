package qr

import (
	"strings"
	"testing"
	"unicode/utf8"

	"rsc.io/qr"
)

// safety has the length of a safety code.
var safety = "chat-safety:1:" + strings.Repeat("A", 43) + ":" + strings.Repeat("b", 43)

// modules reads a drawing back.
func modules(t *testing.T, lines []string) (black map[[2]int]bool, width int) {
	t.Helper()
	black, width = map[[2]int]bool{}, utf8.RuneCountInString(lines[0])
	for y, line := range lines {
		cells := []rune(line)
		if len(cells) != width {
			t.Errorf("line %d has %d cells, the first %d", y, len(cells), width)
		}
		for x, c := range cells {
			if !strings.ContainsRune(" ▀▄█", c) {
				t.Fatalf("%q in the drawing", c)
			}
			black[[2]int{x, 2 * y}] = c == '▀' || c == '█'
			black[[2]int{x, 2*y + 1}] = c == '▄' || c == '█'
		}
	}
	return black, width
}

func TestLines(t *testing.T) {
	for _, text := range []string{"", "1", safety, strings.Repeat("ü", 300)} {
		lines, err := Lines(text)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qr.Encode(text, qr.L)
		if err != nil {
			t.Fatal(err)
		}
		black, width := modules(t, lines)
		if width != code.Size+2*quiet || len(lines) != (width+1)/2 {
			t.Errorf("%.10q: %d by %d for a code of %d", text, width, len(lines), code.Size)
		}
		for at, is := range black { // outside of the code nothing is black
			if is != code.Black(at[0]-quiet, at[1]-quiet) {
				t.Errorf("%.10q: module %v is black: %v", text, at, is)
			}
		}
	}
}

// A safety code is one that a person can show in a terminal of 80 by 24.
func TestSize(t *testing.T) {
	lines, err := Lines(safety)
	if err != nil {
		t.Fatal(err)
	}
	if width := utf8.RuneCountInString(lines[0]); width > 45 || len(lines) > 23 {
		t.Errorf("%d by %d", width, len(lines))
	}
}

func TestTooLong(t *testing.T) {
	if lines, err := Lines(strings.Repeat("x", 3000)); err == nil {
		t.Errorf("%d lines", len(lines))
	}
}

// The upper left corner of a code, as it is drawn.
func TestDrawing(t *testing.T) {
	lines, err := Lines("chat")
	if err != nil {
		t.Fatal(err)
	}
	var corner []string
	for _, l := range lines[:5] {
		corner = append(corner, string([]rune(l)[:10])+"|")
	}
	want := strings.Join([]string{
		"          |",
		"  █▀▀▀▀▀█ |",
		"  █ ███ █ |",
		"  █ ▀▀▀ █ |",
		"  ▀▀▀▀▀▀▀ |",
	}, "\n")
	if got := strings.Join(corner, "\n"); got != want {
		t.Errorf("it is\n%s\nand not\n%s", got, want)
	}
}
