// Package session is all that two devices of two people share: the sessions
// that they have begun, newest first. It is what a client uses; the parts are
// in packages handshake (how a session begins), ratchet (how it goes on),
// padding and seal.
//
// A [Session] is a value: Seal, Open and Join return the next one and leave
// the old one as it was, so that a caller can write the step and the message
// in one transaction and keep the old state when that fails.
//
// There is more than one session between two devices when both have asked at
// the same time, or when one has asked again. Each side seals with the one
// that the other holds for certain: that in which something has come last. A
// session that it has begun itself it seals with from the beginning, and does
// not leave before something has come in it. Of two that were begun at the
// same time, both come to that of the smaller account key, whose side does not
// leave it any more. Until then each side opens both: the last [MaxSessions]
// are kept.
package session
