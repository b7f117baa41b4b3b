// Package client is one account on one device: the part of the product that
// holds keys, seals and opens, remembers, and keeps a connection to the relay.
//
// # Using it
//
// Everything is asked of an [Account]: the terminal interface, the commands
// and other people's bots are written against it and nothing else. [Client]
// implements it in the process that owns the account. The example below is a
// bot. In short:
//
//	c, err := client.New(store)   // from a Store: keys, contacts, history, outbox
//	go c.Run(ctx)                 // keeps it connected until ctx ends
//	c.Send(ctx, "bob", "hi")      // returns when it is on disk; states follow as events
//
// To follow what happens, fetch a position with Events(ctx, 0), read the state
// that you need, and go on from the position; [Await] does the loop. A bot that
// must not miss a message, whenever it dies, calls [Consume]. A new
// account is made once: [Meet] the relay, let the user compare its
// fingerprint, [NewKeys], keep keys and first prekey in a Store, [Register].
//
// # What it promises
//
// A message that Send has returned is on this device's disk. It is sent again,
// the same bytes, on every new connection until the recipient's device has it
// on its own disk; then its state is Delivered. It is Failed only if the relay
// refuses it for good, or its recipient does not come for it as long as the relay
// keeps it, or was blocked, or took another key, before it left.
//
// A message that came in is acked only after it was written, in the same
// transaction as the step of the session that opened it. So it survives a
// crash at any moment, is shown once however often it comes, and each author's
// messages stay in their order.
//
// Shown is only what an accepted contact's device has sealed for this one. The
// first key that the relay gives for a person is pinned, and the pin outlives
// the relation. When another key is shown in their name, nothing more is sent
// ([ErrPeerChanged]) until the user has looked at it (Safety) and decided
// (Trust); what was sealed for the old key is never sealed for the new one. The
// relay itself is known by its key, and proves it on every connection.
//
// What does not open keeps its place as [TypeUnreadable], what has not come is
// counted by a [TypeMissing] in front of what has. A session that has stopped
// to work is begun anew by Connect.
//
// What is done to a message, to edit, delete or react to it, travels as a message
// does and is kept as long: sealed, padded, acked after it is written, shown on
// both sides or told of when it fails. The relay cannot tell one from another. An
// author's device changes its own words alone, and since the present relation
// began. Messages disappear by this device's clock, with or without a connection.
// Read receipts are sent where the user has them on, and heard where the user has
// them on. That somebody is writing is the one thing that may be lost.
//
// A file goes two ways: its sealed bytes to the relay, over HTTP, and then a
// message that tells of it, as a text would. SendFile seals a copy into the Store
// and commits message and [Upload] together; a courier uploads what waits, one file
// after the other, and the step behind it forgets the upload and queues the message.
// So a crash at any moment loses nothing and sends nothing twice. SaveFile fetches
// and opens beside its target, which appears when all of it has opened.
//
// # Groups
//
// A group is a conversation of several, named with a [GroupSign] wherever a
// contact is named. Its owner alone says who is in it, with a [Roster] in the
// sessions with its members, so there is one order of changes and no fork. What is
// said in it is sealed for each member whom it reaches, in one step, and is one
// message here; Message.Reason says whom it does not reach. It is heard from whom
// the roster names, with the key that is pinned for them, and from nobody else.
//
// # How it is built
//
// The session is a state machine without I/O; sealing and opening is package
// crypto/session's. A wish of the user or a frame of the relay goes in; a step
// comes out: what must be written, acked and told. What has come together makes
// a batch: the session takes over one step after the other, Client commits the
// changes of all to the Store, and only then acks go and events tell of them. A
// commit that fails has changed nothing: the session gives all of it back. For
// frames that came in it ends the connection, so that they come again; for a
// wish its error is the answer.
//
// One lock makes batches come one after the other. It is held over a commit,
// never over the network; what comes meanwhile is the next batch, and nobody
// waits for more to come. Run has one goroutine that handles what has arrived
// and, while connected, one that reads, one that writes and one that ends them
// when ctx ends. The inbox between reader and handler is small, and the writer
// pulls from the store's outbox, so nothing queues in memory but what goes now or
// never. Beside them, one lets messages disappear and one uploads files.
//
// # Limits
//
// [MaxText], [MaxNote], [MaxFile], [MaxOutbox], [MaxUploads], [MaxRequests],
// [MaxConsumers], [MaxEvents] and [MaxLimit] bound what users, strangers and the relay can make it hold.
// Beyond them the user is refused with a sentence, a stranger's request is
// dropped with a warning, and a slow reader of events is told that it lags.
package client
