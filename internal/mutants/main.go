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

	"secure-messaging/internal/overlay"
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
	root, err := overlay.Root()
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

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// test runs the tests over a mutant and returns the name of the first that
// fails.
func (m mutant) test(root, dir string) (string, error) {
	file, err := overlay.Write(root, dir, m.edits)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit+time.Minute)
	defer cancel()
	args := []string{"test", "-overlay", file, "-count=1", "-failfast", "-vet=off", "-p=1", "-skip=Vectors", "-timeout", limit.String()}
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
