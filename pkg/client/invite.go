package client

import (
	"fmt"
	"net/url"
	"strings"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// ParseInvite reads the link of an invite, wss://host:port/?invite=CODE#PIN. The
// code is not in its errors.
func ParseInvite(link string) (s Server, code crypto.InviteCode, err error) {
	bad := &Error{Code: CodeUsage, Text: "This is not the link of an invite, which looks like wss://host:port/?invite=CODE#FINGERPRINT. Copy all of it, and put it in quotes."}
	u, err := url.Parse(strings.TrimSpace(link)) // as it is copied
	if err != nil {
		return Server{}, code, bad
	}
	query := u.Query()
	codes := query["invite"]
	if u.RawQuery = ""; len(query) != 1 || len(codes) != 1 {
		return Server{}, code, bad
	}
	if _, err := crypto.ParseFingerprint(u.Fragment); err != nil { // the end is what is lost of a link
		return Server{}, code, bad
	}
	if s, err = ParseServer(u.String()); err != nil {
		return Server{}, code, err
	}
	if code.UnmarshalText([]byte(codes[0])) != nil {
		return Server{}, code, bad
	}
	return s, code, nil
}

// notAdmitted says why a relay does not let somebody in, and what to do.
func notAdmitted(s Server, code protocol.Code) error {
	text := "The relay at %s takes a new name by invite only. Ask its operator for a link, and give it: chat login NAME --invite 'LINK'"
	switch code {
	case protocol.CodeBadInvite:
		text = "The invite to the relay at %s is not known there, used up or expired. Ask its operator for another."
	case protocol.CodeClosed:
		text = "The relay at %s takes no new names. Ask its operator, or choose another relay."
	case protocol.CodeSuspended:
		text = "The operator of the relay at %s has suspended this account. Nothing is lost; ask them to let it in again."
	}
	return &Error{Code: CodeRefused, Text: fmt.Sprintf(text, s.Address())}
}
