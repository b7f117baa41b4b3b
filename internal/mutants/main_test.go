package main

import (
	"go/parser"
	"go/token"
	"testing"
)

// Each mutant still finds its place, exactly once, and is still Go. Whether a
// test notices it, the command tells.
func TestMutantsFit(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range mutants {
		if names[m.name] || len(m.packages) == 0 || len(m.edits) == 0 {
			t.Errorf("%s: twice, without packages or without edits", m.name)
		}
		names[m.name] = true
		changed, err := m.apply(root)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		for path, text := range changed {
			if _, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	}
}
