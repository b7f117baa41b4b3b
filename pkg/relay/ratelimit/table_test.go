package ratelimit

import (
	"strings"
	"testing"
)

func TestFileOfDefaults(t *testing.T) {
	file := Format(Default())
	t.Logf("\n%s", file)
	l, err := Parse(file)
	if err != nil || l != Default() {
		t.Fatalf("what is printed reads back as %+v, %v", l, err)
	}
}

// page is the table of PROTOCOL.md.
func page() string {
	var b strings.Builder
	b.WriteString("| limit | by | what | default | above |\n| --- | --- | --- | --- | --- |\n")
	d := Default()
	for _, e := range entries {
		b.WriteString("| `" + e.name + "` | " + e.by + " | " + e.what + " | " + e.value(&d) + " | " + e.above + " |\n")
	}
	return b.String()
}

func TestPage(t *testing.T) { t.Log("\n" + page()) }
