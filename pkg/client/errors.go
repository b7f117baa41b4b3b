package client

// Code names an error that a caller can act on. The codes are stable: the
// command line maps each to an exit code, and they travel over the socket.
type Code string

// The codes.
const (
	CodeUsage       Code = "usage"               // a bad argument; trying again cannot help
	CodeLocked      Code = "locked"              // the passphrase is missing or wrong
	CodeNoUser      Code = "no_such_user"        // the relay knows nobody of that name
	CodeNotContact  Code = "not_a_contact"       // ask first, or wait until they accept
	CodeUnreachable Code = "unreachable"         // no relay answers
	CodeKeyChanged  Code = "key_changed"         // the relay shows another key than the pinned one
	CodePeerChanged Code = "contact_key_changed" // a contact shows another key than the pinned one; look at it first
	CodeConflict    Code = "conflict"            // what was looked at has changed meanwhile; look again
	CodeTaken       Code = "name_taken"
	CodeTimeout     Code = "timeout"
	CodeNotFound    Code = "not_found"
	CodeRefused     Code = "refused" // the relay refused, and says why
	CodeStorage     Code = "storage" // the profile's disk: full, damaged, or not ours to write
	CodeBusy        Code = "busy"    // another process holds the profile and does not answer
	CodeRateLimit   Code = "rate_limited"
	CodePartly      Code = "partly_sent" // some of several recipients have it, and some do not
	CodeInternal    Code = "internal"    // a fault of this program
)

// Error is an error that a caller can act on. Text is a sentence for the
// user that says what happened and what to do next; it never holds message
// text, keys or passphrases.
type Error struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
	Err  error  `json:"-"` // the cause, where there is one
}

func (e *Error) Error() string { return e.Text }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// One value for each code, to compare with errors.Is.
var (
	ErrUsage       = &Error{Code: CodeUsage, Text: "bad argument"}
	ErrLocked      = &Error{Code: CodeLocked, Text: "the profile is locked"}
	ErrNoUser      = &Error{Code: CodeNoUser, Text: "no such user"}
	ErrNotContact  = &Error{Code: CodeNotContact, Text: "not a contact"}
	ErrUnreachable = &Error{Code: CodeUnreachable, Text: "the relay cannot be reached"}
	ErrKeyChanged  = &Error{Code: CodeKeyChanged, Text: "a key has changed"}
	ErrPeerChanged = &Error{Code: CodePeerChanged, Text: "the key of a contact has changed"}
	ErrConflict    = &Error{Code: CodeConflict, Text: "it has changed meanwhile"}
	ErrTaken       = &Error{Code: CodeTaken, Text: "the name is taken"}
	ErrTimeout     = &Error{Code: CodeTimeout, Text: "timed out"}
	ErrNotFound    = &Error{Code: CodeNotFound, Text: "not found"}
	ErrRefused     = &Error{Code: CodeRefused, Text: "the relay refused"}
	ErrStorage     = &Error{Code: CodeStorage, Text: "the profile cannot be written"}
	ErrBusy        = &Error{Code: CodeBusy, Text: "the profile is busy"}
	ErrPartly      = &Error{Code: CodePartly, Text: "some have it, and some do not"}
	ErrRateLimit   = &Error{Code: CodeRateLimit, Text: "too many requests"}
)
