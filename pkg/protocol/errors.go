package protocol

import "fmt"

// Code says why a frame or a request was refused. PROTOCOL.md lists for each
// what the sender should do.
type Code string

// The codes of error frames and of HTTP error bodies.
const (
	CodeBadFrame        Code = "bad_frame"         // not valid JSON, or a field is missing, unknown, doubled or of the wrong form
	CodeUnknownType     Code = "unknown_type"      // a frame type that this version does not have
	CodeTooLarge        Code = "too_large"         // a field or body is over its limit
	CodeNotYet          Code = "not_authenticated" // authenticate first
	CodeBadProof        Code = "bad_proof"         // the login or registration proof does not hold
	CodeAlready         Code = "already_authenticated"
	CodeBadPrekey       Code = "bad_prekey"      // not signed by the device that it is for
	CodeNoPrekeys       Code = "no_prekeys"      // the person has published none
	CodeBadCertificate  Code = "bad_certificate" // not signed, for another relay or another name
	CodeUnknownUser     Code = "unknown_user"
	CodeUnknownDevice   Code = "unknown_device" // the user has no such device (any more)
	CodeNotContact      Code = "not_a_contact"  // no accepted contact between the two
	CodeNoRequest       Code = "no_request"     // there is no request to accept
	CodeSelf            Code = "self"           // the target is the sender
	CodeBlocked         Code = "you_blocked"    // the sender has blocked the target
	CodeTaken           Code = "taken"          // the name belongs to somebody, or once did
	CodeOlderDevice     Code = "older_device"   // a device takes the place of another only with a later certificate
	CodeInviteNeeded    Code = "invite_needed"  // a new name needs an invite here
	CodeBadInvite       Code = "bad_invite"     // unknown, used up or expired
	CodeClosed          Code = "registration_closed"
	CodeSuspended       Code = "suspended" // by the relay's operator, for now
	CodeBadName         Code = "bad_name"
	CodeStale           Code = "stale"        // the nonce of a registration is too old: fetch another and try again
	CodeMailboxFull     Code = "mailbox_full" // the recipient's mailbox holds no more
	CodeRelayFull       Code = "relay_full"   // all mailboxes together hold no more
	CodeFilesFull       Code = "files_full"   // the account has too much at the relay
	CodeNoFile          Code = "no_file"      // there is no such file, or not any more
	CodeRateLimited     Code = "rate_limited" // too much in too short a time: try again after retryAfter
	CodeUnavailable     Code = "unavailable"  // the relay cannot store right now: try again later
	CodeMethod          Code = "method_not_allowed"
	CodeUnsupportedType Code = "unsupported_media_type"
	CodeNotFound        Code = "not_found"
	CodeForeignOrigin   Code = "foreign_origin" // a browser's page whose origin the operator has not named
)

// Temporary reports whether the same frame can succeed when it is sent again
// later.
func (c Code) Temporary() bool {
	return c == CodeUnavailable || c == CodeNotYet || c == CodeRateLimited
}

// Refusal is the error that the decoders return: a code for the sender and a
// text that never quotes the input.
type Refusal struct {
	Code Code
	Text string
}

func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Text }

func refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{code, fmt.Sprintf(format, args...)}
}
