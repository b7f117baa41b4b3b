package relay

import (
	"errors"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// refusals holds every code that the relay answers with, and what it says
// where the decoder has not said it better.
var refusals = map[protocol.Code]string{
	protocol.CodeBadFrame:        "the frame or body is malformed",
	protocol.CodeUnknownType:     "there is no frame of that type",
	protocol.CodeTooLarge:        "too large",
	protocol.CodeNotYet:          "log in first",
	protocol.CodeBadProof:        "the proof does not hold",
	protocol.CodeAlready:         "this connection is logged in already",
	protocol.CodeBadCertificate:  "the certificate is for another relay, name, key or time",
	protocol.CodeBadPrekey:       "a prekey is not signed by this device, or of the wrong kind",
	protocol.CodeNoPrekeys:       "they have published no prekeys",
	protocol.CodeUnknownUser:     "nobody has that name",
	protocol.CodeUnknownDevice:   "the user has no such device; look the user up again",
	protocol.CodeNotContact:      "you are not contacts",
	protocol.CodeNoRequest:       "there is no request to accept",
	protocol.CodeSelf:            "that is you",
	protocol.CodeBlocked:         "you have blocked them; a new request lifts that",
	protocol.CodeTaken:           "the name is taken; choose another",
	protocol.CodeOlderDevice:     "the account has a device whose certificate is as late; look at the clock",
	protocol.CodeInviteNeeded:    "a new name needs an invite here; ask the relay's operator for a link",
	protocol.CodeBadInvite:       "the invite is unknown, used up or expired; ask the relay's operator for another",
	protocol.CodeClosed:          "the relay takes no new names",
	protocol.CodeSuspended:       "the relay's operator has suspended this account; ask them",
	protocol.CodeBadName:         crypto.ErrUsername.Error(),
	protocol.CodeStale:           "the nonce is too old; fetch another and try again",
	protocol.CodeMailboxFull:     "their mailbox is full; they have been away for long",
	protocol.CodeRelayFull:       "too much waits at this relay; its operator can give it more room",
	protocol.CodeFilesFull:       "your files fill what this relay keeps for one account; delete some",
	protocol.CodeNoFile:          "there is no such file, or not any more",
	protocol.CodeRateLimited:     "too much in too short a time; try again later",
	protocol.CodeUnavailable:     "the relay cannot take this now; send it again later",
	protocol.CodeMethod:          "the method is not allowed here",
	protocol.CodeUnsupportedType: "the body must be application/json",
	protocol.CodeNotFound:        "there is nothing here",
	protocol.CodeForeignOrigin:   "the relay's operator has not named this origin",
}

// counterOf names the counter of a code.
func counterOf(code protocol.Code) Counter { return counterRefused + Counter(code) }

// refuse answers a frame, or the part of it for one recipient, with an error.
func (c *conn) refuse(code protocol.Code, id crypto.MessageID, recipient *crypto.Address) {
	c.relay.counters.add(counterOf(code))
	c.reply(&protocol.Error{Code: code, Message: refusals[code], ID: &id, Recipient: recipient})
}

// malformed answers a frame that the decoder or the state of the connection
// refuses, and closes the connection of a peer that does not learn.
func (c *conn) malformed(err error) {
	refusal := &protocol.Refusal{Code: protocol.CodeBadFrame, Text: refusals[protocol.CodeBadFrame]}
	errors.As(err, &refusal)
	c.relay.counters.add(counterOf(refusal.Code))
	c.reply(&protocol.Error{Code: refusal.Code, Message: refusal.Text})
	if c.bad++; c.bad >= protocol.MaxBadFrames {
		c.requestClose(closeMalformed)
	}
}

// unavailable answers a frame that the store has failed, in whole or for some
// recipients, and closes: a later frame must not overtake this one.
func (c *conn) unavailable(id crypto.MessageID, recipients ...*crypto.Address) {
	for _, to := range recipients {
		c.refuse(protocol.CodeUnavailable, id, to)
	}
	c.requestClose(closeStore)
}
