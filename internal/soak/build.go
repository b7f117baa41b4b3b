package main

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"secure-messaging/internal/overlay"
)

//go:embed testdata/forgetful.go.txt
var forgetfulDisk string

// forgetful puts the store on a disk that is slow to sync, and from which
// SIGKILL takes what was not synced.
var forgetful = []overlay.Edit{
	{"internal/relaystore/forgetful.go", "", forgetfulDisk},
	{"internal/relaystore/store.go", "s.fs = vfs.Default\n", "s.fs = forgetfulFS{vfs.Default}\n"},
}

// broken are the faults that can be built into the relay.
var broken = map[string][]overlay.Edit{
	"none": nil,
	// Stored is said before the fsync. On a disk that forgets, a crash then
	// loses what was promised.
	"acks-before-sync": {
		{"internal/relaystore/mailbox.go", "func() error { return s.reached(g.durable) }", "func() error { return nil }"},
	},
	// Of a device that logs in again while its first connection is half-open,
	// what is in flight is thrown away.
	"drops-at-takeover": {
		{"pkg/relay/flight.go", "	appended, err := r.mailboxes.Append(r.ctx, ds)\n", `
	appended, err := Appended{Seqs: make([]uint64, len(ds)), Wait: func() error { return nil }}, error(nil)
	for i := range ds {
		appended.Seqs[i] = 1
	}
	if c.why != closeTakenOver {
		appended, err = r.mailboxes.Append(r.ctx, ds)
	}
`},
	},
}

func breakages(broken map[string][]overlay.Edit) []string {
	names := slices.Sorted(maps.Keys(broken))
	return slices.DeleteFunc(names, func(n string) bool { return n == "none" })
}

func known(breakage string, broken map[string][]overlay.Edit) error {
	if _, ok := broken[breakage]; !ok {
		return fmt.Errorf("-break is none, %s, not %q", strings.Join(breakages(broken), " or "), breakage)
	}
	return nil
}

// build makes a command of this module, with edits.
func build(ctx context.Context, command, dir string, edits []overlay.Edit) (binary string, err error) {
	binary = filepath.Join(dir, command)
	args := []string{"build", "-o", binary}
	if len(edits) > 0 {
		root, err := overlay.Root()
		if err != nil {
			return "", err
		}
		file, err := overlay.Write(root, dir, edits)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", file)
	}
	out, err := exec.CommandContext(ctx, "go", append(args, "secure-messaging/cmd/"+command)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	return binary, nil
}

// buildOld builds the relay as it was at another revision.
func buildOld(ctx context.Context, revision, dir string) (binary string, err error) {
	root, err := overlay.Root()
	if err != nil {
		return "", err
	}
	tree := filepath.Join(dir, "old")
	checkout := exec.CommandContext(ctx, "git", "-C", root, "worktree", "add", "--detach", "--force", tree, revision)
	if out, err := checkout.CombinedOutput(); err != nil {
		return "", fmt.Errorf("check out %s: %w\n%s", revision, err, out)
	}
	defer exec.Command("git", "-C", root, "worktree", "remove", "--force", tree).Run()
	binary = filepath.Join(dir, "server-old")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/server")
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the relay of %s: %w\n%s", revision, err, out)
	}
	return binary, nil
}
