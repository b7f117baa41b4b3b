package owner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// Creation is how a new account comes about.
type Creation struct {
	Name   string
	Server client.Server     // with a Pin, or without one
	Invite crypto.InviteCode // zero for none

	// Trust decides about a relay for whose key nobody has vouched. Its error
	// ends the creation.
	Trust func(context.Context, client.Server) error
	// Passphrase gives the new profile's passphrase, which is cleared after use.
	Passphrase func(context.Context) ([]byte, error)
	Cost       keyfile.Cost
	// Place says where the profile of the name at that relay shall lie.
	Place func(name string, server client.Server) (profile.Ref, error)
}

// Create meets the relay, makes the keys and the profile, and registers the
// name. The profile is on the disk before the relay hears of the name, so that
// no name is ever registered whose keys are lost: whatever registering fails
// for, but for a name that is taken, the profile stays, and [Account.Register]
// tries again.
func Create(ctx context.Context, c Creation) (*Account, error) {
	if _, err := client.ParseName(c.Name); err != nil {
		return nil, err
	}
	vouched := c.Server.Pin != ""
	server, relay, err := client.Meet(ctx, c.Server)
	if err != nil {
		return nil, err
	}
	if !vouched && !server.WebPKI {
		if err := c.Trust(ctx, server); err != nil {
			return nil, err
		}
	}
	if err := client.Free(ctx, server, relay, c.Name); err != nil {
		return nil, err
	}
	secret, err := c.Passphrase(ctx)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	keys, first, err := client.NewKeys(server, relay, c.Name, time.Now())
	if err != nil {
		return nil, err
	}
	ref, err := c.Place(c.Name, server)
	if err != nil {
		return nil, err
	}
	store, err := profile.Create(ref, keys, first, secret, c.Cost)
	if err != nil {
		return nil, err
	}
	a, err := adopt(store, ref)
	if err != nil {
		return nil, err
	}
	a.Invite = c.Invite
	if err := a.Register(ctx); err != nil {
		closeErr := a.Close(0)
		if errors.Is(err, client.ErrTaken) || errors.Is(err, client.ErrRefused) {
			// Nobody knows these keys, and nobody ever will. An answer that is
			// not the relay's own does not say as much: see call of package client.
			return nil, errors.Join(err, closeErr, profile.Remove(ref))
		}
		return nil, errors.Join(err, closeErr)
	}
	return a, nil
}

// Register makes the name known to the relay if it is not yet. Only the owner
// of a profile can.
func (a *Account) Register(ctx context.Context) error {
	if !a.Owned {
		return nil // the owner has
	}
	keys, err := a.store.Keys()
	if err != nil || keys.Registered {
		return err
	}
	keys.Invite = a.Invite
	first, err := a.store.Prekey(crypto.PrekeySigned, 1)
	if err != nil {
		return err
	}
	if err := client.Register(ctx, keys, first); err != nil {
		return err
	}
	return a.store.MarkRegistered()
}

// Registered returns an error that says how to finish a registration that was
// interrupted.
func (a *Account) Registered() error {
	if !a.Owned {
		return nil
	}
	keys, err := a.store.Keys()
	if err != nil || keys.Registered {
		return err
	}
	return &client.Error{Code: client.CodeRefused, Text: fmt.Sprintf("The registration of %s at %s was interrupted. Finish it with: chat login %s", a.Ref.Name, a.Ref.Server, a.Ref.Name)}
}
