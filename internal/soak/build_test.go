package main

import (
	"maps"
	"slices"
	"testing"

	"secure-messaging/internal/overlay"
)

// Each fault still finds its place. Whether a run finds it, the command tells.
func TestFaultsFit(t *testing.T) {
	root, err := overlay.Root()
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(broken)
	maps.Copy(all, brokenBots)
	for name, edits := range all {
		if name != "none" && len(edits) == 0 {
			t.Errorf("%s breaks nothing", name)
		}
		if _, err := overlay.Apply(root, slices.Concat(edits, forgetful)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
