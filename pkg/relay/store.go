package relay

import (
	"context"
	"errors"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// Errors that a store returns, wrapped or bare. Any other error says that one
// operation failed, perhaps after it took effect, and may be tried again.
var (
	ErrExists   = errors.New("the user exists")
	ErrNotFound = errors.New("no such user")
	ErrConflict = errors.New("the record has changed meanwhile")
	// ErrStoreFailed says that the store is broken for good, as after a failed
	// fsync: what it holds in memory may differ from the disk. The relay ends.
	ErrStoreFailed = errors.New("the store has failed")
)

// Directory stores users and how they stand to each other. Every method may be
// called from any goroutine, and by several relays at once; what a write
// reported as done is durable.
type Directory interface {
	// CreateUser stores a user under the certificate's name, and the first
	// signed prekey, in one commit. It returns ErrExists if the name was ever
	// used.
	CreateUser(ctx context.Context, c crypto.Certificate, signed RawPrekey) error

	// ReplaceDevice stores c in place of before, which is of the same user, with
	// the first signed prekey of the new device, in one commit. It returns
	// ErrConflict if another certificate is stored. The prekeys of the old device
	// go; its mailbox stays.
	ReplaceDevice(ctx context.Context, before, c crypto.Certificate, signed RawPrekey) error

	// User returns the certificate of a user, or ErrNotFound.
	User(ctx context.Context, name crypto.Username) (crypto.Certificate, error)

	// Relation returns how two people stand to each other: the zero Relation
	// where nothing was ever stored.
	Relation(ctx context.Context, p Pair) (Relation, error)

	// SetRelation stores r if the stored version is still r.Version, and
	// raises that version by one. Otherwise it returns ErrConflict.
	SetRelation(ctx context.Context, p Pair, r Relation) error
}

// Prekeys stores what devices leave for those who want to talk to them. Every
// method may be called from any goroutine, and by several relays at once; what
// a write reported as done is durable.
type Prekeys interface {
	// AddPrekeys replaces the signed prekey of a device, unless signed is zero,
	// and adds one-time prekeys, all in one commit. A prekey whose id is not
	// above those of its kind that were added before is left out: a publication
	// that comes twice brings nothing back that was taken. So is a one-time
	// prekey for which there is no room, by protocol.MaxPrekeyStock.
	AddPrekeys(ctx context.Context, owner crypto.Address, signed RawPrekey, oneTime []RawPrekey) error

	// Prekeys returns what a device has left.
	Prekeys(ctx context.Context, owner crypto.Address) (PrekeyStock, error)

	// TakePrekey removes a one-time prekey. It returns ErrConflict if it is not
	// there: somebody else has taken it.
	TakePrekey(ctx context.Context, owner crypto.Address, id crypto.PrekeyID) error
}

// RawPrekey is a prekey as its device has signed it. The zero value is none.
type RawPrekey struct {
	ID  crypto.PrekeyID
	Raw []byte
}

// PrekeyStock is what the store holds of one device.
type PrekeyStock struct {
	Signed  RawPrekey // zero if there is none
	OneTime RawPrekey // the oldest, zero if there is none
	Left    int       // one-time prekeys
}

// Mailboxes stores one ordered queue for each device. Every method may be
// called from any goroutine.
type Mailboxes interface {
	// Append puts each entry at the end of its mailbox, all in one commit. An
	// entry that the mailbox holds already, by Entry.Key, is not stored again,
	// yet reported like any other. An entry for which the mailbox has no room
	// is left out and gets the sequence number 0.
	//
	// Within a mailbox, entries become readable in the order of their numbers.
	// They may be readable before Appended.Wait has returned.
	Append(ctx context.Context, ds []Delivery) (Appended, error)

	// Read returns the entries after a number, oldest first: at most max, and
	// at least one if there is any, but no further one once their data exceeds
	// maxBytes.
	Read(ctx context.Context, owner crypto.Address, after uint64, max, maxBytes int) ([]Stored, error)

	// Delete forgets the entries up to and including a number. It need not be
	// durable: what comes back after a crash is delivered again.
	Delete(ctx context.Context, owner crypto.Address, upTo uint64) error

	// Expired looks for entries that were taken before a time. It returns the
	// first mailbox behind after, in the order of the store's, whose oldest entry
	// is such a one, with at most max of the entries at its front that are; a
	// zero owner if there is none.
	Expired(ctx context.Context, after crypto.Address, before protocol.UnixMilli, max int) (owner crypto.Address, entries []Stored, err error)

	// Ready returns nil while Append can be expected to work.
	Ready(ctx context.Context) error
}

// Kind says what an entry of a mailbox is. Its values are stored.
type Kind byte

// The kinds of entries, each for one frame from relay to client.
const (
	KindRequest Kind = 1 // connection_request
	KindAccept  Kind = 2 // connection_accepted
	KindMessage Kind = 3 // encrypted_message
	KindReceipt Kind = 4 // receipt, delivered
	KindExpired Kind = 5 // receipt, expired
)

// Entry is what a mailbox holds. Data is sealed and immutable: nobody writes
// to it after Append was called or Read has returned.
type Entry struct {
	Kind Kind
	From crypto.Address     // the sender; of a receipt, the device that the message was for
	ID   crypto.MessageID   // given by the sender; of a receipt, that of the message
	Time protocol.UnixMilli // when the relay took it
	Data []byte             // nil for a receipt
}

// IsReceipt reports whether an entry tells a sender what has become of a
// message.
func (k Kind) IsReceipt() bool { return k == KindReceipt || k == KindExpired }

// EntryKey tells the entries of one mailbox apart.
type EntryKey struct {
	Kind Kind
	From crypto.Address
	ID   crypto.MessageID
}

// Key returns what an entry is known by while it lies in a mailbox.
func (e Entry) Key() EntryKey { return EntryKey{e.Kind, e.From, e.ID} }

// Delivery is an entry on its way to a mailbox.
type Delivery struct {
	To    crypto.Address
	Entry Entry
}

// Stored is an entry with its place in the mailbox.
type Stored struct {
	Seq uint64 // rises within the mailbox, is never given twice, has gaps
	Entry
}

// Appended is the outcome of Append.
type Appended struct {
	// Seqs holds the number of each entry, 0 where there was no room.
	Seqs []uint64
	// StoreFull says that the room that was missing is not the mailbox's but
	// that of the whole store.
	StoreFull bool
	// Wait returns nil once everything is durable. It is called once.
	Wait func() error
}

// Limits of one mailbox. A store counts them; a test of it may lower them.
const (
	// MaxMailboxEntries bounds what waits for a device that is away.
	MaxMailboxEntries = 100_000
	// MaxMailboxBytes bounds the sealed data of those entries.
	MaxMailboxBytes = 256 << 20
	// MaxMailboxRequests bounds the requests of strangers among them.
	MaxMailboxRequests = 1000
)

// MailboxLimits are the limits of one mailbox.
type MailboxLimits struct {
	Entries, Bytes, Requests uint64
}

// DefaultMailboxLimits are the constants above.
func DefaultMailboxLimits() MailboxLimits {
	return MailboxLimits{MaxMailboxEntries, MaxMailboxBytes, MaxMailboxRequests}
}

// MailboxUse is how full a mailbox is. Receipts count apart: they are small,
// and to refuse one would keep somebody else's mailbox from emptying.
type MailboxUse struct {
	Entries, Bytes, Requests, Receipts uint64
}

// Admits reports whether a further entry fits. An acceptance may go beyond the
// limits, as far again: refused, it would leave two people of whom one knows
// that they are contacts.
func (l MailboxLimits) Admits(u MailboxUse, e Entry) bool {
	switch e.Kind {
	case KindReceipt, KindExpired:
		return u.Receipts < 2*l.Entries
	case KindRequest:
		if u.Requests >= l.Requests {
			return false
		}
	case KindAccept:
		l.Entries, l.Bytes = 2*l.Entries, 2*l.Bytes
	}
	return u.Entries < l.Entries && u.Bytes+uint64(len(e.Data)) <= l.Bytes
}

// Add counts an entry in.
func (u *MailboxUse) Add(e Entry) { u.count(e, 1) }

// Remove counts an entry out.
func (u *MailboxUse) Remove(e Entry) { u.count(e, ^uint64(0)) }

// count adds n, which is 1 or minus 1, for the entry.
func (u *MailboxUse) count(e Entry, n uint64) {
	if e.Kind.IsReceipt() {
		u.Receipts += n
		return
	}
	u.Entries += n
	u.Bytes += n * uint64(len(e.Data))
	if e.Kind == KindRequest {
		u.Requests += n
	}
}

// Pair is two different users in the order of their names.
type Pair struct{ Low, High crypto.Username }

// PairOf puts two users in order.
func PairOf(a, b crypto.Username) Pair {
	if a < b {
		return Pair{a, b}
	}
	return Pair{b, a}
}

// Relation is how the two people of a Pair stand to each other.
type Relation struct {
	Version   uint64 // 0 if nothing was ever stored
	Accepted  bool   // they are contacts
	Low, High Side
}

// Side is what one of the two has done.
type Side struct {
	Requested bool // has asked and not been answered
	Blocked   bool // wants to hear nothing from the other
}

// sides returns the side of me and that of the other.
func (r *Relation) sides(p Pair, me crypto.Username) (mine, theirs *Side) {
	if me == p.Low {
		return &r.Low, &r.High
	}
	return &r.High, &r.Low
}
