// Package relayadmin is how the operator of a relay talks to it while it runs:
// HTTP with JSON over a Unix socket in its data directory, both ends of it.
// Whoever can open the socket is the operator; there is no other proof.
//
//	GET    /relay                      what runs
//	GET    /users?after=NAME&max=N     a page of users
//	GET    /users/NAME                 one of them
//	POST   /users/NAME/suspend         and resume
//	DELETE /users/NAME
//	GET    /invites
//	POST   /invites                    an Order; the answer holds the code, once
//	DELETE /invites/ID
//	GET    /stats                      Stats
//	GET    /debug/pprof/               profiles, as package net/http/pprof has them
//
// What is refused is answered with a status and {"error": a sentence}.
package relayadmin

import (
	"time"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// Limits.
const (
	maxRequest  = 4 << 10         // bytes of a body: an Order is the longest
	maxAnswer   = 8 << 20         // bytes that a caller reads: a page of users has 1 MB at most
	maxPage     = 1000            // users of a page
	callTimeout = 5 * time.Minute // to remove a user takes as long as their mailbox does

	minExpiry, maxExpiry = 60, 10 * 365 * 24 * 60 * 60 // seconds that an invite lasts
)

// Relay is what runs.
type Relay struct {
	URL          string             `json:"url"` // that users dial
	Fingerprint  crypto.Fingerprint `json:"fingerprint"`
	Registration string             `json:"registration"`
	Version      string             `json:"version"`
	Began        time.Time          `json:"began"`
}

// User is an account.
type User struct {
	Name        crypto.Username    `json:"name"`
	Fingerprint crypto.Fingerprint `json:"fingerprint"` // of the account key, as the user's contacts see it
	Device      crypto.DeviceID    `json:"device"`
	Since       time.Time          `json:"since"` // by the clock of the device
	Online      bool               `json:"online"`
	Suspended   time.Time          `json:"suspended,omitzero"` // since when
	Waiting     uint64             `json:"waiting"`            // entries of the mailbox
	WaitBytes   uint64             `json:"waitingBytes"`
	Files       int                `json:"files,omitzero"` // of one user, not in a list
	FileBytes   int64              `json:"fileBytes,omitzero"`
}

// Invite is an invite as its operator sees it.
type Invite struct {
	ID      crypto.InviteID `json:"id"`
	Created time.Time       `json:"created"`
	Expires time.Time       `json:"expires"`
	Uses    uint32          `json:"uses"`
	Left    uint32          `json:"left"`
	Note    string          `json:"note,omitzero"`
}

// Usable reports whether somebody can still come in by it.
func (i Invite) Usable(now time.Time) bool { return i.Left > 0 && now.Before(i.Expires) }

// Order asks for an invite.
type Order struct {
	Uses    uint32 `json:"uses"`
	Seconds int64  `json:"seconds"` // until it ends
	Note    string `json:"note,omitzero"`
}

// Made is an invite with what it is worth. The code is told nowhere else.
type Made struct {
	Invite
	Code crypto.InviteCode `json:"code"`
}

type refusal struct {
	Error string `json:"error"`
}

// Stats is what a relay has done, and what it has on its hands.
type Stats struct {
	Relay      Relay             `json:"relay"`
	At         time.Time         `json:"at"`
	Load       relay.Load        `json:"load"`
	Held       relaystore.Held   `json:"held"`
	Counters   map[string]uint64 `json:"counters"` // since it began
	Goroutines int               `json:"goroutines"`
	Heap       uint64            `json:"heap"` // bytes in use
}
