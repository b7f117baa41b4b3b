package relay

import "sync/atomic"

// Counter names something that the relay counts.
type Counter string

// What is counted. Refusals of frames and requests are counted besides, under
// "refused_" and their code.
const (
	CountConnections    Counter = "connections"             // WebSockets opened
	CountLogins         Counter = "logins"                  // of them, proved who they are
	CountTakeovers      Counter = "takeovers"               // a device logged in while it was connected
	CountFramesIn       Counter = "frames_in"               // text messages read after login
	CountFramesOut      Counter = "frames_out"              // text messages written
	CountRegistered     Counter = "registered"              // new users
	CountReplaced       Counter = "replaced_devices"        // by another of the same account
	CountSuspended      Counter = "dropped_suspended"       // because their user was suspended or removed
	CountRequests       Counter = "stored_requests"         // entries stored
	CountAccepts        Counter = "stored_accepts"          //
	CountMessages       Counter = "stored_messages"         //
	CountHanded         Counter = "handed_messages"         // handed on at once
	CountSpills         Counter = "spills"                  // of such messages into their mailbox
	CountReceipts       Counter = "delivered_messages"      // acked by their recipient
	CountPublished      Counter = "published_prekeys"       // frames of new prekeys
	CountHandedOut      Counter = "handed_out_prekeys"      // look-ups for a handshake
	CountNoOneTime      Counter = "missing_one_time"        // of them, without a one-time prekey
	CountSwallowed      Counter = "swallowed_requests"      // answered like others, but the target has blocked the sender
	CountReceiptDropped Counter = "dropped_receipts"        // "delivered" for a mailbox full of them
	CountFilesStored    Counter = "stored_files"            // files that were stored
	CountFilesFetched   Counter = "fetched_files"           // requests for one, or for a part of it, that were answered
	CountFilesDeleted   Counter = "deleted_files"           // by their owner
	CountFilesExpired   Counter = "expired_files"           // dropped after they had been kept for as long as they are
	CountFilesBroken    Counter = "dropped_files"           // a body that ended early or came too slowly
	CountStoreErrors    Counter = "store_errors"            // operations of the store that failed
	CountConflicts      Counter = "directory_conflicts"     // compare-and-set tried again
	CountAckUnknown     Counter = "refused_acks"            // of something that was not sent
	CountFull           Counter = "refused_connections"     // over the limits of connections
	CountPendingFull    Counter = "refused_logins"          // over the limits of pending logins
	CountHTTPFull       Counter = "refused_http"            // over the limit of connections that are not WebSockets
	CountForeignOrigin  Counter = "refused_origins"         // cross-origin, not allowed
	CountLoginTimeout   Counter = "dropped_login_timeout"   // did not log in in time
	CountLoginBroken    Counter = "dropped_login_broken"    // went away before login
	CountSlow           Counter = "dropped_slow_answers"    // closed with 4002
	CountUnacked        Counter = "dropped_unacked"         // likewise, because acks did not come
	CountExpired        Counter = "expired_entries"         // dropped after they had waited for too long
	CountSlowed         Counter = "slowed_frames"           // read on later, because of their sender's rate
	CountRateClosed     Counter = "dropped_rate"            // closed with 1013
	CountWriteFailed    Counter = "dropped_write"           // a frame could not be written in time
	CountSilent         Counter = "dropped_silent"          // neither frame nor pong came in time
	CountBinary         Counter = "dropped_binary"          // closed with 1003
	CountMalformed      Counter = "dropped_malformed"       // closed with 1008
	CountOversize       Counter = "dropped_oversize"        // closed with 1009
	CountStoreClosed    Counter = "dropped_store_trouble"   // closed with 1011
	CountUnreadable     Counter = "skipped_mailbox_entries" // a stored entry makes no frame
)

// counterRefused begins the name of the counter of a code.
const counterRefused = "refused_"

// counters holds all counters; the map is fixed after construction.
type counters map[Counter]*atomic.Uint64

func newCounters() counters {
	c := counters{}
	for _, name := range []Counter{
		CountConnections, CountLogins, CountTakeovers, CountFramesIn, CountFramesOut, CountRegistered, CountReplaced, CountSuspended,
		countLetters, countAcks,
		CountRequests, CountAccepts, CountMessages, CountReceipts, CountPublished, CountHandedOut, CountNoOneTime, CountSwallowed, CountReceiptDropped, CountHanded, CountSpills, CountUnacked, CountExpired, CountSlowed, CountRateClosed,
		CountFilesStored, CountFilesFetched, CountFilesDeleted, CountFilesExpired, CountFilesBroken,
		CountStoreErrors, CountConflicts, CountAckUnknown, CountFull, CountPendingFull,
		CountHTTPFull, CountForeignOrigin, CountLoginTimeout, CountLoginBroken, CountSlow, CountWriteFailed,
		CountSilent, CountBinary, CountMalformed, CountOversize, CountStoreClosed, CountUnreadable,
	} {
		c[name] = new(atomic.Uint64)
	}
	for _, name := range typesIn {
		c[Counter(counterFrames+name)] = new(atomic.Uint64)
	}
	for code := range refusals {
		c[counterOf(code)] = new(atomic.Uint64)
	}
	return c
}

func (c counters) add(name Counter) { c[name].Add(1) }

func (c counters) addN(name Counter, n int) { c[name].Add(uint64(n)) }

// Snapshot returns every counter since the relay was made. The values are
// read one after the other, while others go on.
func (r *Relay) Snapshot() map[Counter]uint64 {
	s := make(map[Counter]uint64, len(r.counters))
	for name, n := range r.counters {
		s[name] = n.Load()
	}
	return s
}
