package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"secure-messaging/internal/faultproxy"
	"secure-messaging/pkg/client"
)

// world is everything that a run is made of.
type world struct {
	config
	oracle  *oracle
	relay   *relay
	chat    string // the client's binary
	secret  string // a file with the passphrase
	random  *rand.Rand
	proxies [2]*faultproxy.Proxy // for senders, for recipients

	forSenders, forRecipients client.Server // the relay, through the proxies

	crew       []*member
	senders    []*member // of crew, those that hold a sender's profile
	recipients []*member // of crew
	workers    map[string]*worker
	did        struct{ kills, restarts, crewKills, retreats, usurps, strikes, standstills int }
}

func newWorld(ctx context.Context, c config) (w *world, err error) {
	w = &world{
		config: c, oracle: newOracle(plan(c)), workers: map[string]*worker{},
		random: rand.New(rand.NewPCG(c.seed, 0)), secret: filepath.Join(c.dir, "passphrase"),
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	edits := broken[c.breakage]
	if c.forgetful || c.breakage == "acks-before-sync" {
		edits = append(edits, forgetful...)
	}
	w.relay = &relay{data: filepath.Join(c.dir, "relay"), addr: "127.0.0.1:0", log: filepath.Join(c.dir, "relay.log"), tls: c.tls}
	if w.relay.binary, err = build(ctx, "server", c.dir, edits); err != nil {
		return nil, err
	}
	if c.from != "" {
		w.relay.newer = w.relay.binary
		if w.relay.binary, err = buildOld(ctx, c.from, c.dir); err != nil {
			return nil, err
		}
	}
	if w.chat, err = build(ctx, "chat", c.dir, nil); err != nil {
		return nil, err
	}
	if err := os.WriteFile(w.secret, []byte(passphrase+"\n"), 0o600); err != nil {
		return nil, err
	}
	if err := w.relay.start(); err != nil {
		return nil, err
	}
	for i := range w.proxies {
		w.proxies[i], err = faultproxy.Listen(faultproxy.Config{Upstream: w.relay.addr, Seed: c.seed + uint64(i), Fate: faultproxy.Rough})
		if err != nil {
			return nil, err
		}
	}
	w.calmDown(true)
	if w.forSenders, err = w.through(w.proxies[0]); err == nil {
		w.forRecipients, err = w.through(w.proxies[1])
	}
	return w, err
}

// through is the relay's address behind a proxy.
func (w *world) through(p *faultproxy.Proxy) (client.Server, error) {
	s, err := client.ParseServer("wss://" + p.Addr())
	s.Plain, s.Pin = w.relay.server.Plain, w.relay.server.Pin
	return s, err
}

func (w *world) calmDown(calm bool) {
	for _, p := range w.proxies {
		p.Calm(calm || w.calm)
	}
}

// close ends all that was started.
func (w *world) close() {
	for _, p := range w.proxies {
		if p != nil {
			p.Close()
		}
	}
	if w.relay != nil {
		w.relay.kill()
	}
}

// hire makes the members.
func (w *world) hire() {
	for i := range w.pairs {
		useChat := i >= w.pairs-w.chats
		to, counts := w.config.recipients(i), map[string]int{}
		for _, name := range to {
			counts[name] = len(w.oracle.of[stream{sender(i), name}].heard)
		}
		if useChat {
			w.hireChat(sender(i), recipient(i), to, counts)
			continue
		}
		w.senders = append(w.senders, w.hireWorker(task{Name: sender(i), Server: w.forSenders.Address(), To: to, Counts: counts}))
		w.recipients = append(w.recipients, w.hireWorker(task{Name: recipient(i), Server: w.forRecipients.Address(), After: client.FromStart}))
	}
	w.crew = append(append(w.crew, w.senders...), w.recipients...)
}

func (w *world) hireWorker(t task) *member {
	s := &worker{task: t, oracle: w.oracle}
	w.workers[t.Name] = s
	return newMember(t.Name, s)
}

// hireChat makes a sender and a recipient that use chat. Beside the commands
// of the sender runs a chat listen, so that they find the profile now in use,
// now, when that was killed, not.
func (w *world) hireChat(from, to string, recipients []string, counts map[string]int) {
	as := func(name string, s client.Server) chat {
		return chat{binary: w.chat, passphraseFile: w.secret, name: name, server: s.Address(), oracle: w.oracle}
	}
	t := &typist{chat: as(from, w.forSenders)}
	for n, more := 1, true; more; n++ {
		more = false
		for _, to := range recipients {
			if n <= counts[to] {
				t.rest, more = append(t.rest, message{to, n}), true
			}
		}
	}
	w.senders = append(w.senders,
		newMember(from, t),
		newMember(from+"'s chat listen", &listener{chat: as(from, w.forSenders)}))
	w.recipients = append(w.recipients, newMember(to, &listener{chat: as(to, w.forRecipients)}))
}

// report prints what has happened.
func (w *world) report(took time.Duration) {
	network := w.proxies[0].Counts().Add(w.proxies[1].Counts())
	shown, _ := w.oracle.counts()
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	row("messages shown", fmt.Sprintf("%d of %d", shown, w.oracle.total))
	row("time", fmt.Sprintf("%v, %.0f messages a second", took.Round(time.Millisecond), float64(shown)/took.Seconds()))
	row("relay killed", w.did.kills)
	row("relay restarted", fmt.Sprintf("%d, slowest end %v", w.did.restarts, w.relay.slowest.Round(time.Millisecond)))
	row("people killed", w.did.crewKills)
	row("promises tried by a crash", w.did.retreats)
	row("  by second logins", w.did.usurps)
	row("  after a standstill", w.did.standstills)
	row("connections", network.Connections)
	row("  cut", network.Cuts())
	row("  half-open", network.HalfOpens())
	row("  slow", network.Slow)
	row("  turned away", network.TurnedAway)
	row("  without a relay", network.Unreachable)
	row("MiB through the proxies", network.Bytes>>20)
	t.Flush()
}
