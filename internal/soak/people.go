package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

const passphrase = "a passphrase for tests"

func sender(i int) string    { return fmt.Sprintf("sender_%d", i) }
func recipient(i int) string { return fmt.Sprintf("recipient_%d", i) }

// introduce makes the two accounts of a pair, and contacts of them.
func introduce(ctx context.Context, dir string, server client.Server, i int) (err error) {
	var pair [2]*owner.Account
	for n, name := range []string{sender(i), recipient(i)} {
		a, err := owner.Create(ctx, owner.Creation{
			Name: name, Server: server, Cost: keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1},
			Passphrase: func(context.Context) ([]byte, error) { return []byte(passphrase), nil },
			Place: func(name string, s client.Server) (profile.Ref, error) {
				return profile.Ref{Name: name, Server: s.Address(), Dir: profileDir(dir, name)}, nil
			},
		})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.Close(0)) }()
		if err := a.Start(); err != nil {
			return err
		}
		pair[n] = a
	}
	if _, err := pair[0].Connect(ctx, recipient(i), ""); err != nil {
		return err
	}
	if err := awaitContact(ctx, pair[1], client.Incoming); err != nil {
		return err
	}
	if _, err := pair[1].Accept(ctx, sender(i)); err != nil {
		return err
	}
	return awaitContact(ctx, pair[0], client.Accepted)
}

// awaitContact waits until the account's only contact is in that state.
func awaitContact(ctx context.Context, a client.Account, state client.ContactState) error {
	batch, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	return client.Await(ctx, a, &batch.Next, func([]client.Event) (bool, error) {
		cs, err := a.Contacts(ctx)
		return len(cs) == 1 && cs[0].State == state, err
	})
}

func open(ctx context.Context, dir, name string) (*owner.Account, error) {
	ref := profile.Ref{Name: name, Dir: profileDir(dir, name)}
	return owner.Open(ctx, ref, func(context.Context, int) ([]byte, error) { return []byte(passphrase), nil })
}

// check compares what a recipient has with what was sent.
func check(ctx context.Context, c config, i int) error {
	a, err := open(ctx, c.dir, recipient(i))
	if err != nil {
		return err
	}
	defer a.Close(0)
	next := 1
	return pages(ctx, a, client.FromStart, func(m client.Message) error {
		if m.Type != client.TypeText || m.From != sender(i) || m.Text != strconv.Itoa(next) {
			return fmt.Errorf("at the place of message %d stands %s %q", next, m.Type, m.Text)
		}
		next++
		return nil
	}, func() error {
		if next != c.messages+1 {
			return fmt.Errorf("%d of %d messages are there", next-1, c.messages)
		}
		return nil
	})
}

// pages goes through the history behind a cursor.
func pages(ctx context.Context, a client.Account, after int64, each func(client.Message) error, end func() error) error {
	for {
		ms, err := a.History(ctx, client.Query{After: after, Limit: client.MaxLimit})
		if err != nil {
			return err
		}
		for _, m := range ms {
			if err := each(m); err != nil {
				return err
			}
			after = m.Cursor
		}
		if len(ms) == 0 {
			return end()
		}
	}
}
