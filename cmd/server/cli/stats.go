package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"secure-messaging/internal/relayadmin"
	"secure-messaging/pkg/relay"
)

// statsEvery is how often a terminal shows new numbers.
const statsEvery = time.Second

func newStats() *cobra.Command {
	var o operator
	var onceOnly bool
	cmd := &cobra.Command{
		Use: "stats", Short: "Show what the running relay does", Args: cobra.NoArgs,
		Long: `Show at a glance who is connected, what is said, what waits and what is refused, by number and never
by name. In a terminal it is shown anew every second, until ctrl-c. For graphs there is
serve --metrics.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := o.call(cmd)
			if err != nil {
				return err
			}
			now, err := client.Stats(cmd.Context())
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if o.asJSON {
				return printJSON(out, now)
			}
			if onceOnly || !term.IsTerminal(int(os.Stdout.Fd())) {
				return printStats(out, now, nil)
			}
			return watch(cmd, client, now)
		},
	}
	o.add(cmd)
	cmd.Flags().BoolVar(&onceOnly, "once", false, "in a terminal too, show it once")
	return cmd
}

// watch shows the numbers until ctrl-c, each time in the place of the last.
func watch(cmd *cobra.Command, client *relayadmin.Client, now relayadmin.Stats) error {
	tick := time.NewTicker(statsEvery)
	defer tick.Stop()
	var before *relayadmin.Stats
	for {
		var page strings.Builder
		if err := printStats(&page, now, before); err != nil {
			return err
		}
		text := strings.ReplaceAll(page.String(), "\n", "\x1b[K\n") // nothing of a longer line stays
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "\x1b[H\x1b[J%s", text); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return nil
		}
		last := now
		var err error
		if now, err = client.Stats(cmd.Context()); err != nil {
			if cmd.Context().Err() != nil {
				return nil
			}
			return err
		}
		before = &last
	}
}

// printStats prints the numbers, and how fast they grow since others.
func printStats(w io.Writer, s relayadmin.Stats, before *relayadmin.Stats) error {
	count := func(name relay.Counter) string {
		n := s.Counters[string(name)]
		if before == nil {
			return fmt.Sprint(n)
		}
		seconds := s.At.Sub(before.At).Seconds()
		return fmt.Sprintf("%d (%.0f/s)", n, float64(n-before.Counters[string(name)])/max(seconds, 0.001))
	}
	return table(w, func(row func(string, ...any)) {
		row("relay\t%s, up %s, registration %s", s.Relay.URL, s.At.Sub(s.Relay.Began).Round(time.Second), s.Relay.Registration)
		row("connected\t%d, %d not logged in, %d HTTP", s.Load.Connected, s.Load.Pending, s.Load.HTTP)
		row("messages\t%s handed on, %s stored, %s delivered", count(relay.CountHanded), count(relay.CountMessages), count(relay.CountReceipts))
		row("frames\t%s in, %s out", count(relay.CountFramesIn), count(relay.CountFramesOut))
		row("waiting\t%d, %s of at most %s", s.Held.Entries, size(s.Held.Bytes), size(s.Held.MaxBytes))
		row("files\t%s of at most %s", size(s.Held.Files), size(s.Held.MaxFiles))
		row("disk\t%s free, %s of tables and logs", size(s.Held.DiskFree), size(s.Held.DiskUsage))
		row("refused\t%s", reasons(s.Counters, "refused_"))
		row("given up\t%s", reasons(s.Counters, "dropped_"))
		row("store errors\t%s", count(relay.CountStoreErrors))
		row("memory\t%s, %d goroutines", size(s.Heap), s.Goroutines)
	})
}

// reasons lists the counters that begin with a prefix and are not 0.
func reasons(counters map[string]uint64, prefix string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		if reason, ok := strings.CutPrefix(name, prefix); ok && counters[name] > 0 {
			list = append(list, fmt.Sprintf("%s %d", reason, counters[name]))
		}
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// size writes a number of bytes for people.
func size[N int64 | uint64](n N) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n), -1
	for f >= unit && i < 4 {
		f /= unit
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[i])
}
