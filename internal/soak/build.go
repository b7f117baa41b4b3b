package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// edit replaces a text that stands in a file exactly once.
type edit struct{ file, old, new string }

const (
	storeFile = "internal/relaystore/store.go"
	diskFile  = "internal/relaystore/forgetful.go" // not in the tree
)

//go:embed testdata/forgetful.go.txt
var forgetfulDisk string

// forgetful puts the store on a disk that is slow to sync, and from which
// SIGKILL takes what was not synced.
var forgetful = []edit{
	{storeFile, "s.fs = vfs.Default\n", "s.fs = forgetfulFS{vfs.Default}\n"},
}

// broken are the faults that can be built into the relay.
var broken = map[string][]edit{
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

func breakages() []string {
	names := slices.Sorted(maps.Keys(broken))
	return slices.DeleteFunc(names, func(n string) bool { return n == "none" })
}

func known(breakage string) error {
	if _, ok := broken[breakage]; !ok {
		return fmt.Errorf("-break is none, %s, not %q", strings.Join(breakages(), " or "), breakage)
	}
	return nil
}

// build makes a command of this module, with edits.
func build(ctx context.Context, command, dir string, edits []edit) (binary string, err error) {
	binary = filepath.Join(dir, command)
	args := []string{"build", "-o", binary}
	if len(edits) > 0 {
		file, err := overlay(dir, edits)
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

// overlay writes what the go command calls an overlay: the tree is never
// changed.
func overlay(dir string, edits []edit) (file string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	changed, err := apply(root, edits)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for path, text := range changed {
		to := filepath.Join(dir, strings.ReplaceAll(path, "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(path))] = to
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, b, 0o600)
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("run it inside the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// apply gives the text of each file after the edits. The disk comes with
// those that need it.
func apply(root string, edits []edit) (map[string]string, error) {
	changed := map[string]string{}
	for _, e := range edits {
		text, ok := changed[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file)))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s has %d times, not once: %s", e.file, n, e.old)
		}
		if changed[e.file] = strings.Replace(text, e.old, e.new, 1); strings.Contains(e.new, "forgetfulFS") {
			changed[diskFile] = forgetfulDisk
		}
	}
	return changed, nil
}
