package client

import (
	"errors"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// content is what stands inside the box: what the author's device says of a
// message, and nothing of it comes from the relay.
//
//	{"id": …, "type": "text", "sent_at": ms, "n": …, "body": …}
//
// n counts what its author has sealed for this contact, over all sessions, so
// that what the relay keeps back leaves a gap.
//
// Types of this version: "text" (body is the message), "request" (body is the
// note, may be empty) and "accept" (body is empty). A text of an unknown type
// keeps its place in the history; its body, of any form, is not looked at.
type content struct {
	contentHead
	Body string `json:"body"`
}

// contentHead is what content of every type has, also of types to come.
type contentHead struct {
	ID     crypto.MessageID `json:"id"`
	Type   string           `json:"type"`
	SentAt int64            `json:"sent_at"` // milliseconds since 1970, by the author's clock
	N      uint64           `json:"n"`
}

const (
	contentText    = TypeText
	contentRequest = "request"
	contentAccept  = "accept"
)

var errContent = errors.New("the content is malformed")

func newContent(typ, body string, now time.Time) content {
	return content{contentHead{ID: crypto.NewMessageID(), Type: typ, SentAt: now.UnixMilli()}, body} // N comes with the seal
}

func (c content) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic("client: content of our own does not encode: " + err.Error()) // body was checked to be UTF-8
	}
	return b
}

// parseContent reads what an opened box held. Members that this version does
// not know are allowed, so that later ones can add to known types.
func parseContent(b []byte) (content, error) {
	var c content
	if json.Unmarshal(b, &c.contentHead) != nil || c.ID == (crypto.MessageID{}) || !isType(c.Type) || c.N == 0 || c.N > protocol.MaxNumber {
		return content{}, errContent
	}
	if c.Type != contentText && c.Type != contentRequest && c.Type != contentAccept {
		return c, nil
	}
	if json.Unmarshal(b, &c) != nil {
		return content{}, errContent
	}
	switch c.Type {
	case contentText:
		if checkText(c.Body) != nil {
			return content{}, errContent
		}
	case contentRequest:
		if len(c.Body) > MaxNote {
			return content{}, errContent
		}
	}
	return c, nil
}

// isType keeps the name of a type showable: it is the one word of an author
// that is not treated as their text.
func isType(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 32 && s != TypeUnreadable && s != TypeMissing
}

// sentAt is when the author says that it was sent.
func (c content) sentAt() time.Time { return sane(c.SentAt) }

// sane keeps another's clock from writing years that no format can show, in
// any time zone.
func sane(milli int64) time.Time {
	const farAway = 253402214400000 // the last day of the year 9999
	return time.UnixMilli(min(max(milli, 0), farAway))
}

func checkText(text string) error {
	switch {
	case text == "":
		return &Error{Code: CodeUsage, Text: "An empty message is not sent."}
	case len(text) > MaxText:
		return &Error{Code: CodeUsage, Text: "The message is too long: at most 32 KiB go in one. Split it."}
	case !utf8.ValidString(text):
		return &Error{Code: CodeUsage, Text: "The message is not valid UTF-8 text. Convert it first, for example with iconv."}
	}
	return nil
}
