package client

import "time"

// GroupSign stands in front of the name of every group and of no contact.
const GroupSign = "+"

// Limits of groups.
const (
	MaxGroupName = 32  // bytes, without GroupSign
	MaxMembers   = 100 // of one group, its owner among them: a message is sealed for each
	MaxGroups    = 500 // of one account; of those that others make, also what it has left
)

// Group is a conversation of several. Whatever is said in it is sealed for each
// member in the session with them: the relay sees contacts write to each other.
// Who is in it, its owner says, in the sessions with the members.
type Group struct {
	Name    string     `json:"name"` // GroupSign and a name; what this profile calls it
	ID      string     `json:"id"`   // 32 hex digits, the same for all members
	State   GroupState `json:"state"`
	Owner   string     `json:"owner"`
	Members []Member   `json:"members"` // by name, this account and the owner among them
	Epoch   uint64     `json:"epoch"`   // how often it has been changed, from 1
	Since   time.Time  `json:"since"`   // when State was reached
	Unread  int        `json:"unread"`
	LastAt  time.Time  `json:"last_at,omitzero"` // of the latest message, zero if none

	// Disappear is after how many seconds messages disappear that are written
	// from now on; 0 for never.
	Disappear int `json:"disappear,omitempty"`
}

// GroupState is how this account stands to a group.
type GroupState string

// The states of a group.
const (
	Joined  GroupState = "joined"
	Left    GroupState = "left"    // this account has left it, or was removed
	Unknown GroupState = "unknown" // a member has written to it, and its owner's word has not come
)

// Member is one of a group.
type Member struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"` // of their account key, as the group's owner knows it
	Reach       Reach  `json:"reach"`
}

// Reach is whether what is said in a group goes from this account to a member.
type Reach string

// How a member is reached.
const (
	Reached  Reach = "reached"
	Self     Reach = "self"      // this account
	Stranger Reach = "stranger"  // no contact of this account, or not any more; Connect asks them
	OtherKey Reach = "other_key" // their key here is not the one that the group's owner knows, or another is on offer
	Outside  Reach = "outside"   // they have left, and the owner has not heard of it yet
)

// GroupChange is what the owner of a group wants of it, or a member.
type GroupChange struct {
	Add    []string `json:"add,omitempty"` // contacts
	Remove []string `json:"remove,omitempty"`
	Owner  string   `json:"owner,omitempty"` // the member who is the owner from now on
	// Disappear is after how many seconds messages disappear that are written
	// from now on, as in Group; nil for as it is.
	Disappear *int `json:"disappear,omitempty"`

	Leave bool `json:"leave,omitempty"` // this account leaves, and nothing else; an owner makes another member the owner first
}

// GroupNews is what a message of TypeGroup says.
type GroupNews string

// The news of a group. Names follow, but where it says otherwise.
const (
	NewsMade    GroupNews = "made"    // by its author, of these
	NewsAdded   GroupNews = "added"   // by its author, these
	NewsRemoved GroupNews = "removed" // by its author, these
	NewsLeft    GroupNews = "left"    // its author has; no name follows
	NewsOwner   GroupNews = "owner"   // is this one from now on
	NewsTimer   GroupNews = "timer"   // its owner has set after how many seconds messages disappear, in decimal; 0 for never
)
