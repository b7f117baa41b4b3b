package stage

import (
	"context"
	"slices"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

// Passphrase opens every profile of a house.
const Passphrase = "correct horse battery"

// Cheap is the least that a key file admits.
var Cheap = keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1}

func secret(context.Context) ([]byte, error) { return []byte(Passphrase), nil }

// Move makes an account in this process, registered and not connected.
func (h *House) Move(ctx context.Context, name string, cost keyfile.Cost) (*owner.Account, error) {
	return owner.Create(ctx, owner.Creation{
		Name: name, Server: h.Server, Cost: cost, Passphrase: secret,
		Place: func(name string, s client.Server) (profile.Ref, error) { return profile.RefFor(name, s.Address()) },
	})
}

// Back opens an account in this process that was closed.
func (h *House) Back(ctx context.Context, ref profile.Ref) (*owner.Account, error) {
	return owner.Open(ctx, ref, func(ctx context.Context, _ int) ([]byte, error) { return secret(ctx) })
}

// Befriend makes two started accounts contacts.
func Befriend(ctx context.Context, a, b *owner.Account) error {
	if _, err := a.Connect(ctx, b.Ref.Name, ""); err != nil {
		return err
	}
	if err := AwaitContact(ctx, b, a.Ref.Name, client.Incoming); err != nil {
		return err
	}
	if _, err := b.Accept(ctx, a.Ref.Name); err != nil {
		return err
	}
	return AwaitContact(ctx, a, b.Ref.Name, client.Accepted)
}

// AwaitContact waits until somebody stands to the account like that.
func AwaitContact(ctx context.Context, a client.Account, name string, state client.ContactState) error {
	return Await(ctx, a, func() (bool, error) {
		all, err := a.Contacts(ctx)
		there := slices.ContainsFunc(all, func(c client.Contact) bool { return c.Name == name && c.State == state })
		return there, err
	})
}

// AwaitMessage waits until somebody else has written that text.
func AwaitMessage(ctx context.Context, a client.Account, text string) error {
	return Await(ctx, a, func() (bool, error) {
		all, err := a.History(ctx, client.Query{Incoming: true})
		return slices.ContainsFunc(all, func(m client.Message) bool { return m.Text == text }), err
	})
}

// AwaitSent waits until nothing waits for the relay any more.
func AwaitSent(ctx context.Context, a client.Account) error {
	return Await(ctx, a, func() (bool, error) {
		s, err := a.Status(ctx)
		return s.State == client.Connected && s.Waiting == 0, err
	})
}

// Await waits until ok, which it asks at once and after everything that happens.
func Await(ctx context.Context, a client.Account, ok func() (bool, error)) error {
	batch, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	return client.Await(ctx, a, &batch.Next, func([]client.Event) (bool, error) { return ok() })
}

// Edit opens the profile of an account that is closed, for do alone.
func Edit(ref profile.Ref, do func(*profile.Store) error) error {
	lock, err := profile.Acquire(ref)
	if err != nil {
		return err
	}
	store, err := lock.Open([]byte(Passphrase))
	if err != nil {
		lock.Release()
		return err
	}
	if err := do(store); err != nil {
		store.Close()
		return err
	}
	return store.Close()
}
