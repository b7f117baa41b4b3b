package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/charmbracelet/x/vt"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/stage"
	"secure-messaging/pkg/crypto/keyfile"
)

// The people: the one whose screen it is, the same with a passphrase that costs
// what it does in life, and a friend.
const (
	me       = "alice"
	costly   = "alice_at_home"
	myFriend = "bob"
)

// patience is how long anything may take to be on the screen: a burst, above
// all, on a slow machine.
const patience = 3 * time.Minute

// world is a house in which the three live, and the client on its screen.
type world struct {
	config
	house  *stage.House
	friend profile.Ref
	screen *stage.Screen
}

// newWorld makes the people and their pasts. The house stays its caller's to
// close.
func newWorld(ctx context.Context, c config, house *stage.House) (*world, error) {
	w := &world{config: c, house: house}
	friend, err := house.Move(ctx, myFriend, stage.Cheap)
	if err != nil {
		return nil, err
	}
	w.friend = friend.Ref
	err = friend.Start()
	if err == nil {
		err = w.moveIn(ctx, friend, me, stage.Cheap, w.messages)
	}
	if err == nil {
		err = w.moveIn(ctx, friend, costly, keyfile.DefaultCost, min(w.messages, fewMessages))
	}
	return w, errors.Join(err, friend.Close(0))
}

// fewMessages fill a screen.
const fewMessages = 1000

// moveIn makes an account that is a contact of the friend, with a past.
func (w *world) moveIn(ctx context.Context, friend *owner.Account, name string, cost keyfile.Cost, messages int) error {
	a, err := w.house.Move(ctx, name, cost)
	if err != nil {
		return err
	}
	err = a.Start()
	if err == nil {
		err = stage.Befriend(ctx, a, friend)
	}
	if err := errors.Join(err, a.Close(0)); err != nil {
		return err
	}
	return stage.Edit(a.Ref, func(store *profile.Store) error {
		if err := stage.Crowd(store, w.contacts); err != nil {
			return err
		}
		return stage.Past(store, friend.Ref.Name, messages)
	})
}

// close ends the client where it still runs.
func (w *world) close() (err error) {
	if w.screen != nil {
		err = w.screen.Close()
		w.screen = nil
	}
	return err
}

// invitation stands in the empty composer.
func (w *world) invitation() string { return "write to " + w.friend.Name }

// until waits for a state of the screen, with patience.
func (w *world) until(ctx context.Context, what string, ok func(*vt.Emulator) bool) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.screen.Until(ctx, what, ok)
}

// pause waits between two keys: as long as given, and up to a quarter more or
// less.
func (w *world) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d*3/4 + rand.N(d/2+1)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
