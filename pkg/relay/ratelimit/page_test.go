package ratelimit

import (
	"os"
	"strings"
	"testing"
)

// The page has every limit with its default.
func TestDocumentHasEveryLimit(t *testing.T) {
	page, err := os.ReadFile("../../protocol/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n### Limits of this relay\n")
	if !ok {
		t.Fatal("there is no such section")
	}
	section, _, _ = strings.Cut(section, "\n#")
	var rows []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `") {
			rows = append(rows, strings.TrimSpace(line))
		}
	}
	defaults := Default()
	for i, e := range entries {
		want := "| `" + e.name + "` | " + e.by + " | " + e.what + " | " + e.value(&defaults) + " | " + e.above + " |"
		if i >= len(rows) || rows[i] != want {
			t.Errorf("row %d of the page has to be\n%s", i+1, want)
		}
	}
	if len(rows) > len(entries) {
		t.Errorf("the page has %d limits, and there are %d", len(rows), len(entries))
	}
}
