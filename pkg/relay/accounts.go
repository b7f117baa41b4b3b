package relay

import (
	"context"
	"errors"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// Errors of the stores of this file, besides those of store.go.
var (
	ErrInvite      = errors.New("the invite is unknown, used up or expired")
	ErrInvitesFull = errors.New("there are too many invites; revoke some")
)

// MaxInvites bounds the invites that a store keeps: an operator who looks
// through a list of more has lost sight of who may come in.
const MaxInvites = 1000

// Limits of one invite.
const (
	MaxInviteUses = 10_000
	MaxInviteNote = 200 // bytes
)

// Invites stores who may register at a relay that asks for an invite. Every
// method may be called from any goroutine, and by several relays at once; what
// a write reported as done is durable.
type Invites interface {
	// CreateInvited is Directory.CreateUser, and takes one use of an invite in
	// the same commit, so that neither happens without the other. It returns
	// ErrExists for a name that was ever used, whatever the invite is worth, and
	// ErrInvite for one that is not there, has no use left or has ended by now.
	CreateInvited(ctx context.Context, c crypto.Certificate, signed RawPrekey, code crypto.InviteHash, now protocol.UnixMilli) error

	// AddInvite stores an invite, or returns ErrInvitesFull. One of that hash that
	// is there already stays as it is.
	AddInvite(ctx context.Context, i Invite) error

	// Invites returns all invites, also those that are used up or have ended, in
	// the order of their making.
	Invites(ctx context.Context) ([]Invite, error)

	// RevokeInvite forgets an invite, or returns ErrInvite.
	RevokeInvite(ctx context.Context, id crypto.InviteID) error
}

// Invite is what a store keeps of an invite.
type Invite struct {
	Hash    crypto.InviteHash
	Created protocol.UnixMilli
	Expires protocol.UnixMilli
	Uses    uint32 // that it had
	Left    uint32 // of them
	Note    string // the operator's
}

// Accounts is what an operator does about those who have come in. Every method
// may be called from any goroutine, and by several relays at once; what a write
// reported as done is durable.
type Accounts interface {
	// Accounts returns users in the order of their names, behind one name: at
	// most max.
	Accounts(ctx context.Context, after crypto.Username, max int) ([]Account, error)

	// Account returns one user, or ErrNotFound.
	Account(ctx context.Context, name crypto.Username) (Account, error)

	// Suspend notes since when a user is not let in, or with 0 that they are let
	// in again. It returns ErrNotFound for nobody.
	Suspend(ctx context.Context, name crypto.Username, since protocol.UnixMilli) error

	// Remove forgets a user, their prekeys and how they stand to others, and keeps
	// the name from ever being given again. It returns ErrConflict if another
	// certificate is stored. The mailbox and the files stay.
	Remove(ctx context.Context, c crypto.Certificate) error

	// FilesOf returns the files that a user has stored.
	FilesOf(ctx context.Context, owner crypto.Username) ([]File, error)

	// MailboxUse returns how much waits for a device.
	MailboxUse(ctx context.Context, owner crypto.Address) (MailboxUse, error)
}

// Account is what a store knows of a user.
type Account struct {
	Certificate crypto.Certificate
	Suspended   protocol.UnixMilli // since when; 0 if they are not
}
