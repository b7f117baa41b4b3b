package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"secure-messaging/internal/overlay"
	"secure-messaging/internal/owner"
	"secure-messaging/pkg/client"
)

// ahead is how far the sender may be in front of the slowest bot: messages go on
// arriving until the last kill.
const ahead = 300

// endTime is how long a bot that has acked everything is watched for what it is
// given again.
const endTime = time.Second

// brokenBots are the faults that can be built into chat, for bots to suffer from.
var brokenBots = map[string][]overlay.Edit{
	"none": nil,
	// What was given to a consumer counts as handled.
	"acks-when-given": {
		{"cmd/chat/cli/listener.go", "		l.given = append(l.given, m.Cursor)\n", "		l.handled = m.Cursor\n"},
	},
	// A message is acked before its command has run.
	"acks-before-exec": {
		{"cmd/chat/cli/listener.go", "		err = l.run.handle(c.ctx, m)\n", "		l.handled = m.Cursor\n		if err = l.ack(c); err == nil {\n			err = l.run.handle(c.ctx, m)\n		}\n"},
	},
	// Nothing is ever acked.
	"never-acks": {
		{"cmd/chat/cli/listener.go", "	if l.consumer == \"\" || l.handled <= l.acked {\n", "	if true {\n"},
	},
}

// runBots lets a sender write to an account at which two bots listen with the real
// chat, one that acks by hand and one with a command for each message. Both are
// killed again and again, with the process that holds the account, which is one
// of the two.
func runBots(ctx context.Context, c config) error {
	chatBinary, err := build(ctx, "chat", c.dir, brokenBots[c.breakage])
	if err != nil {
		return err
	}
	r := &relay{data: filepath.Join(c.dir, "relay"), addr: "127.0.0.1:0", log: filepath.Join(c.dir, "relay.log"), tls: c.tls}
	if r.binary, err = build(ctx, "server", c.dir, nil); err != nil {
		return err
	}
	secret := filepath.Join(c.dir, "passphrase")
	if err := os.WriteFile(secret, []byte(passphrase+"\n"), 0o600); err != nil {
		return err
	}
	if err := r.start(); err != nil {
		return err
	}
	defer r.kill()
	from, err := introduceBots(ctx, r.server)
	if err != nil {
		return fmt.Errorf("introduce the bots: %w", err)
	}
	defer from.Close(0)
	as := chat{binary: chatBinary, passphraseFile: secret, name: recipient(0), server: r.server.Address()}
	began, p := time.Now(), newPace(2)
	random := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(c.seed, n)) }
	bots := []*bot{
		{chat: as, name: "by_hand", listen: []string{"--json", "--ack", "manual"}, byHand: true, again: 1000, random: random(1)},
		{chat: as, name: "by_command", listen: []string{"--exec", "cat"}, again: 1, random: random(2)},
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	defer context.AfterFunc(ctx, p.wake)()
	var all sync.WaitGroup
	for i, b := range bots {
		b.messages, b.kills, b.did = c.messages, c.kills, func(n int) { p.at(i, n) }
		all.Go(func() {
			if err := b.run(ctx); err != nil {
				fail(fmt.Errorf("%s: %w", b.name, err))
			}
		})
	}
	all.Go(func() {
		if err := p.send(ctx, from, c.messages); err != nil {
			fail(fmt.Errorf("the sender: %w", err))
		}
	})
	all.Wait()
	for _, b := range bots {
		fmt.Printf("%s: %d of %d messages handled, %d of them again; killed %d times, %d processes\n", b.name, b.last, c.messages, b.repeats, b.killed, b.lives)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, b := range bots {
		if err := b.rests(ctx); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	fmt.Printf("ok: each bot has handled every message, in order, in %v\n", time.Since(began).Round(time.Millisecond))
	return nil
}

// introduceBots makes the two accounts contacts, and gives the sender's, started.
func introduceBots(ctx context.Context, server client.Server) (*owner.Account, error) {
	from, err := create(ctx, sender(0), server)
	if err != nil {
		return nil, err
	}
	to, err := create(ctx, recipient(0), server)
	if err == nil {
		err = errors.Join(from.Start(), to.Start())
	}
	if err == nil {
		err = meet(ctx, from, to, stream{sender(0), recipient(0)})
	}
	if to != nil {
		err = errors.Join(err, to.Close(0))
	}
	return from, err
}

// pace is how far the bots have come, so that the sender is not too far ahead.
type pace struct {
	mu   sync.Mutex
	more *sync.Cond
	last []int // message of each bot
}

func newPace(bots int) *pace {
	p := &pace{last: make([]int, bots)}
	p.more = sync.NewCond(&p.mu)
	return p
}

// at notes the last message of a bot.
func (p *pace) at(bot, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[bot] = n
	p.more.Broadcast()
}

// wake holds the lock, so that nobody looks and has not begun to wait.
func (p *pace) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.more.Broadcast()
}

// send writes so many messages, a little ahead of the slowest bot.
func (p *pace) send(ctx context.Context, from client.Account, messages int) error {
	for n := 1; n <= messages; n++ {
		p.mu.Lock()
		for ctx.Err() == nil && n > slices.Min(p.last)+ahead {
			p.more.Wait()
		}
		p.mu.Unlock()
		if ctx.Err() != nil {
			return nil // whoever ended it says why
		}
		if _, err := from.Send(ctx, recipient(0), stream{sender(0), recipient(0)}.text(n)); err != nil {
			return err
		}
	}
	return nil
}
