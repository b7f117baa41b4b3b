// Package account opens the accounts of this machine for programs: bots, and
// whatever else talks. They are made with chat login, and lie where chat keeps
// them.
//
// One process holds an account at a time. [Open] attaches to the one that does,
// such as an agent or somebody's screen, which needs no passphrase; or it
// becomes that process. What it returns is used the same way in both cases.
package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/terminal"
	"secure-messaging/pkg/client"
)

// linger is how long a program that held the account waits at its end for
// commands that have attached to it.
const linger = 3 * time.Second

// Passphrase gives the passphrase of an account, which is cleared after use. It is
// not called where another process holds the account.
type Passphrase func(context.Context) ([]byte, error)

// PassphraseFile takes the passphrase from the first line of a file. No path is
// none.
func PassphraseFile(path string) Passphrase {
	if path == "" {
		return nil
	}
	return func(ctx context.Context) ([]byte, error) {
		secret, err := terminal.PassphraseFile(ctx, path)
		if err != nil && ctx.Err() == nil {
			err = &client.Error{Code: client.CodeLocked, Err: err, Text: fmt.Sprintf("The passphrase file cannot be read: %v", err)}
		}
		return secret, err
	}
}

// Account is an account in use by this process, connected to its relay as long as
// that can be reached. Close it.
type Account struct {
	client.Account
	held *owner.Account
}

// Open opens an account: NAME, or NAME@host:port where one name is at two relays;
// or the only one on the machine, where name is empty. A nil passphrase opens
// only what another process holds. Errors are *client.Error: ErrNotFound,
// ErrLocked, ErrBusy, ErrStorage.
func Open(ctx context.Context, name string, passphrase Passphrase) (*Account, error) {
	ref, err := find(name)
	if err != nil {
		return nil, err
	}
	held, err := owner.Open(ctx, ref, func(ctx context.Context, try int) ([]byte, error) {
		switch {
		case passphrase == nil:
			return nil, &client.Error{Code: client.CodeLocked, Text: "The account " + ref.Name + " is locked, and this program was given no passphrase. Start an agent: chat agent start --as " + ref.Name}
		case try > 0:
			return nil, &client.Error{Code: client.CodeLocked, Text: "The passphrase that this program was given is not that of " + ref.Name + "."}
		}
		return passphrase(ctx)
	})
	if err != nil {
		return nil, err
	}
	if err = held.Registered(); err == nil {
		err = held.Start()
	}
	if err != nil {
		return nil, errors.Join(err, held.Close(0))
	}
	return &Account{held.Account, held}, nil
}

// Close gives the account up. What was sent and has not left waits on the disk.
func (a *Account) Close() error { return a.held.Close(linger) }

func find(name string) (profile.Ref, error) {
	name, server, _ := strings.Cut(name, "@")
	if name != "" {
		ref, found, err := profile.Find(name, server)
		if err == nil && !found {
			err = &client.Error{Code: client.CodeNotFound, Text: fmt.Sprintf("There is no account %q on this machine. Make it with: chat login %s", name, name)}
		}
		return ref, err
	}
	all, err := profile.List()
	switch {
	case err != nil:
		return profile.Ref{}, err
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0:
		return profile.Ref{}, &client.Error{Code: client.CodeNotFound, Text: "There is no account on this machine yet. Make one with: chat login NAME"}
	}
	return profile.Ref{}, &client.Error{Code: client.CodeUsage, Text: "There are several accounts on this machine. Name one."}
}
