// Command soak lets people write to each other through a real relay while
// processes are killed and the network fails, and checks that every message is
// with its recipient exactly once, in its sender's order.
//
//	go run ./internal/soak -pairs 20 -messages 200000 -kills 20
//
// The relay is the real server, and some of the people use the real chat; the
// others are processes of this program that own a profile like chat does.
// Between people and relay are two proxies that cut connections, hold them up
// and leave them half-open. Relay and people are ended with SIGKILL at random
// moments and started again on what they left; the relay is also ended with
// SIGTERM, and then has a limit to keep. Everything is on loopback, and the run
// is bounded by -limit.
//
// What every sender has heard and what every recipient was shown is kept by
// this process, which nobody kills. A message of which its sender has heard
// stored or delivered has to arrive even if the sender never comes back; at the
// end, with everything up, all have to.
//
// With -bots, there are one sender and one recipient instead, at whose account two
// bots listen: each has to handle every message, in order, whatever is killed.
//
//	go run ./internal/soak -bots -messages 10000 -kills 50
//
// With -from, the relay is at first that of another revision, and is upgraded on
// the way: the old one is drained, and the new one goes on with its data.
//
//	go run ./internal/soak -from v1.0 -messages 20000
//
// With -break, the relay is built with a fault in it, and the run has to find a
// message that is lost; with -bots it is chat, and one that a bot was
// never given, or is given for ever.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type config struct {
	pairs, chats int
	messages     int // in all
	kills        int
	limit        time.Duration
	seed         uint64
	tls          bool
	breakage     string
	bots         bool
	forgetful    bool
	calm         bool
	from         string
	dir          string
}

var errLimit = errors.New("the limit")

func main() {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if err := work(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	c, err := parse()
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = run(ctx, c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func parse() (c config, err error) {
	flag.IntVar(&c.pairs, "pairs", 4, "how many senders, and as many recipients")
	flag.IntVar(&c.chats, "chats", 1, "how many of each use the real chat")
	flag.IntVar(&c.messages, "messages", 2000, "messages in all")
	flag.IntVar(&c.kills, "kills", 4, "how often the relay is killed, and how often a sender or recipient")
	flag.DurationVar(&c.limit, "limit", 5*time.Minute, "the longest that the run may take")
	flag.Uint64Var(&c.seed, "seed", uint64(time.Now().UnixNano()), "of the random choices")
	flag.BoolVar(&c.bots, "bots", false, "two bots at chat listen, each killed as often as -kills says")
	flag.BoolVar(&c.tls, "tls", true, "speak TLS to the relay")
	flag.BoolVar(&c.calm, "calm", false, "no faults of the network")
	flag.BoolVar(&c.forgetful, "forgetful-disk", false, "the relay's disk is slow, and SIGKILL takes from it what was not synced; acks-before-sync implies it")
	flag.StringVar(&c.from, "from", "", "begin with the relay of this revision, and upgrade it to the present one in the first restart")
	flag.StringVar(&c.breakage, "break", "none", "none, "+strings.Join(breakages(broken), " or ")+": a fault to build into the relay; with -bots "+strings.Join(breakages(brokenBots), " or ")+": one to build into chat")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return c, errors.New("there are no arguments, only flags")
	case c.bots && (c.messages < 1 || c.kills < 0):
		return c, errors.New("bots take at least one message, and no negative number of kills")
	case c.bots:
		return c, known(c.breakage, brokenBots)
	case c.pairs < 2 || c.pairs > 100 || c.messages < c.pairs*fanOut || c.kills < 0:
		return c, fmt.Errorf("it takes 2 to 100 pairs, at least %d messages for each, and no negative number", fanOut)
	case c.chats < 0 || c.chats >= c.pairs:
		return c, errors.New("some pairs have to be left that do not use chat: they write fast")
	}
	return c, known(c.breakage, broken)
}

// run makes the place, the programs and the people, and lets them go.
func run(ctx context.Context, c config) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.limit, fmt.Errorf("%w of %v is over", errLimit, c.limit))
	defer cancel()
	if c.dir, err = os.MkdirTemp("", "soak-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	for _, name := range []string{"XDG_DATA_HOME", "XDG_STATE_HOME"} { // where profiles are, for all our processes
		if err := os.Setenv(name, c.dir); err != nil {
			return err
		}
	}
	if c.bots {
		fmt.Printf("seed %d: 2 bots, %d messages, %d kills of each; break: %s\n", c.seed, c.messages, c.kills, c.breakage)
		return runBots(ctx, c)
	}
	fmt.Printf("seed %d: %d senders, %d recipients, %d messages; break: %s\n", c.seed, c.pairs, c.pairs, c.messages, c.breakage)
	w, err := newWorld(ctx, c)
	if err != nil {
		return err
	}
	defer w.close()
	began := time.Now()
	if err := w.introduce(ctx); err != nil {
		return fmt.Errorf("introduce people: %w", err)
	}
	fmt.Printf("%d contacts made in %v\n", len(w.oracle.streams), time.Since(began).Round(time.Millisecond))
	began = time.Now()
	err = w.torment(ctx)
	w.report(time.Since(began))
	if err != nil {
		return err
	}
	if w.relay.newer != "" {
		return errors.New("the relay was never upgraded: give more -kills")
	}
	if c.from != "" {
		fmt.Printf("the relay was upgraded from %s on the way\n", c.from)
	}
	fmt.Printf("ok: %d messages, each exactly once and in order\n", w.oracle.total)
	return nil
}
