// Package profile keeps one account on one device, sealed under a passphrase.
//
// A profile is a folder that belongs to its user alone:
//
//	alice@chat.example.org+8443/
//	    key          the master key under the passphrase (package keyfile)
//	    profile.db   everything else: SQLite, each page encrypted (Adiantum)
//	                 under a key derived from the master key, with a checksum
//	                 inside the encryption
//	    server       the relay's address and pin, which are no secrets
//	    uploads/     sealed files that the relay does not have yet; their keys
//	                 are in profile.db
//	    lock         held by the one process that owns the profile
//	    socket       where that process answers all others
//
// Adiantum hides but does not authenticate. The checksum makes an altered page
// an error, because altering an encrypted page turns all of it to noise; the
// private keys and the session states are sealed once more, each under its
// name. What neither can show is that the folder, or a page of it, was
// replaced by an older copy of itself. That is so, too, where the write-ahead
// log (profile.db-wal) is taken away that a process has left which was killed.
//
// A commit that has returned outlives a crash and a failure of power. A full
// disk refuses commits until there is room. After any other fault of the disk
// the store answers every call with the same error: what it has in memory may
// not be on the disk, and only opening the profile again tells.
//
// One process owns a profile at a time:
//
//	lock, err := profile.Acquire(ref)     // client.ErrBusy: ask the owner, at SocketPath
//	defer lock.Release()
//	store, err := lock.Open(passphrase)   // client.ErrLocked: ask again
//	defer store.Close()
package profile
