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
// the same time, or when one has asked again. The side with the smaller
// account key decides which one both seal with:
//
//   - it keeps the one that it has begun itself until that was answered, and
//     otherwise takes the one that the other begins. If the other side begins
//     one meanwhile and goes on writing in that, ours has not reached it: then
//     it takes theirs;
//   - the other side takes what the smaller one begins, and follows it to the
//     session in which it writes.
//
// Messages that are on their way under another session open all the same, as
// long as it is one of the last [MaxSessions].
package session
