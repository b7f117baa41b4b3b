package main

import (
	"testing"

	"secure-messaging/internal/overlay"
)

// Each mutant still finds its place. Whether a
// test notices it, the command tells.
func TestMutantsFit(t *testing.T) {
	root, err := overlay.Root()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range mutants {
		if names[m.name] || len(m.packages) == 0 || len(m.edits) == 0 {
			t.Errorf("%s: twice, without packages or without edits", m.name)
		}
		names[m.name] = true
		if _, err := overlay.Apply(root, m.edits); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}
