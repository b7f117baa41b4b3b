// Command mutants breaks the end-to-end protocol in one place after the other
// and tells which test notices. A change that none notices makes it fail: then
// either a test is missing or the line that was changed is not needed.
//
//	go run ./internal/mutants [-only WORD]
//
// The tree is never changed: each mutant is an overlay of the go command. Tests
// against the test vectors notice nearly every change of a derivation and are
// left out, so that what the table shows is an attack that succeeds.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

const (
	// limit bounds the tests of one mutant; those that hang are none that
	// notice.
	limit = 3 * time.Minute
	// atOnce bounds how many mutants are tested at the same time.
	atOnce = 2
)

func main() {
	only := flag.String("only", "", "try only the mutants whose name has this in it")
	flag.Parse()
	if err := run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(only string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var chosen []mutant
	for _, m := range mutants {
		if strings.Contains(m.name, only) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no mutant has %q in its name", only)
	}
	results := make([]error, len(chosen))
	caught := make([]string, len(chosen))
	var wg sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i, m := range chosen {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			caught[i], results[i] = m.test(root, filepath.Join(dir, fmt.Sprint(i)))
			fmt.Fprint(os.Stderr, ".")
		})
	}
	wg.Wait()
	fmt.Fprintln(os.Stderr)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MUTANT\tCAUGHT BY")
	for i, m := range chosen {
		if results[i] != nil {
			caught[i] = "- " + results[i].Error()
		}
		fmt.Fprintf(table, "%s\t%s\n", m.name, caught[i])
	}
	return errors.Join(table.Flush(), failed(results))
}

func failed(results []error) error {
	n := 0
	for _, err := range results {
		if err != nil {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d were not caught by a test", n, len(results))
	}
	return nil
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("run it inside the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// overlay writes the changed files into dir and returns what the go command
// calls an overlay.
func (m mutant) overlay(root, dir string) (file string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	changed, err := m.apply(root)
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

// apply gives the text of each file after the edits.
func (m mutant) apply(root string) (map[string]string, error) {
	changed := map[string]string{}
	for _, e := range m.edits {
		text, ok := changed[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file)))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s has %d times: %s", e.file, n, e.old)
		}
		changed[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return changed, nil
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// test runs the tests over a mutant and returns the name of the first that
// fails.
func (m mutant) test(root, dir string) (string, error) {
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit+time.Minute)
	defer cancel()
	args := []string{"test", "-overlay", overlay, "-count=1", "-failfast", "-vet=off", "-p=1", "-skip=Vectors", "-timeout", limit.String()}
	if m.run != "" {
		args = append(args, "-run", m.run)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, m.packages...)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	switch found := failedTest.FindSubmatch(out); {
	case err == nil:
		return "", errors.New("it survives")
	case found == nil:
		return "", fmt.Errorf("no test has failed, but go test: %s", lastLines(out))
	default:
		return string(found[1]), nil
	}
}

// lastLines is the end of what go test has said, in one line.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " | ")
}
