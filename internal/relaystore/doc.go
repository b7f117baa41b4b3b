// Package relaystore keeps what a relay must not forget in one directory:
// users, who may write to whom, and sealed messages on their way. It
// implements relay.Directory, relay.Prekeys, relay.Mailboxes, relay.Files,
// relay.Invites and relay.Accounts over Pebble.
//
// # Commits
//
// A change is a part of one atomic batch. It is readable as soon as Pebble has
// the batch in memory, and durable after the next fsync of Pebble's log, which
// many batches share. The log keeps the order of the batches: what is durable
// never leans on something that is not.
//
// The directory belongs to one process, and in it one goroutine, the writer,
// makes all changes of mailboxes. What comes while it writes gathers in a group
// that it writes next, as one batch. It has the records of mailboxes at hand,
// with a filter of what lies in them, so that as a rule it reads nothing.
// Changes of other records are made by their callers, and exclude each other by
// a striped lock, held until the change is readable and not until it is durable.
//
// # Numbers
//
// Sequence numbers come from one counter for all mailboxes. The store reserves
// them durably in blocks and continues after the reservation when it is opened
// again, so no number is given twice, whatever a crash took along, and an
// empty mailbox leaves no trace at all.
//
// # Room
//
// Each mailbox is bounded, and so is what waits in all of them together: by
// Options.MaxBytes, and by what the disk has left. What is beyond is refused and
// reported; what waits stays, and can be deleted on a disk that is nearly full.
//
// # Files
//
// A sealed file lies in a file of its own, in the folder "files" beside Pebble's,
// under its id. It is written as a part, synced, renamed, and then gets its record;
// to delete it, the record goes first. So what has no record is the rest of a
// crash, and is removed when the store is opened. Files have room of their own, and
// take none on a disk that is nearly full. A write of one that fails is refused,
// and ends nothing else.
//
// # Snapshots
//
// Snapshot has a copy of the store as it is at one moment, beside it, for a
// backup: a checkpoint of Pebble's, and hard links of the files. The same copy is
// kept of data of an older format before its mark is changed: see Look for what
// a directory has. What fails in there ends nothing else.
//
// # Failure
//
// The first write or fsync that fails ends the store. Pebble would panic, try
// again or end the process. Here it never hears of the failure: the goroutine
// that met it stops where it is, and so does in time the whole engine. Every
// operation, those under way included, returns relay.ErrStoreFailed with the
// cause. The directory stays locked until the process ends; the next one
// starts over from what is on the disk.
package relaystore
