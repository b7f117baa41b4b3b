// Command bench measures the relay beside what it cannot cost less than.
//
//	go run ./internal/bench [online|latency|offline|idle|scale|stalled|all] [flags]
//
// The relay is the real server: a process of its own with its own data, with
// nothing set but that there are no rates for a user (-args). The load is in
// this process, on the same machine and over loopback, so each takes processor
// time from the other: rates are of both together, and what a message costs is
// the server's processor time alone, user and system, from /proc on Linux (to
// 10 ms) and from ps elsewhere. Compare figures of one run; another machine, or
// the same at another hour, gives others.
//
// The floors are servers with gorilla's library and a map, without checks,
// storage, acks or receipts: one frame for a message where the relay has four.
// They run in the same way before the relay. "naive" decodes and encodes JSON
// and writes at once; "scan" looks at the head of a frame and writes all that
// has gathered for a recipient in one call; "direct" looks at the head, and the
// reader writes. Each message has 256 bytes of random data, 342 in base64, and
// the recipient acks each with a frame of its own.
//
// # What is measured
//
// online: pairs who write as fast as a bounded number of messages on the way
// (-windows) allows: to the sender's delivered receipt at the relay, to the
// recipient at a floor. The larger it is, the more gathers, for the floors as
// for the relay, and the less a message costs; so a ratio is of one window. The
// window of measurement begins at a tenth of the messages.
//
// latency: messages that leave by a timetable, whatever has arrived, at half of
// what online gives with the smallest window. The time counts from when a
// message should have left, so a stall of the load counts, too: "late" says how
// much of it is the load's own. Then ping-pong: one pair, one message on the
// way. The servers take turns, five for each, so that what else the machine
// does meets all of them.
//
// offline: messages for recipients that are away, to the sender's stored
// receipt; beside them the store alone in this process, with as many writers.
// Then the recipients log in, all at once: drained is from their first dial
// until they have every message, receipted until the senders know. The time of
// the logins is in both.
//
// idle: resident memory of the server before and after people have logged in
// who then only answer pings, for each of them. The accounts were made by a
// process before, and one is connected first. The kernel's memory for sockets
// is not in it.
//
// scale: online again while others are connected and idle; and online and
// offline before and after a million messages of others are put in the store,
// with a restart between.
//
// stalled: several senders write to one recipient that reads nothing. The peak
// of the server's memory, and what the senders have heard: no message may be
// without an answer.
//
// # What it is not
//
// No network, no other machine, and no clients that seal and store. Whether a
// message is lost when something fails is for internal/soak; here nothing fails,
// and a recipient that misses a message, or gets one out of order, ends the run.
// What comes again is acked and told ("again"), as is what had to be stored for
// a recipient that was there ("stored").
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// config is what the flags say.
type config struct {
	pairs    int
	messages int   // of one window
	size     int   // of the sealed data, before base64
	windows  []int // messages of a pair that are on the way
	span     time.Duration
	limit    time.Duration
	server   string // binary
	args     string // further arguments of it

	connections []int         // for scale
	waiting     int           // messages in the store, for scale
	idle        int           // connections
	settle      time.Duration // for the memory of idle connections
	rounds      int           // of ping-pong
	rate        float64       // messages/s for latency, 0 for half load
	bytes       int64         // to a stalled recipient
	stall       time.Duration // how long it stays
}

// bench is one run of the program.
type bench struct {
	config
	dir     string // for all that is written; removed at the end
	out     io.Writer
	started int // processes
}

// maxWindow is what the buffers of the sockets hold for certain: at a floor a
// recipient's reader sends what may follow, and must not wait for itself.
const maxWindow = 128

// relayName is the process that is measured; all others are floors.
const relayName = "relay"

var modes = []struct {
	name string
	run  func(*bench, context.Context) error
}{
	{"online", (*bench).online},
	{"latency", (*bench).latency},
	{"offline", (*bench).offline},
	{"idle", (*bench).idleConnections},
	{"scale", (*bench).scale},
	{"stalled", (*bench).stalled},
}

func main() {
	if err := command(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(args []string, out io.Writer) error {
	if len(args) > 1 && args[0] == floorCommand {
		return serveFloor(args[1], len(args) > 2)
	}
	what := "all"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		what, args = args[0], args[1:]
	}
	c, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, what, c, out)
}

func parse(args []string) (c config, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&c.pairs, "pairs", 50, "senders, each with a recipient of its own")
	flags.IntVar(&c.messages, "messages", 500_000, "messages of one measured window, at most")
	flags.IntVar(&c.size, "size", 256, "bytes of sealed data in a message, before base64")
	c.windows, c.connections = []int{4, 64}, []int{100, 1000, 10_000}
	flags.Func("windows", "messages that a sender has on the way, for online; the last one for all else (default 4,64)", numbers(&c.windows))
	flags.Func("connections", "numbers of connections for scale (default 100,1000,10000)", numbers(&c.connections))
	flags.IntVar(&c.idle, "idle", 10_000, "idle connections")
	flags.IntVar(&c.waiting, "waiting", 1_000_000, "messages that wait in the store for scale")
	flags.Float64Var(&c.rate, "rate", 0, "messages a second for latency (default: half of what online gives with the first of -windows)")
	flags.Int64Var(&c.bytes, "bytes", 1<<30, "sealed bytes that are sent to a recipient that has stopped reading")
	flags.IntVar(&c.rounds, "rounds", 20_000, "round trips of ping-pong")
	flags.DurationVar(&c.settle, "settle", 30*time.Second, "how long the memory of idle connections has to become steady")
	flags.DurationVar(&c.stall, "stall", time.Minute, "how long a stalled recipient stays connected after the last message")
	flags.DurationVar(&c.span, "span", 10*time.Second, "the longest that one measured window may take")
	flags.DurationVar(&c.limit, "limit", 30*time.Minute, "the longest that the run may take")
	flags.StringVar(&c.server, "server", "", "a server binary (default: the present source, built)")
	flags.StringVar(&c.args, "args", withoutRates, "further arguments of server serve")
	flags.SetOutput(io.Discard) // the caller says what is wrong
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(os.Stderr)
			flags.Usage()
		}
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("%q is no flag: what to measure comes first", flags.Arg(0))
	}
	if min(c.pairs, c.messages, c.size, c.idle, c.waiting, c.rounds) < 1 || c.bytes < 1 || c.rate < 0 {
		return c, errors.New("counts and sizes begin at 1")
	}
	if slices.Max(c.windows) > maxWindow {
		return c, fmt.Errorf("-windows are at most %d", maxWindow)
	}
	return c, nil
}

func run(ctx context.Context, what string, c config, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.limit, errors.New("the time of -limit is over"))
	defer cancel()
	b := &bench{config: c, out: out}
	if b.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	known := false
	for _, m := range modes {
		if what != m.name && what != "all" {
			continue
		}
		known = true
		if err := m.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if !known {
		return fmt.Errorf("there is no mode %q", what)
	}
	return nil
}

// table writes rows with their title above and the first row as heads.
func (b *bench) table(title string, rows [][]string) error {
	fmt.Fprintf(b.out, "\n%s\n", title)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		for _, cell := range row {
			fmt.Fprintf(w, "%s\t", cell)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// window is the number of messages on the way where only one is tried.
func (c config) window() int { return c.windows[len(c.windows)-1] }

// numbers reads a flag of numbers with commas between.
func numbers(into *[]int) func(string) error {
	return func(text string) error {
		*into = nil
		for part := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(part)
			if err != nil || n < 1 {
				return fmt.Errorf("%q is no number of them", part)
			}
			*into = append(*into, n)
		}
		return nil
	}
}
