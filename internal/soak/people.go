package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

const passphrase = "a passphrase for tests"

// atOnce bounds how many accounts are made, met or looked at at the same time.
const atOnce = 8

func sender(i int) string    { return fmt.Sprintf("sender_%d", i) }
func recipient(i int) string { return fmt.Sprintf("recipient_%d", i) }

// plan says how many messages each stream has. Senders that use chat start a
// process for each message, so they write fewer.
func plan(c config) map[stream]int {
	counts := map[stream]int{}
	typed := max(fanOut, c.messages/c.pairs/20)
	fast := (c.messages - c.chats*typed + c.pairs - c.chats - 1) / (c.pairs - c.chats)
	for i := range c.pairs {
		n := fast
		if i >= c.pairs-c.chats {
			n = typed
		}
		to := c.recipients(i)
		for k, name := range to {
			counts[stream{sender(i), name}] = (n + len(to) - 1 - k) / len(to)
		}
	}
	return counts
}

// recipients are to whom a sender writes.
func (c config) recipients(i int) (to []string) {
	for k := range min(fanOut, c.pairs) {
		to = append(to, recipient((i+k)%c.pairs))
	}
	return to
}

// introduce makes the accounts, and contacts of those that write to each other.
func (w *world) introduce(ctx context.Context) (err error) {
	var mu sync.Mutex
	accounts := map[string]*owner.Account{}
	defer func() {
		for _, a := range accounts {
			err = errors.Join(err, a.Close(0))
		}
	}()
	err = w.each(func(name string, server client.Server) error {
		a, err := create(ctx, name, server)
		if err != nil {
			return err
		}
		mu.Lock()
		accounts[name] = a
		mu.Unlock()
		return a.Start()
	})
	if err != nil {
		return err
	}
	return together(len(w.oracle.streams), func(i int) error {
		s := w.oracle.streams[i]
		return meet(ctx, accounts[s.from], accounts[s.to], s)
	})
}

// meet makes two people contacts.
func meet(ctx context.Context, from, to client.Account, s stream) error {
	if _, err := from.Connect(ctx, s.to, ""); err != nil {
		return err
	}
	if err := awaitContact(ctx, to, s.from, client.Incoming); err != nil {
		return err
	}
	if _, err := to.Accept(ctx, s.from); err != nil {
		return err
	}
	return awaitContact(ctx, from, s.to, client.Accepted)
}

// each calls do for every sender and recipient.
func (w *world) each(do func(name string, server client.Server) error) error {
	return together(2*w.pairs, func(i int) error {
		if i < w.pairs {
			return do(sender(i), w.forSenders)
		}
		return do(recipient(i-w.pairs), w.forRecipients)
	})
}

// together calls do with the numbers below n, some at the same time.
func together(n int, do func(int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i := range n {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			errs[i] = do(i)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func create(ctx context.Context, name string, server client.Server) (*owner.Account, error) {
	return owner.Create(ctx, owner.Creation{
		Name: name, Server: server, Cost: keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1},
		Passphrase: func(context.Context) ([]byte, error) { return []byte(passphrase), nil },
		Place:      func(name string, s client.Server) (profile.Ref, error) { return profile.RefFor(name, s.Address()) },
	})
}

// awaitContact waits until somebody stands to the account like that.
func awaitContact(ctx context.Context, a client.Account, name string, state client.ContactState) error {
	batch, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	return client.Await(ctx, a, &batch.Next, func([]client.Event) (bool, error) {
		cs, err := a.Contacts(ctx)
		for _, c := range cs {
			if c.Name == name && c.State == state {
				return true, nil
			}
		}
		return false, err
	})
}

// histories compares what everybody has on their disk with what was sent:
// delivered for the sender, once and in order for the recipient.
func (w *world) histories(ctx context.Context) error {
	return w.each(func(name string, server client.Server) error {
		a, err := open(ctx, name, server.Address())
		if err != nil {
			return err
		}
		defer a.Close(0)
		has := map[stream]int{}
		err = pages(ctx, a, client.FromStart, func(m client.Message) error {
			s := stream{m.From, name}
			if m.Outgoing() {
				s = stream{name, m.Contact}
			}
			has[s]++
			if n := has[s]; m.Type != client.TypeText || m.Text != s.text(n) {
				return fmt.Errorf("in the history of %s, at the place of message %d of %s to %s stands %s %d", name, n, s.from, s.to, m.Type, number(m.Text))
			}
			if m.Outgoing() && m.State != client.Delivered {
				return fmt.Errorf("in the history of %s, message %d to %s is %s", name, has[s], s.to, m.State)
			}
			return nil
		})
		for s, p := range w.oracle.of {
			if err == nil && (s.from == name || s.to == name) && has[s] != len(p.heard) {
				err = fmt.Errorf("in the history of %s are %d of the %d messages of %s to %s", name, has[s], len(p.heard), s.from, s.to)
			}
		}
		return err
	})
}
