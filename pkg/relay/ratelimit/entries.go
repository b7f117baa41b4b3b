package ratelimit

import (
	"fmt"

	"secure-messaging/pkg/protocol"
)

// An entry is one limit: its name in a file, and what people read of it.
type entry struct {
	name  string
	by    string
	what  string
	above string // what happens then

	// One of them.
	rate   func(*Limits) *Rate
	number func(*Limits) *int64

	unit        unit
	least, most int64 // of the number, or of the burst
	pace        int64 // the least a rate may be in a second; 0 for any
}

// What a limit is by.
const (
	byAddress = "address"
	byUser    = "user"
	byTarget  = "target"
	byRelay   = "relay"
	byMailbox = "mailbox"
	byFile    = "file"
)

// What happens above a limit.
const (
	refusedHTTP  = "429 with `Retry-After`"
	unavailable  = "503"
	closed       = "closed"
	slowed       = "slowed: not read for a while"
	notAdded     = "`rate_limited` with `retryAfter`; nobody is added"
	refused      = "`rate_limited` with `retryAfter`"
	refusedClose = "`rate_limited` with `retryAfter`, then 1013"
)

// Bounds of what may be set, where there is no better reason.
const (
	mostPlaces = 1 << 20 // what a machine has sockets for
	mostBurst  = 1 << 30
)

// The least paces at which the greatest frame waits for no longer than MaxWait.
const (
	framePace = 20        // a second, of which one frame may be 100
	bytePace  = 128 << 10 // a second, of which one frame may be 512 KiB
)

// entries are all limits, in the order of a file and of the page.
var entries = []entry{
	{
		name: "connectionsPerAddress", by: byAddress, what: "WebSockets at a time", above: refusedHTTP,
		number: func(l *Limits) *int64 { return &l.ConnectionsPerAddress }, least: 1, most: mostPlaces,
	}, {
		name: "pendingLoginsPerAddress", by: byAddress, what: "of them, not logged in", above: refusedHTTP,
		number: func(l *Limits) *int64 { return &l.PendingLoginsPerAddress }, least: 1, most: mostPlaces,
	}, {
		name: "httpConnectionsPerAddress", by: byAddress, what: "other connections at a time", above: closed,
		number: func(l *Limits) *int64 { return &l.HTTPConnectionsPerAddress }, least: 1, most: mostPlaces,
	}, {
		name: "connectsPerAddress", by: byAddress, what: "new WebSockets, each a try to log in", above: refusedHTTP,
		rate: func(l *Limits) *Rate { return &l.ConnectsPerAddress }, least: 1, most: mostBurst,
	}, {
		name: "requestsPerAddress", by: byAddress, what: "other HTTP requests", above: refusedHTTP,
		rate: func(l *Limits) *Rate { return &l.RequestsPerAddress }, least: 1, most: mostBurst,
	}, {
		name: "registrationsPerAddress", by: byAddress, what: "registrations, also those that fail", above: refusedHTTP,
		rate: func(l *Limits) *Rate { return &l.RegistrationsPerAddress }, least: 1, most: mostBurst,
	}, {
		name: "framesPerUser", by: byUser, what: "frames, each once for each of its recipients; an ack of something new is free", above: slowed,
		rate: func(l *Limits) *Rate { return &l.FramesPerUser }, least: protocol.MaxRecipients, most: mostBurst, pace: framePace,
	}, {
		name: "bytesPerUser", by: byUser, what: "their bytes", above: slowed,
		rate: func(l *Limits) *Rate { return &l.BytesPerUser }, unit: octets, least: protocol.MaxFrame, most: 1 << 40, pace: bytePace,
	}, {
		name: "sustainedFramesPerUser", by: byUser, what: "frames, counted alike, over a longer time", above: refusedClose,
		rate: func(l *Limits) *Rate { return &l.SustainedFramesPerUser }, least: protocol.MaxRecipients, most: mostBurst,
	}, {
		name: "connectRequestsPerUser", by: byUser, what: "requests to connect (`connect_request`)", above: refused,
		rate: func(l *Limits) *Rate { return &l.ConnectRequestsPerUser }, least: 1, most: mostBurst,
	}, {
		name: "prekeyFetchesPerUser", by: byUser, what: "look-ups of prekeys (`fetch_prekeys`)", above: refused,
		rate: func(l *Limits) *Rate { return &l.PrekeyFetchesPerUser }, least: 1, most: mostBurst,
	}, {
		name: "prekeyPublicationsPerUser", by: byUser, what: "publications of prekeys (`publish_prekeys`)", above: refused,
		rate: func(l *Limits) *Rate { return &l.PrekeyPublicationsPerUser }, least: 1, most: mostBurst,
	}, {
		name: "presencePerUser", by: byUser, what: "lists of whom to share presence with (`presence`); an empty one is free", above: notAdded,
		rate: func(l *Limits) *Rate { return &l.PresencePerUser }, least: 1, most: mostBurst,
	}, {
		name: "fileRequestsPerUser", by: byUser, what: "requests for files (`/api/files`)", above: refusedHTTP,
		rate: func(l *Limits) *Rate { return &l.FileRequestsPerUser }, least: 1, most: mostBurst,
	}, {
		name: "fileTransfersPerUser", by: byUser, what: "files that are stored or fetched at a time", above: refusedHTTP,
		number: func(l *Limits) *int64 { return &l.FileTransfersPerUser }, least: 1, most: mostPlaces,
	}, {
		name: "filesBytesOfUser", by: byUser, what: "their files, with 16 KiB more for each", above: "`files_full`",
		number: func(l *Limits) *int64 { return &l.FilesBytesOfUser }, unit: octets, least: 32 << 10, most: maxAmount,
	}, {
		name: "oneTimePrekeysPerTarget", by: byTarget, what: "one-time prekeys handed out", above: "`prekeys` without one",
		rate: func(l *Limits) *Rate { return &l.OneTimePrekeysPerTarget }, least: 1, most: mostBurst,
	}, {
		name: "connections", by: byRelay, what: "WebSockets at a time", above: unavailable,
		number: func(l *Limits) *int64 { return &l.Connections }, least: 1, most: mostPlaces,
	}, {
		name: "pendingLogins", by: byRelay, what: "of them, not logged in", above: unavailable,
		number: func(l *Limits) *int64 { return &l.PendingLogins }, least: 1, most: mostPlaces,
	}, {
		name: "httpConnections", by: byRelay, what: "other connections at a time", above: closed,
		number: func(l *Limits) *int64 { return &l.HTTPConnections }, least: 1, most: mostPlaces,
	}, {
		name: "registrations", by: byRelay, what: "new users", above: refusedHTTP,
		rate: func(l *Limits) *Rate { return &l.Registrations }, least: 1, most: mostBurst,
	}, {
		name: "fileTransfers", by: byRelay, what: "files that are stored or fetched at a time", above: refusedHTTP,
		number: func(l *Limits) *int64 { return &l.FileTransfers }, least: 1, most: mostPlaces,
	}, {
		name: "storeBytes", by: byRelay, what: "data that waits in all mailboxes", above: "`relay_full`",
		number: func(l *Limits) *int64 { return &l.StoreBytes }, unit: octets, least: 1 << 20, most: maxAmount,
	}, {
		name: "filesBytes", by: byRelay, what: "all files, counted alike", above: "`relay_full`",
		number: func(l *Limits) *int64 { return &l.FilesBytes }, unit: octets, least: 32 << 10, most: maxAmount,
	}, {
		name: "mailboxMessages", by: byMailbox, what: "entries that wait; for acceptances twice as many; besides, twice as many receipts", above: "`mailbox_full`",
		number: func(l *Limits) *int64 { return &l.MailboxMessages }, least: 1, most: 1 << 32,
	}, {
		name: "mailboxBytes", by: byMailbox, what: "their data; for acceptances twice as much", above: "`mailbox_full`",
		number: func(l *Limits) *int64 { return &l.MailboxBytes }, unit: octets, least: protocol.MaxFrame, most: maxAmount,
	}, {
		name: "mailboxRequests", by: byMailbox, what: "connection requests among them", above: "`mailbox_full`",
		number: func(l *Limits) *int64 { return &l.MailboxRequests }, least: 1, most: 1 << 32,
	}, {
		name: "mailboxDays", by: byMailbox, what: "days that an entry waits", above: "dropped; the sender of a message hears `expired`",
		number: func(l *Limits) *int64 { return &l.MailboxDays }, least: 1, most: 3650,
	}, {
		name: "fileBytes", by: byFile, what: "its sealed bytes", above: "`too_large`",
		number: func(l *Limits) *int64 { return &l.FileBytes }, unit: octets, least: 8 << 10, most: maxAmount,
	}, {
		name: "fileDays", by: byFile, what: "days that it is kept", above: "dropped",
		number: func(l *Limits) *int64 { return &l.FileDays }, least: 1, most: 3650,
	},
}

// value is the limit as it is written.
func (e entry) value(l *Limits) string {
	if e.rate != nil {
		return e.rate(l).format(e.unit)
	}
	return e.unit.format(*e.number(l))
}

// Validate says which limit cannot be kept, and what it may be.
func (l Limits) Validate() error {
	for _, e := range entries {
		if !e.allows(&l) {
			return e.wrong()
		}
	}
	return nil
}

func (e entry) allows(l *Limits) bool {
	if e.number != nil {
		n := *e.number(l)
		return e.least <= n && n <= e.most
	}
	r := *e.rate(l)
	if r.Off() {
		return true
	}
	for _, p := range periods {
		if p.per == r.Per {
			return 0 < r.Count && r.Count <= maxAmount && e.least <= r.Burst && r.Burst <= e.most && r.PerSecond() >= float64(e.pace)
		}
	}
	return false
}

// wrong says what a limit may be.
func (e entry) wrong() error {
	least, most := e.unit.format(e.least), e.unit.format(e.most)
	switch {
	case e.number != nil && e.unit == octets:
		return fmt.Errorf("%s is a size in KiB, MiB or GiB, from %q to %q", e.name, least, most)
	case e.number != nil:
		return fmt.Errorf("%s is a number from %s to %s", e.name, least, most)
	}
	d := Default()
	pace := ""
	if e.pace > 0 {
		pace = fmt.Sprintf(" of %s/s at the least", e.unit.format(e.pace))
	}
	return fmt.Errorf("%s is %q, or a rate%s for s, min, h or d with a burst from %s to %s, such as %q", e.name, off, pace, least, most, e.value(&d))
}
