// Package relay routes sealed frames between devices, keeps what cannot be
// delivered yet, and can open none of it: it imports no sealing code.
//
// # A message's way
//
// The reader of the sender's connection decodes the frame, asks the Directory
// whether the two are contacts, and appends the sealed part to the recipient's
// mailbox. It wakes the recipient's connection, if that is here, and goes on
// to the next frame. Once the append is durable, the sender hears "stored".
// The sender goroutine of the recipient's connection reads the mailbox from
// where it stood and writes the frames in order. When the recipient acks,
// "delivered" is appended to the sender's mailbox, and after that is durable
// the message is deleted. There is no way around the mailbox, so nothing
// overtakes anything, and a crash at any point leaves a message in it.
//
// # Files
//
// A sealed file comes over HTTP, in a request that its device has signed, and goes
// piece by piece from the line into the store and back: one takes a piece of memory.
// Each piece has its time. What tells of a file is a message like any, which the
// relay cannot tell from others. Transfers end with the relay at once, for whoever
// makes them goes on or begins again.
//
// # The operator
//
// Config.Registration says who may take a new name. By invite, one use goes in the
// commit that makes the user. Suspend, Resume and Remove are about those who are
// here; whoever claims a place in the hub looks for a suspension after that, and
// Suspend looks into the hub after it has stored one, so nobody slips through.
//
// # Goroutines
//
// A connection is a reader (run, which logs in and then handles frames) and a
// sender (send, the only one that writes frames after login). While commits are under
// way there is a third (settle), which waits for them in order and queues the
// receipts. The reader returns only after the other two have. Whoever wants a
// connection to end calls requestClose; nobody else closes a socket, except
// for the timer that it starts.
//
// Locks: Relay.mu before conn.mu, presence.mu before conn.mu; hub.mu is never
// held over another.
package relay
