package client

import (
	"errors"
	"strings"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func TestParseInvite(t *testing.T) {
	code := crypto.NewInviteCode()
	text, _ := code.MarshalText()
	pin := string(crypto.NewRelayPrivate().Public().Fingerprint())
	link := "wss://chat.example.org:443/?invite=" + string(text) + "#" + pin
	s, got, err := ParseInvite(link)
	if err != nil || got != code || s.String() != "wss://chat.example.org:443#"+pin {
		t.Fatalf("%v, %v", s, err)
	}
	if _, got, err := ParseInvite(" " + link + "\n"); err != nil || got != code {
		t.Errorf("with blanks around it: %v", err)
	}
	for _, cut := range []int{10, len(link) - len(pin) - 5, len(link) - len(pin), len(link) - 5} {
		if _, _, err := ParseInvite(link[:cut]); err == nil || !strings.Contains(err.Error(), "Copy all of it") {
			t.Errorf("cut after %d: %v", cut, err)
		}
	}
	if _, err := ParseServer(link); err == nil || !strings.Contains(err.Error(), "--invite") {
		t.Errorf("as a server: %v", err)
	}
	for name, bad := range map[string]string{
		"no code":       strings.Replace(link, "?invite="+string(text), "", 1),
		"a short code":  strings.Replace(link, string(text), string(text[1:]), 1),
		"zeros":         strings.Replace(link, string(text), strings.Repeat("A", len(text)), 1),
		"two codes":     strings.Replace(link, "#", "&invite="+string(text)+"#", 1),
		"more":          strings.Replace(link, "#", "&more=1#", 1),
		"no pin":        strings.TrimSuffix(link, "#"+pin),
		"another pin":   link + "x",
		"not encrypted": strings.Replace(link, "wss:", "ws:", 1),
		"a path":        strings.Replace(link, "/?", "/join?", 1),
	} {
		if s, _, err := ParseInvite(bad); !errors.Is(err, ErrUsage) || strings.Contains(err.Error(), string(text)) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

func TestNotAdmitted(t *testing.T) {
	said := map[string]bool{}
	for _, code := range []protocol.Code{protocol.CodeInviteNeeded, protocol.CodeBadInvite, protocol.CodeClosed, protocol.CodeSuspended} {
		err := notAdmitted(Server{Host: "chat.example.org", Port: "443"}, code)
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "chat.example.org:443") || said[err.Error()] {
			t.Errorf("%s: %v", code, err)
		}
		said[err.Error()] = true
	}
}
