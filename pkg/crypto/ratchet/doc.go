// Package ratchet is the double ratchet between two devices, with ML-KEM-768
// steps while the conversation goes on. Every message has a key of its own
// that is gone once it was used; every answer brings fresh secrets, so that
// what was stolen is soon worth nothing.
//
// A [State] is a value. Seal and Open return the next state and leave the old
// one as it was: the caller writes the step and the message in one
// transaction and keeps the old state when that fails. Nothing changes before
// a body has opened.
//
//	root     a key that every new chain goes through, with a fresh X25519
//	         agreement and, every so often, an ML-KEM secret (kdf.go)
//	chain    the keys of the messages that one side sends in a row; each
//	         message takes one and makes the next (kdf.go)
//	header   in the clear: which chain, which number; the body's key is bound
//	         to it, to the session and to the direction (header.go)
//	skipped  keys of messages that were overtaken or lost (skipped.go)
//
// The exact bytes are in E2E.md beside package crypto.
//
// Sources: Perrin and Marlinspike, "The Double Ratchet Algorithm" (2016;
// sections 2 to 3.5, new ratchet keys made as late as section 6 allows, at the
// next sending); FIPS 203. ML-KEM steps as in Apple's PQ3 (2024): a chain
// offers a key, the next chain of the other side answers it.
package ratchet
