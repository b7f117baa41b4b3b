package client

import (
	"io"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

// Store keeps one account on one device. Whoever implements it seals at rest.
// All methods may be called from any goroutine.
//
// Errors of the disk come back as *Error with CodeStorage and a sentence that
// says what to do. After a Commit that failed, nothing of it is stored.
type Store interface {
	// Load reads what the client keeps in memory.
	Load() (Loaded, error)

	// Commit writes all of the changes or nothing; when it returns they are on
	// the disk. It fills in Cursor of the Messages and Position of Enqueue.
	Commit(*Changes) error

	// Seen reports whether a message with that id from that device is in the
	// history, read or not, or was once, or is among what a Changes.Heard told.
	Seen(from crypto.Address, id crypto.MessageID) (bool, error)

	// Prekey returns the secret of a prekey, or ErrNotFound.
	Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, error)

	// Handshakes reports whether a request with that ephemeral key was opened
	// under a signed prekey, and how many were opened under it.
	Handshakes(signed crypto.PrekeyID, ephemeral crypto.BoxPublic) (seen bool, count int, err error)

	// History returns the messages that q selects, oldest first; q.Limit is set.
	History(q Query) ([]Message, error)

	// Sent returns a message that this device wrote, or ErrNotFound.
	Sent(id crypto.MessageID) (Message, error)

	// Written returns the message with that id from that device, or ErrNotFound.
	Written(author crypto.Address, id crypto.MessageID) (Message, error)

	// Place returns the message at cursor and who wrote it, or ErrNotFound.
	Place(cursor int64) (NewMessage, error)

	// MarkRead clears unread marks up to cursor. Where a message that it reads
	// is to disappear, its time begins now.
	MarkRead(contact string, cursor int64, now time.Time) (Marked, error)

	// Vanish deletes at most max messages of which GoneAt has come, the earliest
	// first, and keeps no more of them than Seen needs, not in a View that edits
	// one either. It returns them with Cursor, ID, Contact and From alone, and
	// when the next is due: zero for never.
	Vanish(now time.Time, max int) (gone []Message, next time.Time, err error)

	// Search returns the messages that q finds, the latest first; q.Limit is set.
	Search(q Search) ([]Message, error)

	// Views and SetView are those of Account.
	Views() ([]View, error)
	SetView(v View) error

	// Consumers returns the consumers, by name.
	Consumers() ([]Consumer, error)

	// Ack moves a consumer to cursor, unless it is behind that already, or makes
	// one there. It returns ErrNotFound where no message has had that cursor yet.
	Ack(consumer string, cursor int64, now time.Time) error

	// DropConsumer forgets a consumer, if it is there.
	DropConsumer(name string) error

	// Outbox returns at most max items behind position after, in order.
	Outbox(after int64, max int) ([]OutboxItem, error)

	// NewCopy begins the sealed copy of a file that is to be uploaded. A copy that
	// no Upload names is removed before the next Load.
	NewCopy(id crypto.FileID) (Copy, error)

	// OpenCopy opens a copy that was kept.
	OpenCopy(id crypto.FileID) (io.ReadCloser, error)

	// DropCopy removes a copy, if there is one.
	DropCopy(id crypto.FileID) error
}

// Copy takes the bytes of a sealed copy.
type Copy interface {
	io.Writer

	// Keep ends the copy; when it returns that is on the disk.
	Keep() error

	// Drop ends the copy and removes it, unless it was kept.
	Drop()
}

// Loaded is what a client keeps in memory.
type Loaded struct {
	Keys     Keys
	Contacts []ContactRecord
	Outbox   []OutboxItem    // without Frame
	Prekeys  []PrekeyInfo    // by id
	Prekey   crypto.PrekeyID // the highest id that was ever given to a prekey
	Profile  string          // where the store lies, for Identity
	Settings Settings        // DefaultSettings where none were set
	Groups   []GroupRecord
	Fanouts  []Fanout
	Uploads  []Upload // in their order
}

// DefaultSettings are those of a new account.
var DefaultSettings = Settings{Typing: true, Presence: true}

// Marked is what MarkRead has come to.
type Marked struct {
	Left   int              // messages of the conversation that are still unread
	Latest crypto.MessageID // of the latest message that is read now and was not, and can be told of: of another's device, TypeText or TypeFile; zero for none
}

// PrekeyInfo is what the client keeps in memory of a prekey.
type PrekeyInfo struct {
	Kind     crypto.PrekeyKind
	ID       crypto.PrekeyID
	Created  time.Time
	Replaced time.Time // of a signed prekey: when a newer one took its place; else zero
}

// Keys is the identity of a device and the relay where it is at home.
type Keys struct {
	Server      Server
	Relay       crypto.RelayPublic // pinned
	Account     crypto.AccountPrivate
	Device      crypto.DevicePrivate
	Box         crypto.BoxPrivate
	Certificate crypto.Certificate
	Registered  bool // Register has succeeded, as its caller has noted

	Invite crypto.InviteCode // that Register comes in by; zero for none, and never stored
}

// ContactRecord is a contact as it is stored.
type ContactRecord struct {
	Contact
	Certificate crypto.Certificate // pinned with the first request in either direction
	RequestID   crypto.MessageID   // of the request that is open or was answered
	Session     []byte             // state of the end-to-end session; secret

	Grade   Trust              // Pinned or Verified: what Contact.Trust is while no other key is on offer
	Offered crypto.Certificate // under another account key, shown in their name; zero for none
	Refused crypto.Fingerprint // of the account key that the user has refused last
	Sent    uint64             // how many contents were sealed for them
	Heard   uint64             // the highest number of a content of theirs; 0 before the first
	Lost    int                // messages that came and could not be opened since then
}

// Changes is one step of the client: everything that must be written together.
// What is done to messages is done in the order of the fields: first they are
// added, then their states change, then their words, reactions, and what is read.
type Changes struct {
	Contacts []ContactRecord // insert or replace; Unread, LastAt and Online are not stored
	Messages []NewMessage
	States   []StateChange
	Enqueue  []OutboxItem
	Settle   []crypto.MessageID // outbox items that are done
	Stored   []crypto.MessageID // outbox items that the relay has, but the recipient does not

	Rewrites []Rewrite
	Reacts   []React
	Reads    []Seen    // messages of this device that their recipient has read
	Heard    []Heard   // contents without a place in the history, to know a copy of them; kept for HeardFor at least
	Settings *Settings // nil for as they are

	Groups  []GroupRecord // insert or replace, by name; Unread and LastAt are not stored
	Fanouts []Fanout      // insert or replace, by message; one that is Done is forgotten

	Uploads  []Upload        // are to be done, behind those that there are
	Uploaded []crypto.FileID // uploads that are to be done no more
	Saves    []Save

	AddPrekeys     []crypto.PrekeyPrivate
	ReplacePrekeys []PrekeyInfo      // signed prekeys of which Replaced is to be set
	DropPrekeys    []crypto.PrekeyID // with their secrets, and the handshakes under them
	AddHandshakes  []Handshake
}

func (ch *Changes) empty() bool {
	return len(ch.Contacts)+len(ch.Messages)+len(ch.States)+len(ch.Enqueue)+len(ch.Settle)+len(ch.Stored)+
		len(ch.Rewrites)+len(ch.Reacts)+len(ch.Reads)+len(ch.Heard)+len(ch.Groups)+len(ch.Fanouts)+len(ch.Uploads)+len(ch.Uploaded)+len(ch.Saves)+len(ch.AddPrekeys)+len(ch.ReplacePrekeys)+len(ch.DropPrekeys)+len(ch.AddHandshakes) == 0 && ch.Settings == nil
}

// HeardFor is how long a copy of a content is known that has no place in the
// history: longer than a relay keeps what waits.
const HeardFor = 90 * 24 * time.Hour

// Rewrite gives a message other words, or none.
type Rewrite struct {
	Author  crypto.Address
	ID      crypto.MessageID
	Text    string
	Deleted bool // it keeps its place, without words and reactions; a View that edits it is forgotten
}

// React puts somebody's emoji beside a message, or takes it away.
type React struct {
	Author crypto.Address // of the message
	ID     crypto.MessageID
	By     crypto.Username
	Emoji  string // empty: none any more
	At     time.Time
}

// Seen is how far a contact has read what this device wrote to them.
type Seen struct {
	Contact string
	ID      crypto.MessageID // everything up to this one that is Stored or Delivered becomes Read, from behind the latest before it that is
}

// Heard is a content that was taken, and is no message.
type Heard struct {
	Author crypto.Address
	ID     crypto.MessageID
	At     time.Time
}

// Handshake is a request that was opened, to know a copy of it.
type Handshake struct {
	Signed    crypto.PrekeyID
	Ephemeral crypto.BoxPublic
}

// NewMessage is a message on its way into the history.
type NewMessage struct {
	Message
	Author crypto.Address // with the id, what makes a second copy known
	Sealed *SealedFile    // of TypeFile, unless it is deleted
}

// SealedFile is where a file lies and what opens it: what a recipient is told, and
// nobody else, so it is no part of a Message.
type SealedFile struct {
	Blob   crypto.FileID
	Key    file.Key
	Digest [32]byte // SHA-256 of the sealed bytes
}

// Upload is something that the relay is to be asked: to store a sealed file, or
// to forget one.
type Upload struct {
	Blob    crypto.FileID
	Message crypto.MessageID // of this device, that tells of the file; zero to forget it
	Contact string           // its conversation
}

// forgets reports whether the relay is to forget the file.
func (u Upload) forgets() bool { return u.Message == (crypto.MessageID{}) }

// Save says where the file of a message was written to.
type Save struct {
	Author crypto.Address
	ID     crypto.MessageID
	Path   string
}

// StateChange moves a message that this device wrote to another state. One that
// is Read stays so.
type StateChange struct {
	ID     crypto.MessageID
	State  MessageState
	Reason string
}

// OutboxItem is a frame that must reach the relay: the very bytes, so that a
// second try after a crash sends the same.
type OutboxItem struct {
	Position int64 // rising
	ID       crypto.MessageID
	Kind     string // the type of the frame; of one that carries a content without a place in the history, the type of that
	Contact  string
	Stored   bool             // the relay has it; kept until the recipient's device does
	Message  crypto.MessageID // of a message to a group, of which this is one member's; zero for any other
	Frame    []byte
	At       time.Time
}
