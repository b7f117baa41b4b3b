package protocol_test

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

var registrationNonce = protocol.Sealed(bytes.Repeat([]byte{0xc3}, 56))

// bodies are every HTTP body.
func bodies() []any {
	c := vectors.Alice().Certificate
	return []any{
		&protocol.RelayInfo{Version: protocol.Version, Relay: vectors.Relay().Public(), Nonce: registrationNonce},
		&protocol.RegisterRequest{
			Username: c.User, PublicKey: c.Box, Certificate: c, SignedPrekey: signed, Host: "chat.example.org", Nonce: registrationNonce,
			AccountSignature: signature, DeviceSignature: signature,
		},
		&protocol.UserInfo{Username: c.User, PublicKey: c.Box, Certificate: c},
		&protocol.HTTPError{Code: protocol.CodeTaken, Message: "the name is taken"},
	}
}

// empty makes a body of the same type to read into.
func empty(body any) any { return reflect.New(reflect.TypeOf(body).Elem()).Interface() }

func TestBodiesRoundTrip(t *testing.T) {
	for _, b := range bodies() {
		text := protocol.EncodeBody(b)
		got := empty(b)
		if err := protocol.DecodeBody(text, got); err != nil || !reflect.DeepEqual(got, b) {
			t.Errorf("%s comes back as %+v, %v", text, got, err)
		}
	}
}

func TestRefuseBodies(t *testing.T) {
	refuses := func(what, text string, into any, want protocol.Code) {
		t.Helper()
		err := protocol.DecodeBody([]byte(text), into)
		if codeOf(err) != want {
			t.Errorf("%T %s: %v", into, what, err)
			return
		}
		silent(t, err)
	}
	member := regexp.MustCompile(`"([a-zA-Z]+)":("[^"]*"|[0-9]+),?`)
	for _, b := range bodies() {
		text := string(protocol.EncodeBody(b))
		for _, m := range member.FindAllStringSubmatchIndex(text, -1) {
			name, value := text[m[2]:m[3]], text[m[4]:m[5]]
			refuses("without "+name, strings.Replace(text[:m[0]]+text[m[1]:], `,}`, `}`, 1), empty(b), protocol.CodeBadFrame)
			refuses("with null for "+name, strings.Replace(text, value, "null", 1), empty(b), protocol.CodeBadFrame)
			refuses("with an object for "+name, strings.Replace(text, value, "{}", 1), empty(b), protocol.CodeBadFrame)
			refuses("with "+name+" twice", strings.Replace(text, "{", `{"`+name+`":`+value+`,`, 1), empty(b), protocol.CodeBadFrame)
			refuses("with "+name+" in upper case", strings.Replace(text, `"`+name+`"`, `"`+strings.ToUpper(name)+`"`, 1), empty(b), protocol.CodeBadFrame)
		}
		refuses("with an unknown member", strings.Replace(text, "{", `{"extra":1,`, 1), empty(b), protocol.CodeBadFrame)
		refuses("with something behind", text+"x", empty(b), protocol.CodeBadFrame)
		refuses("over the limit", text+strings.Repeat(" ", protocol.MaxBody), empty(b), protocol.CodeTooLarge)
		for _, none := range []string{"", "null", "[]", "{}", `""`, "1"} {
			refuses(none, none, empty(b), protocol.CodeBadFrame)
		}
		for n := range text {
			refuses("cut", text[:n], empty(b), protocol.CodeBadFrame)
		}
	}
	long := crypto.Base64(make([]byte, protocol.MaxNonce+1))
	for _, b := range bodies()[:2] {
		text := string(protocol.EncodeBody(b))
		refuses("with a long nonce", strings.Replace(text, crypto.Base64(registrationNonce), long, 1), empty(b), protocol.CodeTooLarge)
	}
	register := string(protocol.EncodeBody(bodies()[1]))
	refuses("with a long prekey", strings.Replace(register, crypto.Base64(signed), crypto.Base64(make([]byte, crypto.MaxPrekey+1)), 1), empty(bodies()[1]), protocol.CodeTooLarge)
	refuses("with a long host", strings.Replace(register, "chat.example.org", strings.Repeat("h", protocol.MaxHost+1), 1), empty(bodies()[1]), protocol.CodeTooLarge)
}
