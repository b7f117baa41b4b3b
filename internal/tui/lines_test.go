package tui

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"a\n\nb\n", 10, []string{"a", "", "b", ""}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"    if x {\n        return\n    }", 20, []string{"    if x {", "        return", "    }"}},
		{"    abcdef", 6, []string{"    ab", "cdef"}},
		{"see https://example.org/a/b", 24, []string{"see", "https://example.org/a/b"}},
		{"run it --dry-run now", 10, []string{"run it", "--dry-run", "now"}},
		{"Donaudampfschiff", 6, []string{"Donaud", "ampfsc", "hiff"}},
		{"日本語テキスト", 5, []string{"日本", "語テ", "キス", "ト"}},
		{"go 日本語", 7, []string{"go 日本", "語"}},
		{"日", 1, []string{"日"}},
	} {
		var got []string
		for _, p := range wrap(ansi.GraphemeWidth, c.text, c.width) {
			got = append(got, c.text[p.from:p.to])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// TestWrapKeepsAll wraps random texts: nothing is lost but blanks, and
// nothing is wider than the page.
func TestWrapKeepsAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	letters := []string{"a", "b", "-", " ", " ", "\n", "日", "本", "é", "👍🏽", "👨\u200d👩\u200d👧", "/", "ش"}
	for range 5000 {
		var text strings.Builder
		for range rng.IntN(60) {
			text.WriteString(letters[rng.IntN(len(letters))])
		}
		width := 2 + rng.IntN(20)
		for _, cells := range []ansi.Method{ansi.WcWidth, ansi.GraphemeWidth} {
			var kept strings.Builder
			for _, p := range wrap(cells, text.String(), width) {
				line := text.String()[p.from:p.to]
				kept.WriteString(line)
				if cluster, _ := ansi.FirstGraphemeCluster(line, cells); cells.StringWidth(line) > width && cluster != line {
					t.Fatalf("%q is wider than %d", line, width)
				}
			}
			if got, want := without(kept.String()), without(text.String()); got != want {
				t.Fatalf("wrapping %q to %d lost something: %q", text.String(), width, kept.String())
			}
		}
	}
}

func without(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }

// TestLinks: what a link shows is where it leads, on each of its lines, and no
// text of others leads anywhere else.
func TestLinks(t *testing.T) {
	long := "https://a.example/" + strings.Repeat("long/", 30)
	inBubble(t, setting{width: 60, height: 40}, func(f *fake) {
		withBob(f)
		for _, text := range []string{
			"https://" + strings.Repeat("a", maxLink),
			"see " + long + " and mailto:bob@a.example.",
			"\x1b]8;;https://evil.example\x1b\\https://good.example\x1b]8;;\x1b\\",
			"\u202ehttps://moc.evil/\u202c",
			"javascript:x file:///etc/passwd ssh://a.example",
		} {
			read(f, f.says("bob", text))
		}
	}, func(s *screen, f *fake) {
		shown := map[string]string{}
		for y := range s.term.Height() {
			for x := range s.term.Width() {
				if c := s.term.CellAt(x, y); c != nil && c.Link.URL != "" {
					shown[c.Link.URL] += c.Content
				}
			}
		}
		for to, text := range shown {
			if text != to {
				t.Errorf("%q leads to %q", text, to)
			}
		}
		if shown[long] == "" || shown["mailto:bob@a.example"] == "" || len(shown) > 4 {
			t.Errorf("the links are %q", shown)
		}
	})
}

func TestSpans(t *testing.T) {
	for text, want := range map[string][]string{
		"plain":                                nil,
		"run `go test`, then":                  {"`go test`"},
		"a wiki (http://a.example/c_(d)) page": {"http://a.example/c_(d)"},
		"in brackets (http://a.example/c)":     {"http://a.example/c"},
		"see https://a.example/x?y=1.":         {"https://a.example/x?y=1"},
		"\"https://a.example\"":                {"https://a.example"},
		"**bold** and 2**3**4":                 {"**bold**", "**3**"},
		"http://ex\u00e4mple.org":              {"http://ex"},
		"javascript:alert(1)":                  nil,
		"mailto:bob@a.example, or bob@b.c":     {"mailto:bob@a.example"},
		"mailto:bob@a.example?body=x":          {"mailto:bob@a.example"},
		"*stress* and _this_":                  {"*stress*", "_this_"},
		"2*3*4, *args, **kwargs, 5 * 6 * 7":    nil,
		"snake_case_name __init__ _x_y":        nil,
		"**a *b* c**":                          {"*b*"},
		"so:\n```go\nx := `*a*`\n\n```\nyes":   {"```go\n", "x := `*a*`\n\n", "```\n"},
		"```\nnever closed":                    nil,
		"```\n```":                             {"```\n", "", "```"},
		"```\n`a` ```\n```b\n``` \n`c`":        {"```\n", "`a` ```\n```b\n", "``` \n", "`c`"},
		"```one line```":                       {"`one line`"},
	} {
		var got []string
		for _, s := range spans(text) {
			got = append(got, text[s.from:s.to])
		}
		if !slices.Equal(got, want) {
			t.Errorf("spans(%q) = %q, want %q", text, got, want)
		}
	}
}
