package client

import "time"

// MessageState is how far a message has come.
type MessageState string

// The states of a message, in the order in which it passes them.
const (
	Waiting   MessageState = "waiting"   // in our outbox
	Stored    MessageState = "stored"    // the relay has it on disk; passed over where it could hand it on at once
	Delivered MessageState = "delivered" // their device has it on disk
	Read      MessageState = "read"      // they have told that it was on their screen; only where both have receipts on
	Failed    MessageState = "failed"    // refused for good, or expired; Message.Reason says why
	Received  MessageState = "received"  // incoming, and on our disk
)

// Message is one message of a conversation.
type Message struct {
	Cursor  int64        `json:"cursor"`  // rises with every message of this profile; never reused
	ID      string       `json:"id"`      // 32 hex digits, unique for its author's device
	Contact string       `json:"contact"` // whose conversation this belongs to: a contact's, or a group's, by its name here
	From    string       `json:"from"`    // the author
	Type    string       `json:"type"`    // TypeText, TypeTimer, TypeUnreadable, TypeMissing, or one that needs a newer version
	Text    string       `json:"text"`
	SentAt  time.Time    `json:"sent_at"` // by the author's clock
	At      time.Time    `json:"at"`      // when it entered this profile, by our clock
	State   MessageState `json:"state"`
	Reason  string       `json:"reason,omitempty"` // why, when State is Failed, and in a group whom it does not reach, and why: a clause for the user, without a full stop
	Unread  bool         `json:"unread,omitempty"`

	File      *File      `json:"file,omitempty"`      // of TypeFile
	Reply     *Quote     `json:"reply,omitempty"`     // the message that it answers
	Edited    bool       `json:"edited,omitempty"`    // Text is not what it was first
	Deleted   bool       `json:"deleted,omitempty"`   // Text is empty, its author took it back or this account did
	Reactions []Reaction `json:"reactions,omitempty"` // at most one of each side, the earliest first
	Disappear int        `json:"disappear,omitempty"` // seconds that it is kept once it is read; 0 for ever
	GoneAt    time.Time  `json:"gone_at,omitzero"`    // when it will be gone; zero before that is known
}

// File is a file that was sent.
type File struct {
	Name  string `json:"name"`            // without folders; their words, not fit for a disk or a screen
	Size  int64  `json:"size"`            // bytes
	Done  int64  `json:"done,omitempty"`  // how many of them this device has moved, to or from the relay, while it is at it
	Saved string `json:"saved,omitempty"` // of one that came in: where it was written to last
}

// Quote is what a message answers.
type Quote struct {
	Cursor int64  `json:"cursor,omitempty"` // 0 when it is not here, or not any more
	ID     string `json:"id"`
	From   string `json:"from"`
	Text   string `json:"text,omitempty"` // its beginning as it stands now, at most MaxQuote bytes, whole characters
}

// MaxQuote is how much of a message a Quote repeats, in bytes.
const MaxQuote = 280

// Reaction is an emoji beside a message.
type Reaction struct {
	From  string `json:"from"`
	Emoji string `json:"emoji"` // their words: at most MaxReaction bytes of UTF-8
}

// Settings is what an account tells its contacts without being asked.
type Settings struct {
	Receipts bool `json:"receipts"` // tell when messages were read, and hear it; off in a new account
	Typing   bool `json:"typing"`   // tell when the user is writing, and hear it; on in a new account
	Presence bool `json:"presence"` // let the relay tell accepted contacts when this device is connected, and hear it of them; on in a new account
}

// Search selects messages by their words.
type Search struct {
	// Find is what the user has typed, at most MaxFind bytes: words, in any
	// order, all of which the message has, in any case and with or without
	// accents. A word finds what it begins. Words between quotes stand as they
	// are, next to each other.
	Find    string `json:"find"`
	Contact string `json:"contact,omitempty"` // one conversation; empty for all
	Before  int64  `json:"before,omitempty"`  // only cursors below it; 0 for no bound
	Limit   int    `json:"limit,omitempty"`   // at most MaxLimit; 0 for DefaultLimit
}

// View is how a screen left a conversation.
type View struct {
	Contact string `json:"contact"`
	Draft   string `json:"draft,omitempty"`   // what was written and not sent, at most 2 MaxText bytes
	Replies int64  `json:"replies,omitempty"` // cursor of the message that the draft answers
	Edits   int64  `json:"edits,omitempty"`   // cursor of the message that the draft replaces the text of
	Top     int64  `json:"top,omitempty"`     // cursor of the message at the top; 0 where the view follows the end
	Line    int    `json:"line,omitempty"`    // which of its lines: 0 is the first of its words, what stands above them is negative
}

// Types of messages. Any other comes from a newer version: it is kept, its
// Text is empty, and it is shown as needing that version.
const (
	TypeText       = "text"
	TypeUnreadable = "unreadable" // could not be opened: altered on its way, or not sealed for this device
	TypeMissing    = "missing"    // a gap: Text says how many messages in front of the next had not arrived, in decimal
	TypeFile       = "file"       // a file; Text is what was said with it, and may be empty
	TypeGroup      = "group"      // a group has changed; Text is a GroupNews and whom it is about, between spaces
	TypeTimer      = "timer"      // its author has set after how many seconds messages disappear; Text says it, in decimal, 0 for never
)

// Outgoing reports whether this account wrote the message.
func (m Message) Outgoing() bool { return m.State != Received }

// Written is when the author wrote the message, as far as that can be believed:
// their clock's word, but no later than the message came.
func (m Message) Written() time.Time {
	if m.SentAt.After(m.At) {
		return m.At
	}
	return m.SentAt
}

// Query selects messages of the history. The zero Query selects the latest
// DefaultLimit messages of all conversations.
type Query struct {
	Contact  string `json:"contact,omitempty"`  // one conversation; empty for all
	Before   int64  `json:"before,omitempty"`   // only cursors below it; 0 for no bound
	After    int64  `json:"after,omitempty"`    // only cursors above it, and then the earliest Limit of them; 0 for no bound and the latest Limit
	Limit    int    `json:"limit,omitempty"`    // at most MaxLimit; 0 for DefaultLimit
	Incoming bool   `json:"incoming,omitempty"` // only what others wrote
	ID       string `json:"id,omitempty"`       // only the message of that id; empty for all
}

// FromStart as Query.After selects the earliest messages of all.
const FromStart = -1

// Limits of one History answer, in messages.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)
