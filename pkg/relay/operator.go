package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// Registration says who may take a new name.
type Registration int

// The ways. Whoever has a name already may come back, and to a new device, in
// all of them.
const (
	Open     Registration = iota // everybody
	ByInvite                     // whoever has an invite
	Closed                       // nobody
)

// registrations are the ways as an operator writes them.
var registrations = []string{"open", "invite", "closed"}

// ParseRegistration reads what String writes.
func ParseRegistration(s string) (Registration, error) {
	for i, name := range registrations {
		if s == name {
			return Registration(i), nil
		}
	}
	return 0, fmt.Errorf("registration is open, invite or closed, not %q", s)
}

func (r Registration) String() string { return registrations[r] }

// Registration says who may take a new name here.
func (r *Relay) Registration() Registration { return r.admission }

// enroll makes a user, if this relay takes them. It returns ErrExists for a name
// that was ever used, whatever the way, or a *protocol.Refusal.
func (r *Relay) enroll(ctx context.Context, c crypto.Certificate, signed RawPrekey, invite crypto.InviteCode, now time.Time) error {
	refused := protocol.CodeInviteNeeded
	switch {
	case r.admission == Open:
		return r.directory.CreateUser(ctx, c, signed)
	case r.admission == Closed:
		refused = protocol.CodeClosed
	case invite != (crypto.InviteCode{}):
		err := r.invites.CreateInvited(ctx, c, signed, invite.Hash(), protocol.Milli(now))
		if errors.Is(err, ErrInvite) {
			err = &protocol.Refusal{Code: protocol.CodeBadInvite}
		}
		return err
	}
	_, err := r.directory.User(ctx, c.User)
	switch {
	case err == nil:
		return ErrExists
	case errors.Is(err, ErrNotFound):
		return &protocol.Refusal{Code: refused}
	}
	return err
}

// mayEnter reports whether a user is not suspended.
func (r *Relay) mayEnter(ctx context.Context, name crypto.Username) (bool, error) {
	if r.accounts == nil {
		return true, nil
	}
	a, err := r.accounts.Account(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return false, nil // removed a moment ago
	}
	return err == nil && a.Suspended == 0, err
}

// Suspend keeps a user out until Resume, and ends their connection. What is sent
// to them waits. It returns ErrNotFound for nobody.
func (r *Relay) Suspend(ctx context.Context, name crypto.Username) error {
	a, err := r.accounts.Account(ctx, name)
	if err != nil {
		return err
	}
	if a.Suspended == 0 {
		if err := r.accounts.Suspend(ctx, name, protocol.Milli(time.Now())); err != nil {
			return err
		}
	}
	r.dismiss(a.Certificate.Address())
	return nil
}

// Resume lets a user in again.
func (r *Relay) Resume(ctx context.Context, name crypto.Username) error {
	return r.accounts.Suspend(ctx, name, 0)
}

// dismiss ends the connection of a device. What it has in memory alone goes into
// its mailbox.
func (r *Relay) dismiss(who crypto.Address) {
	if c := r.hub.find(who); c != nil {
		c.requestClose(closeSuspended)
		c.retire()
	}
}

// Remove forgets a user and all that is theirs: what waits for them, whose
// senders hear that it has expired, their files, their prekeys, and who their
// contacts were. The name is never given again. Where it fails, the user is
// suspended, and it may be tried again.
func (r *Relay) Remove(ctx context.Context, name crypto.Username) error {
	if err := r.Suspend(ctx, name); err != nil {
		return err
	}
	a, err := r.accounts.Account(ctx, name)
	if err != nil {
		return err
	}
	if err := r.removeFiles(ctx, name); err != nil {
		return err
	}
	if err := r.abandon(ctx, a.Certificate.Address()); err != nil {
		return err
	}
	if err := r.accounts.Remove(ctx, a.Certificate); err != nil {
		return err
	}
	r.forget(name)
	return r.abandon(ctx, a.Certificate.Address()) // what has come meanwhile
}

// removeFiles deletes the files of a user who can store no more: what is on its
// way goes when its upload ends.
func (r *Relay) removeFiles(ctx context.Context, owner crypto.Username) error {
	files, err := r.accounts.FilesOf(ctx, owner)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := r.dropFile(ctx, f.ID); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what is remembered of a user whose device has changed or gone:
// whoever writes to it looks again. Relations come first, so that whoever has seen
// that it was replaced looks again, and last, so that nobody goes on with what was
// looked at meanwhile.
func (r *Relay) forget(name crypto.Username) {
	r.relations.Add(1)
	r.users.forget(name)
	r.relations.Add(1)
}

// Connected reports whether a device is connected here.
func (r *Relay) Connected(who crypto.Address) bool { return r.hub.find(who) != nil }
