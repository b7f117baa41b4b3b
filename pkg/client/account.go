package client

import (
	"context"
	"strings"
	"time"
)

// Account is everything that a program can do with one account on one device.
// [*Client] implements it in the process that owns the profile; the agent
// package implements it over the profile's private socket for every other
// process. Commands, the terminal interface and bots are written against it
// and never learn which of the two they hold.
//
// Every method may be called from any goroutine. Errors that a caller can act
// on are *[Error] values; compare them with errors.Is against the Err values.
//
// All text in the returned values that another person wrote (Contact.Note,
// Message.Text) is as it arrived. Whoever shows it must clean it first.
type Account interface {
	// Identity says who this account is. It never blocks on the network.
	Identity(ctx context.Context) (Identity, error)

	// Status says how the connection to the relay is right now.
	Status(ctx context.Context) (Status, error)

	// Contacts returns every person this account has a relation to, people
	// with pending requests and blocked ones too, ordered by name.
	Contacts(ctx context.Context) ([]Contact, error)

	// Connect looks a person up at the relay, pins the keys that it gives and
	// asks to be their contact. The note (at most MaxNote bytes, may be empty)
	// travels sealed. Asking somebody who has asked us accepts them.
	Connect(ctx context.Context, name, note string) (Contact, error)

	// Accept agrees to a pending request. It works offline: the answer waits
	// in the outbox.
	Accept(ctx context.Context, name string) (Contact, error)

	// Reject drops a pending request. The other side is not told.
	Reject(ctx context.Context, name string) error

	// Block ends any relation to a person: the relay hands on nothing from
	// them any more. The other side is not told.
	Block(ctx context.Context, name string) error

	// Safety returns what two people compare to know that nobody stands
	// between them, for a contact whose key is pinned.
	Safety(ctx context.Context, name string) (Safety, error)

	// Trust records what the user has decided about a contact's key after
	// looking at the safety number. The number names what was looked at: when
	// that is not in force any more, Trust returns ErrConflict and changes
	// nothing.
	Trust(ctx context.Context, name string, decision Decision, number string) (Contact, error)

	// Send seals a text (1 to MaxText bytes of UTF-8) for a contact, or for each
	// member of a group, and writes it to the outbox in one transaction. It returns as soon as that is on
	// disk, with Message.State Waiting; later states come as events.
	Send(ctx context.Context, to, text string) (Message, error)

	// Reply is Send to the conversation of the message at cursor, as an answer
	// to that message.
	Reply(ctx context.Context, cursor int64, text string) (Message, error)

	// Edit replaces the text of a message that this account wrote, on both
	// sides.
	Edit(ctx context.Context, cursor int64, text string) (Message, error)

	// Delete takes the words of a message away and leaves its place: on both
	// sides of one that this account wrote, here alone of one that came in.
	Delete(ctx context.Context, cursor int64) (Message, error)

	// React puts an emoji (at most MaxReaction bytes) beside a message, on both
	// sides, in place of the one that this account had put there. An empty one
	// takes it back.
	React(ctx context.Context, cursor int64, emoji string) (Message, error)

	// Disappear sets how long messages of a conversation are kept from now on,
	// on both sides: from 1 second to MaxDisappear, or 0 for ever. The time
	// counts for the author when it is written, and for the recipient from when
	// it is read. Both see a message of TypeTimer.
	Disappear(ctx context.Context, contact string, after time.Duration) (Contact, error)

	// Typing tells a contact that the user is writing. It does so only where
	// Settings.Typing is set, the contact is seen online, and they were not told
	// in the last TypingFor/2; otherwise it does nothing. Nothing of it is kept.
	Typing(ctx context.Context, contact string) error

	// Settings says what this account tells others.
	Settings(ctx context.Context) (Settings, error)

	// SetSettings changes it, from now on.
	SetSettings(ctx context.Context, s Settings) error

	// Search returns the messages that q finds, the latest first.
	Search(ctx context.Context, q Search) ([]Message, error)

	// Views returns how each conversation was left, of those that were not left
	// at their end with nothing written.
	Views(ctx context.Context) ([]View, error)

	// SetView writes down how a conversation is left. A View that has nothing
	// but a contact is forgotten.
	SetView(ctx context.Context, v View) error

	// SendFile sends a file, up to MaxFile bytes, to a contact or a group, with
	// words beside it (at most MaxText bytes, may be empty). It returns when a
	// sealed copy and the message, of TypeFile, are on this disk; the file itself
	// is not needed any more. The copy goes to the relay as soon as there is one
	// to take it, and then the message to the recipient; MessageChanged tells of
	// both. The path is absolute, and of the machine where the profile lies.
	SendFile(ctx context.Context, to, path, text string) (Message, error)

	// SaveFile fetches the file of the message at cursor, checks and opens it, and
	// writes it to path: a folder, in which it gets the name that it was sent
	// under, cleaned, or the name of a file that does not exist. Nothing that
	// exists is written over. It returns the path that it was written to.
	// MessageChanged tells how far it has come.
	SaveFile(ctx context.Context, cursor int64, path string) (saved string, err error)

	// Groups returns every group of this account, those that it has left too,
	// ordered by name.
	Groups(ctx context.Context) ([]Group, error)

	// MakeGroup makes a group of this account and of contacts, who are told. The
	// name is 1 to MaxGroupName of a-z, 0-9, _ and -; here the group is called by it
	// behind a GroupSign, and a number at its end where another has that name.
	MakeGroup(ctx context.Context, name string, members []string) (Group, error)

	// ChangeGroup changes who is in a group. Only its owner can, but for Leave.
	ChangeGroup(ctx context.Context, group string, change GroupChange) (Group, error)

	// Message returns a message that this account sent, or ErrNotFound.
	Message(ctx context.Context, id string) (Message, error)

	// History returns the messages that q selects, oldest first.
	History(ctx context.Context, q Query) ([]Message, error)

	// Consumers returns the consumers of this account, by name.
	Consumers(ctx context.Context) ([]Consumer, error)

	// Ack notes that a consumer has handled every message up to and including the
	// one at cursor; 0 is in front of the first. A name that is new makes a
	// consumer. A place never goes back.
	Ack(ctx context.Context, consumer string, cursor int64) error

	// DropConsumer forgets a consumer and its place.
	DropConsumer(ctx context.Context, consumer string) error

	// MarkRead clears the unread mark of a conversation up to and including
	// the message at cursor.
	MarkRead(ctx context.Context, contact string, cursor int64) error

	// Events returns what happened after position after, waiting until there
	// is something or ctx ends. Begin with after 0, which returns at once with
	// no events and the present position; then read the state you need; then
	// continue from Batch.Next. Any number of readers may follow, each at its
	// own pace. A reader that falls more than MaxEvents behind gets
	// Batch.Lagged and must read the state anew.
	Events(ctx context.Context, after uint64) (Batch, error)
}

// Limits of what callers hand in, in bytes.
const (
	MaxText = 32 * 1024 // fits one frame after padding and base64
	MaxNote = 280       // shown in a dialog; a line or two

	MaxReaction = 64 // the longest emoji sequences have 35
	MaxFind     = 256
)

// MaxFile is the size of the largest file that can be sent, in bytes. A relay may
// take less.
const MaxFile = 1 << 30

// MaxDisappear is the longest time after which messages can disappear.
const MaxDisappear = 4 * 7 * 24 * time.Hour

// TypingFor is how long a contact is taken to write after they said so.
const TypingFor = 15 * time.Second

// Identity says who an account is.
type Identity struct {
	Username    string `json:"username"`
	Server      string `json:"server"` // host:port of the relay
	Device      string `json:"device"` // this device's id, 16 hex digits
	Fingerprint string `json:"fingerprint"`
	RelayPin    string `json:"relay_pin"` // the pinned key of the relay, as in wss://host:port#PIN
	Profile     string `json:"profile"`   // the folder of the sealed profile
}

// ContactState is how two people stand to each other.
type ContactState string

// The states of a contact.
const (
	Requested ContactState = "requested" // we asked, they have not answered
	Incoming  ContactState = "incoming"  // they asked, we have not answered
	Accepted  ContactState = "accepted"  // messages flow
	Blocked   ContactState = "blocked"   // we want to hear nothing from them
	Known     ContactState = "known"     // no relation now, but the pin is kept; only in events, never in Contacts
)

// Contact is one person this account has a relation to.
type Contact struct {
	Name        string       `json:"name"`
	State       ContactState `json:"state"`
	Fingerprint string       `json:"fingerprint"`    // of the pinned account key
	Trust       Trust        `json:"trust"`          // empty while no key was ever seen
	Note        string       `json:"note,omitempty"` // of their request; their words
	Since       time.Time    `json:"since"`          // when State was reached
	Unread      int          `json:"unread"`
	LastAt      time.Time    `json:"last_at,omitzero"` // of the latest message, zero if none

	// Online says that their device is connected to the relay now, as the relay
	// says. It is never set while Settings.Presence is not, or theirs is not.
	Online bool `json:"online,omitempty"`
	// Disappear is after how many seconds messages disappear that are written
	// from now on; 0 for never.
	Disappear int `json:"disappear,omitempty"`
}

// Trust is how sure it is that a pinned key is the contact's own.
type Trust string

// The grades of trust.
const (
	Pinned   Trust = "pinned"   // the relay's word at the first contact, and the same ever since
	Verified Trust = "verified" // the user has compared safety numbers
	Changed  Trust = "changed"  // another key has been shown in their name; nothing is sent until the user has decided
)

// Safety is what two people compare by another way than this chat.
type Safety struct {
	Name   string `json:"name"`
	Trust  Trust  `json:"trust"`
	Number string `json:"number"` // 60 digits, the same on both sides
	QR     string `json:"qr"`     // text of the QR code: both fingerprints, this side's first
	// Offered is the number under the key that is shown now, when Trust is
	// Changed, and OfferedQR its QR text.
	Offered   string `json:"offered,omitempty"`
	OfferedQR string `json:"offered_qr,omitempty"`
}

// Match reports whether a text is what the other side shows when nobody stands
// between: the number, however it is spaced, or the text of their QR code.
// What they show under an offered key is no match.
func (f Safety) Match(text string) bool {
	number := digits(text)
	return number != "" && number == f.Number || f.QR != "" && strings.TrimSpace(text) == f.theirQR()
}

// theirQR is the text of the code that they show: the same two fingerprints as
// in this side's, theirs first.
func (f Safety) theirQR() string {
	parts := strings.Split(f.QR, ":")
	if n := len(parts); n >= 2 {
		parts[n-2], parts[n-1] = parts[n-1], parts[n-2]
	}
	return strings.Join(parts, ":")
}

// Decision is what a user does about a contact's key.
type Decision string

// The decisions. Each comes with the number that it is about.
const (
	MarkVerified Decision = "verified"     // Safety.Number was compared, and is theirs
	MarkPinned   Decision = "pinned"       // takes a mark back, and a refusal; with Safety.Number
	KeepKey      Decision = "keep_key"     // the key that was shown is refused; with Safety.Number
	TakeKey      Decision = "take_new_key" // the key that was shown is pinned; with Safety.Offered. The contact has to be asked anew
)

// ConnState is how the connection to the relay is.
type ConnState string

// The states of the connection.
const (
	Connecting ConnState = "connecting"
	Connected  ConnState = "connected"
	Offline    ConnState = "offline" // Status.RetryAt says when the next try is, Reason why
)

// Status describes the connection to the relay.
type Status struct {
	State   ConnState `json:"state"`
	Reason  string    `json:"reason,omitempty"`  // while not Connected: what ended the last connection, a sentence for the user
	Code    Code      `json:"code,omitempty"`    // of that, where a caller can act on it
	RetryAt time.Time `json:"retry_at,omitzero"` // set while Offline and trying again
	Fatal   bool      `json:"fatal,omitempty"`   // no further try will be made; Reason says what to do
	Waiting int       `json:"waiting"`           // messages, files, requests and answers that the relay does not have yet

	// CaughtUp is set while Connected, once everything that had waited at the
	// relay is in the profile.
	CaughtUp bool `json:"caught_up"`
}

// Event is one thing that happened. Exactly the field that Kind names is set.
type Event struct {
	Kind    EventKind `json:"kind"`
	Message *Message  `json:"message,omitempty"` // MessageAdded, MessageChanged; MessageGone with Cursor, ID, Contact and From alone
	Contact *Contact  `json:"contact,omitempty"` // ContactChanged
	Group   *Group    `json:"group,omitempty"`   // GroupChanged
	Status  *Status   `json:"status,omitempty"`  // StatusChanged
	Warning string    `json:"warning,omitempty"` // Warned: a sentence for the user
	Writing string    `json:"writing,omitempty"` // ContactWriting: the name of who writes; for TypingFor, or until a message of theirs comes
}

// EventKind names what happened.
type EventKind string

// The kinds of events.
const (
	MessageAdded   EventKind = "message"         // a message entered the history, ours or theirs
	MessageChanged EventKind = "message_changed" // its State, text or reactions changed
	MessageGone    EventKind = "message_gone"    // it has disappeared
	ContactChanged EventKind = "contact"         // a contact is new, or anything but LastAt has changed
	GroupChanged   EventKind = "group"           // a group is new, or anything but LastAt has changed
	ContactWriting EventKind = "writing"         // a contact is writing
	StatusChanged  EventKind = "status"
	Warned         EventKind = "warning" // something was refused that the user should know of
)

// Batch is what Events returns.
type Batch struct {
	Events []Event `json:"events"`
	Next   uint64  `json:"next"`             // pass it to the next call
	Lagged bool    `json:"lagged,omitempty"` // events between were dropped: read the state anew
}

// MaxEvents is how many events a client remembers for its readers. A burst of
// this size costs about 4 MB and a reader that polls at all stays within it.
const MaxEvents = 8192
