package client

import (
	"time"

	"secure-messaging/pkg/crypto"
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
	// history, read or not.
	Seen(from crypto.Address, id crypto.MessageID) (bool, error)

	// History returns the messages that q selects, oldest first; q.Limit is set.
	History(q Query) ([]Message, error)

	// Sent returns a message that this device wrote, or ErrNotFound.
	Sent(id crypto.MessageID) (Message, error)

	// MarkRead clears unread marks up to cursor and returns how many are left.
	MarkRead(contact string, cursor int64) (left int, err error)

	// Outbox returns at most max items behind position after, in order.
	Outbox(after int64, max int) ([]OutboxItem, error)
}

// Loaded is what a client keeps in memory.
type Loaded struct {
	Keys     Keys
	Contacts []ContactRecord
	Outbox   []OutboxItem // without Frame
	Profile  string       // where the store lies, for Identity
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
}

// ContactRecord is a contact as it is stored.
type ContactRecord struct {
	Contact
	Certificate crypto.Certificate // pinned with the first request in either direction
	RequestID   crypto.MessageID   // of the request that is open or was answered
	Session     []byte             // state of the end-to-end session; secret
}

// Changes is one step of the client: everything that must be written together.
type Changes struct {
	Contacts []ContactRecord // insert or replace; Unread and LastAt are not stored
	Messages []NewMessage
	States   []StateChange
	Enqueue  []OutboxItem
	Settle   []crypto.MessageID // outbox items that are done
	Stored   []crypto.MessageID // outbox items that the relay has, but the recipient does not
}

// NewMessage is a message on its way into the history.
type NewMessage struct {
	Message
	Author crypto.Address // with the id, what makes a second copy known
}

// StateChange moves a message that this device wrote to another state.
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
	Kind     string // the type of the frame
	Contact  string
	Stored   bool // the relay has it; kept until the recipient's device does
	Frame    []byte
	At       time.Time
}
