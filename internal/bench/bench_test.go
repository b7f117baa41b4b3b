package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is a floor where the program under test starts itself as one, and
// nothing else, whatever it is started as.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		if err := command(os.Args[1:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// tiny is every mode as small as it can be.
func tiny(t *testing.T) config {
	t.Helper()
	c, err := parse([]string{
		"-pairs", "2", "-messages", "200", "-windows", "8", "-span", "1s", "-limit", "1m", "-rounds", "50",
		"-idle", "20", "-settle", "0s", "-connections", "4,20", "-waiting", "3000", "-bytes", "2000000", "-stall", "0s",
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func buildServer(t *testing.T) (path string) {
	t.Helper()
	b := &bench{dir: t.TempDir()}
	if err := b.buildServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b.server
}

// TestModes runs each mode, tiny, with the real server.
func TestModes(t *testing.T) {
	server := buildServer(t)
	for mode, want := range map[string][]string{
		"online":  {`naive .* \d+ `, `scan \(TLS\) .* \d+ `, `relay .* \d+ `, `relay \(TLS\) .* \d+ `},
		"latency": {`scan .* \d+\.\d{3} `, `relay .* 200 `, `direct .* 45$`, `relay .* 45$`},
		"offline": {`the store alone, 1 .* 200$`, `the store alone, 8 .* 200$`, `stored .* \d+ `, `drained \(TLS\) .* 200 `, `and receipted .* 200 `},
		"idle":    {`no TLS .* 20$`, `TLS .* 20$`},
		"scale":   {`^ *4 .* \d+ `, `^ *20 .* \d+ `, `drained, 3000 waiting .* 200 `},
		"stalled": {`stored \d+.*; no message without one`},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			c := tiny(t)
			c.server = server
			if mode == "latency" {
				c.rate = 500 // on a busy machine nothing arrives in a window as small as this
			}
			var out bytes.Buffer
			if err := run(t.Context(), mode, c, &out); err != nil {
				t.Fatalf("%v\n%s", err, out.Bytes())
			}
			for _, line := range want {
				if !regexp.MustCompile("(?m)" + line).Match(trimLines(out.Bytes())) {
					t.Errorf("no line like %q in\n%s", line, out.Bytes())
				}
			}
			if mode == "stalled" {
				checkAnswers(t, out.String(), 4*(2_000_000/stalledSize/stalledSenders))
			}
		})
	}
}

// trimLines takes the padding from the ends of lines.
func trimLines(text []byte) []byte {
	return regexp.MustCompile(`(?m) +$`).ReplaceAll(text, nil)
}

// checkAnswers adds up what the senders have heard.
func checkAnswers(t *testing.T, out string, want int) {
	t.Helper()
	_, line, _ := strings.Cut(out, "answers:")
	line, _, _ = strings.Cut(line, ";")
	sum := 0
	for _, word := range strings.Fields(line) {
		if n, err := strconv.Atoi(word); err == nil {
			sum += n
		}
	}
	if sum != want {
		t.Errorf("%d answers for %d messages in %q", sum, want, line)
	}
}

func TestRefusals(t *testing.T) {
	server := buildServer(t)
	late := tiny(t)
	late.limit = time.Nanosecond
	for name, try := range map[string]func() error{
		"an unknown mode": func() error { return run(t.Context(), "nothing", tiny(t), new(bytes.Buffer)) },
		"no time left":    func() error { return run(t.Context(), "latency", late, new(bytes.Buffer)) },
		"a server that does not start": func() error {
			c := tiny(t)
			c.server, c.args = server, "--no-such-flag"
			return run(t.Context(), "stalled", c, new(bytes.Buffer))
		},
		"no number":           func() error { _, err := parse([]string{"-windows", "4,x"}); return err },
		"too much on the way": func() error { _, err := parse([]string{"-windows", "4,1000"}); return err },
		"no pairs":            func() error { _, err := parse([]string{"-pairs", "0"}); return err },
	} {
		if err := try(); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
