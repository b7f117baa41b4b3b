package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
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

// watch shows the numbers until ctrl-c, each time in the place of the last, and
// leaves the last behind. A relay that is started again is waited for.
func watch(cmd *cobra.Command, client *relayadmin.Client, now relayadmin.Stats) error {
	out := cmd.OutOrStdout()
	page, err := statsPage(now, nil)
	if err != nil {
		return err
	}
	tick := time.NewTicker(statsEvery)
	defer tick.Stop()
	fmt.Fprint(out, ansi.SetModeAltScreenSaveCursor+ansi.HideCursor)
	defer func() { fmt.Fprint(out, ansi.ShowCursor+ansi.ResetModeAltScreenSaveCursor, page) }()
	before, answered := now, true
	for {
		width, height := screen(os.Stdout)
		if _, err := fmt.Fprint(out, ansi.CursorHomePosition+clip(page, width, height)+ansi.EraseScreenBelow); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return nil
		}
		now, err := client.Stats(cmd.Context())
		switch {
		case cmd.Context().Err() != nil:
			return nil
		case err != nil:
			page, answered = fmt.Sprintf("%v\nIt is asked every second; ctrl-c ends this.\n", err), false
			continue
		case !answered || !now.Relay.Began.Equal(before.Relay.Began):
			page, err = statsPage(now, nil)
		default:
			page, err = statsPage(now, &before)
		}
		if err != nil {
			return err
		}
		before, answered = now, true
	}
}

func statsPage(now relayadmin.Stats, before *relayadmin.Stats) (string, error) {
	var page strings.Builder
	err := printStats(&page, now, before)
	return page.String(), err
}

// screen is how large a terminal is.
func screen(f *os.File) (width, height int) {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width == 0 || height == 0 {
		return 80, 24 // it does not say
	}
	return width, height
}

// clip cuts a page to a terminal, and each line wipes what stood there.
func clip(page string, width, height int) string {
	lines := strings.Split(strings.TrimSuffix(page, "\n"), "\n")
	lines = lines[:min(len(lines), height)]
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, width, "") + ansi.EraseLineRight
	}
	return strings.Join(lines, "\r\n")
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
