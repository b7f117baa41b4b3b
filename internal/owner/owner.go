// Package owner decides which process holds a profile.
//
// One process owns a profile at a time: it has its lock, its keys and the
// connection to the relay, and serves a private socket beside it. Whoever else
// wants the account while it runs attaches to that socket, without a
// passphrase. [Open] finds out which of the two this process is; what it
// returns is used the same way in both cases.
package owner

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"secure-messaging/internal/agent"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

const (
	// openPatience is how long Open waits for another process that is taking
	// or giving up the profile: a passphrase costs half a second, and fifty
	// commands started at once come one after the other.
	openPatience = 15 * time.Second
	// openPause is between two looks at such a process.
	openPause = 20 * time.Millisecond
	// passphraseTries is how often a person may mistype.
	passphraseTries = 3
	// tidyAfter is how long an owner lives before it gives back the memory that
	// its passphrase took, a quarter of a GB, which the runtime would keep for
	// minutes. Short commands end sooner.
	tidyAfter = time.Second
)

// Passphrase gives the passphrase of a profile. It is called again with the
// number of the try, beginning at 0, when the one before was wrong; its error
// ends the opening. The slice is cleared after use.
type Passphrase func(ctx context.Context, try int) ([]byte, error)

// Account is an account in use by this process. Close it.
type Account struct {
	client.Account
	Ref   profile.Ref
	Owned bool // this process holds the profile

	// Kind is what this process is, for others to see; set before Start.
	Kind agent.Kind

	// Invite is what Register comes in by, where the relay asks for it.
	Invite crypto.InviteCode

	remote *agent.Remote // when not Owned

	// When Owned.
	restored bool // just now: who has done it reconnects
	store    *profile.Store
	client   *client.Client
	server   *agent.Server
	stop     context.CancelFunc
	finished chan struct{} // closed when Run has returned
}

// Open attaches to the process that owns the profile, or becomes its owner.
// An owner is not connected before [Account.Start].
func Open(ctx context.Context, ref profile.Ref, passphrase Passphrase) (*Account, error) {
	path, err := profile.SocketPath(ref)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(openPatience)
	for {
		remote, err := agent.Dial(ctx, path)
		if err == nil {
			return &Account{Account: remote, Ref: ref, remote: remote}, nil
		}
		if !agent.Absent(err) {
			return nil, err
		}
		lock, err := profile.Acquire(ref)
		if err == nil {
			return own(ctx, lock, ref, passphrase)
		}
		if !errors.Is(err, client.ErrBusy) || time.Now().After(deadline) {
			return nil, err
		}
		select {
		case <-time.After(openPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// own unlocks the profile. The lock goes with the store, or is given up.
func own(ctx context.Context, lock *profile.Lock, ref profile.Ref, passphrase Passphrase) (*Account, error) {
	for try := 0; ; try++ {
		secret, err := passphrase(ctx, try)
		if err != nil {
			lock.Release()
			return nil, err
		}
		store, err := lock.Open(secret)
		clear(secret)
		if err == nil {
			return adopt(store, ref)
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if !errors.Is(err, client.ErrLocked) || try+1 >= passphraseTries {
			lock.Release()
			return nil, err
		}
	}
}

// adopt makes an account of an opened store, which it closes on failure.
func adopt(store *profile.Store, ref profile.Ref) (*Account, error) {
	c, err := client.New(store)
	if err != nil {
		store.Close()
		return nil, err
	}
	return &Account{Account: c, Ref: ref, Owned: true, store: store, client: c}, nil
}

// Start connects an owner to the relay and lets others attach. It does
// nothing when this process is not the owner.
func (a *Account) Start() error {
	if !a.Owned {
		return nil
	}
	path, err := profile.SocketPath(a.Ref)
	if err != nil {
		return err
	}
	ln, err := agent.Listen(path)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop, a.finished = stop, make(chan struct{})
	a.server = agent.NewServer(a.client)
	if a.Kind != "" {
		a.server.Kind = a.Kind
	}
	go func() {
		defer close(a.finished)
		defer time.AfterFunc(tidyAfter, debug.FreeOSMemory).Stop()
		served := make(chan struct{})
		go func() {
			defer close(served)
			a.server.Serve(ctx, ln)
		}()
		reconnected := make(chan struct{})
		go func() {
			defer close(reconnected)
			if !a.restored {
				a.finishRestoration(ctx)
			}
		}()
		a.client.Run(ctx)
		<-served
		<-reconnected
	}()
	return nil
}

// Asked is closed when somebody has asked an owner that was started to leave,
// which an [agent.Agent] does.
func (a *Account) Asked() <-chan struct{} { return a.server.Asked() }

// Stock says how many one-time prekeys an owner's profile holds, and since when
// its signed prekey is in force.
func (a *Account) Stock() (oneTime int, signed time.Time, err error) {
	l, err := a.store.Load()
	for _, k := range l.Prekeys {
		switch {
		case k.Kind != crypto.PrekeySigned:
			oneTime++
		case k.Replaced.IsZero():
			signed = k.Created
		}
	}
	return oneTime, signed, err
}

// Close gives the account up. An owner to which others are attached waits for
// them, at most for linger, so that short commands are not cut off.
func (a *Account) Close(linger time.Duration) error {
	if !a.Owned {
		return a.remote.Close()
	}
	if a.stop != nil {
		ctx, cancel := context.WithTimeout(context.Background(), linger)
		a.server.Idle(ctx)
		cancel()
		a.stop()
		<-a.finished
	}
	return a.store.Close()
}
