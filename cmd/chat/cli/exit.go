package cli

import (
	"context"
	"errors"

	"secure-messaging/pkg/client"
)

// Exit codes. They are stable, and README.md lists them.
const (
	exitOK          = 0
	exitError       = 1   // a fault of the program, or of something that it needs
	exitUsage       = 2   // unknown command or flag, malformed name or text
	exitLocked      = 3   // the passphrase is missing or wrong
	exitNoUser      = 4   // the relay knows nobody of that name
	exitNotContact  = 5   // not a contact: ask first, or wait for the answer
	exitUnreachable = 6   // no relay answers; what was queued stays queued
	exitKeyChanged  = 7   // the relay shows another key than the pinned one
	exitRateLimited = 8   // too much at once; try again later
	exitTimeout     = 9   // it did not happen in the time given; what was queued stays queued
	exitTaken       = 10  // the name belongs to somebody
	exitNotFound    = 11  // no such profile, request or message
	exitRefused     = 12  // the relay, or the recipient's side of it, refused
	exitStorage     = 13  // the profile's disk: full, damaged, or not ours to write
	exitBusy        = 14  // another process holds the profile
	exitPeerChanged = 15  // a contact shows another key than the pinned one: look at it first
	exitConflict    = 16  // the safety number is another, or has become one meanwhile
	exitPartly      = 17  // some of several recipients have it, and some do not
	exitInterrupted = 130 // ctrl-c
)

var exitOf = map[client.Code]int{
	client.CodeUsage:       exitUsage,
	client.CodeLocked:      exitLocked,
	client.CodeNoUser:      exitNoUser,
	client.CodeNotContact:  exitNotContact,
	client.CodeUnreachable: exitUnreachable,
	client.CodeKeyChanged:  exitKeyChanged,
	client.CodeRateLimit:   exitRateLimited,
	client.CodeTimeout:     exitTimeout,
	client.CodeTaken:       exitTaken,
	client.CodeNotFound:    exitNotFound,
	client.CodeRefused:     exitRefused,
	client.CodeStorage:     exitStorage,
	client.CodeBusy:        exitBusy,
	client.CodePeerChanged: exitPeerChanged,
	client.CodeConflict:    exitConflict,
	client.CodePartly:      exitPartly,
	client.CodeInternal:    exitError,
}

func exitCode(err error) int {
	var known *client.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &known):
		if code, ok := exitOf[known.Code]; ok {
			return code
		}
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitError
}

// wrongUsage is a mistake in the command line.
func wrongUsage(text string) error { return &client.Error{Code: client.CodeUsage, Text: text} }
