package ratelimit

import "time"

// Limits are all that an operator may set. They are comparable; the zero value
// is not valid, and a relay takes it for [Default].
//
// Numbers by address are for a company behind one address; numbers by user for
// somebody with programs of their own, who comes back after an outage with all
// that has gathered. Such people must never meet a limit.
type Limits struct {
	// By address, all of them before anybody has said who they are.
	ConnectionsPerAddress     int64
	PendingLoginsPerAddress   int64
	HTTPConnectionsPerAddress int64
	ConnectsPerAddress        Rate
	RequestsPerAddress        Rate
	RegistrationsPerAddress   Rate

	// By user, whatever the address.
	FramesPerUser             Rate
	BytesPerUser              Rate
	SustainedFramesPerUser    Rate
	ConnectRequestsPerUser    Rate
	PrekeyFetchesPerUser      Rate
	PresencePerUser           Rate
	PrekeyPublicationsPerUser Rate
	FileRequestsPerUser       Rate
	FileTransfersPerUser      int64

	// By the user whom others ask about.
	OneTimePrekeysPerTarget Rate

	// The relay as a whole: what its machine can bear, whoever comes.
	Connections     int64
	PendingLogins   int64
	HTTPConnections int64
	Registrations   Rate
	FileTransfers   int64

	// What waits for recipients.
	MailboxMessages int64
	MailboxBytes    int64
	MailboxRequests int64
	MailboxDays     int64
	StoreBytes      int64

	// What is kept of files.
	FileBytes        int64
	FilesBytesOfUser int64
	FilesBytes       int64
	FileDays         int64
}

// FileAge is how long a file is kept.
func (l Limits) FileAge() time.Duration { return time.Duration(l.FileDays) * day }

// MailboxAge is how long a message waits for its recipient.
func (l Limits) MailboxAge() time.Duration { return time.Duration(l.MailboxDays) * day }

// Default returns the limits of a relay whose operator has set none.
func Default() Limits {
	return Limits{
		// Two hundred people with a phone's worth of programs each.
		ConnectionsPerAddress: 500,
		// A login takes two round trips. One address needs eight of its like to
		// keep everybody from logging in.
		PendingLoginsPerAddress: 64,
		// A handshake and a request take a tenth of a second: a thousand a second.
		HTTPConnectionsPerAddress: 128,
		// The relay restarts, and all of ConnectionsPerAddress come back at once.
		// Each is one try to log in; no key is guessed, so this is limit enough.
		ConnectsPerAddress: Rate{10, time.Second, 1000},
		// Two for each login and one for each new contact, of all those people.
		RequestsPerAddress: Rate{20, time.Second, 1000},
		// A team of a hundred signs up on one morning. Afterwards, an address can
		// take 720 names a day from others.
		RegistrationsPerAddress: Rate{30, time.Hour, 100},

		// What has gathered in an outage, 10,000 messages and more, passes at once:
		// a third of a second of the relay's work. Then, a fiftieth of it.
		FramesPerUser: Rate{1000, time.Second, 20_000},
		// Those messages, of 1 KB each, and some that are long.
		BytesPerUser: Rate{2 << 20, time.Second, 32 << 20},
		// A program that reports all that happens sends a few a second. As much
		// as a full mailbox may come again before anybody is refused.
		SustainedFramesPerUser: Rate{100, time.Second, 100_000},
		// Somebody new asks a team of a hundred on the first day. Afterwards, 480
		// strangers a day can be molested.
		ConnectRequestsPerUser: Rate{20, time.Hour, 100},
		// One for each of them, and again after each loss of a session.
		PrekeyFetchesPerUser: Rate{60, time.Hour, 200},
		// A client publishes when it logs in and when its stock is low.
		PrekeyPublicationsPerUser: Rate{60, time.Hour, 60},

		// A client names its contacts when it logs in and when one is new. Each list
		// may cost 1,000 look-ups and as many frames to its owner, as many to others,
		// and to those again when it ends: 100 a second, like messages.
		PresencePerUser: Rate{120, time.Hour, 60},

		// Each of a hundred people in a group fetches a dozen files at once. One takes
		// a signature to check and two look-ups.
		FileRequestsPerUser: Rate{5, time.Second, 1000},
		// A device moves one file up and a few down at a time.
		FileTransfersPerUser: 8,

		// Of the usual stock of 50, strangers together get 30 at once and 20 in a
		// night, in which the owner is not there to publish more. A handshake does
		// without one, so nobody is kept from writing.
		OneTimePrekeysPerTarget: Rate{2, time.Hour, 30},

		// 180 MB when nobody is busy: 5 KB of heap and 12 KB of stacks each.
		Connections: 10_000,
		// A login takes two round trips: hundreds a second.
		PendingLogins: 512,
		// In their handshake, or for one request: thousands a second.
		HTTPConnections: 1024,
		// A user is 1.5 KB on the disk for ever: at most 130 MB a day.
		Registrations: Rate{1, time.Second, 200},
		// 100 KB each, and what a disk and a line share among them.
		FileTransfers: 256,

		// A month of a busy program: 3,000 messages a day.
		MailboxMessages: 100_000,
		// Those messages, of 2.6 KB each.
		MailboxBytes: 256 << 20,
		// More than anybody answers, and room for messages beside them.
		MailboxRequests: 1000,
		// Longer than a holiday.
		MailboxDays: 30,
		// 64 mailboxes that are full: a small machine's disk has as much.
		StoreBytes: 16 << 30,

		// A file of 100 MiB, which is a little more when it is sealed.
		FileBytes: 101 << 20,
		// Ten of those in a month, or a thousand photographs.
		FilesBytesOfUser: 1 << 30,
		// Twenty people who use all of that.
		FilesBytes: 20 << 30,
		// As long as the message that tells of it waits.
		FileDays: 30,
	}
}

// Unlimited returns the default limits without any rate, and without counts
// by address: for measurements, and for tests of everything else.
func Unlimited() Limits {
	l := Default()
	for _, e := range entries {
		if e.rate != nil {
			*e.rate(&l) = Rate{}
		}
	}
	l.ConnectionsPerAddress = l.Connections
	l.PendingLoginsPerAddress = l.PendingLogins
	l.HTTPConnectionsPerAddress = l.HTTPConnections
	return l
}
