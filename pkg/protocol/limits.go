package protocol

import "time"

// Version is the version of the frames that this package speaks.
const Version = 4

// Limits of what travels, in bytes unless said otherwise. Both sides check.
const (
	// MaxFrame bounds one WebSocket message. A text of the greatest length,
	// escaped, padded and in base64, takes 300 KB; a message to a hundred
	// people at once takes a hundred times its own size.
	MaxFrame = 512 << 10
	// MaxLoginFrame bounds the frame of a client that has not yet proved who
	// it is. An authenticate frame takes 500 bytes.
	MaxLoginFrame = 4 << 10
	// MaxSealed bounds one sealed message, before base64.
	MaxSealed = 256 << 10
	// MaxSealedNote bounds what rides along with a request or its acceptance.
	MaxSealedNote = 4 << 10
	// MaxPresence bounds the people whose presence one device follows.
	MaxPresence = 1000

	// MaxRecipients bounds the recipients of one frame: a full group.
	MaxRecipients = 100
	// MaxPrekeys bounds the one-time prekeys of one frame: twice a client's
	// usual stock, in 200 KB.
	MaxPrekeys = 100
	// MaxPrekeyStock bounds the one-time prekeys that wait for one device.
	MaxPrekeyStock = 200
	// LowPrekeys is how many one-time prekeys may be left before the relay
	// tells their owner, who usually has 50 there.
	LowPrekeys = 20
	// MaxHost bounds a host name (RFC 1035, section 2.3.4).
	MaxHost = 255
	// MaxNonce bounds the registration nonce of a relay, before base64. Ours
	// has 56.
	MaxNonce = 128
	// MaxNumber bounds every number: beyond it, not every JSON implementation
	// keeps them apart (RFC 7493, section 2.2).
	MaxNumber = 1<<53 - 1
	// MaxBody bounds every HTTP body. A registration, the longest, takes 3,200
	// bytes.
	MaxBody = 16 << 10
	// MaxBadFrames is how many frames of one connection may be refused as
	// malformed before it is closed: room for a bug report, not for a fuzzer.
	MaxBadFrames = 16
	// MaxErrorText bounds the message of an error.
	MaxErrorText = 300
	// maxCode bounds the code of an error; ours have up to 22 bytes.
	maxCode = 64
	// maxVersion keeps a version far from where an int ends.
	maxVersion = 1 << 16
)

// Deadlines of a connection.
const (
	// LoginTimeout is how long a connection may stay unauthenticated.
	LoginTimeout = 10 * time.Second
	// PingInterval is how often the relay pings. Below the minute after which
	// many NATs and proxies forget a silent connection.
	PingInterval = 30 * time.Second
	// ReadTimeout ends a connection on which neither frame nor ping nor pong
	// came: two pings and a slow line.
	ReadTimeout = 75 * time.Second
	// WriteTimeout ends a connection that does not take what is written to it
	// in time.
	WriteTimeout = 10 * time.Second

	// PresenceGrace is how long a device that was connected is said to be so
	// after its connection has ended, so that a short loss is none.
	PresenceGrace = 5 * time.Second
	// AckTimeout is how long a frame may stay unacked before the relay gives the
	// connection up, and stores what it has handed on there.
	AckTimeout = 15 * time.Second
)

// WebSocket close codes of our own (RFC 6455, section 7.4.2, private use),
// beside the standard ones.
const (
	// CloseTakenOver tells a device that it has logged in elsewhere. It must
	// not reconnect by itself, or two processes would fight.
	CloseTakenOver = 4001
	// CloseSlow tells a client that it did not read what the relay wrote, or did
	// not ack it.
	CloseSlow = 4002
	// CloseReplaced tells a device that another of the same account has taken its
	// place. It is not let in any more.
	CloseReplaced = 4003
)

// Paths of the relay's HTTP interface.
const (
	PathSocket   = "/ws"
	PathRegister = "/api/register"
	PathUsers    = "/api/users"
	PathRelay    = "/api/relay"
)
