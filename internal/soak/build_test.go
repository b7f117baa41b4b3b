package main

import (
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// Each fault still finds its place, exactly once, and is still Go. Whether a run
// finds it, the command tells.
func TestFaultsFit(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for name, edits := range broken {
		if name != "none" && len(edits) == 0 {
			t.Errorf("%s breaks nothing", name)
		}
		changed, err := apply(root, slices.Concat(edits, forgetful))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if changed[diskFile] == "" {
			t.Errorf("%s: the disk is not there", name)
		}
		for path, text := range changed {
			if _, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestEditsFindTheirPlaceOnce(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"return", "no such text in there"} {
		if _, err := apply(root, []edit{{storeFile, old, "x"}}); err == nil {
			t.Errorf("%q is replaced", old)
		}
	}
}
