package client

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// content is what stands inside the box: what the author's device says of a
// message, and nothing of it comes from the relay.
//
//	{"id": …, "type": "text", "sent_at": ms, "n": …, "body": …, "about": {"from": …, "id": …}, "expires": s}
//
// n counts what its author has sealed for this contact, over all sessions, so
// that what the relay keeps back leaves a gap. PROTOCOL.md says what each type
// holds. A content of an unknown type keeps its place in the history; its body,
// of any form, is not looked at.
type content struct {
	contentHead
	Body    string `json:"body"`
	About   about  `json:"about,omitzero"`
	Expires int    `json:"expires,omitzero"` // of a text or a file: seconds after which it disappears

	File   *fileContent `json:"file,omitzero"`
	Roster *Roster      `json:"roster,omitzero"` // of a group, from its owner
}

// about names a message of a conversation.
type about struct {
	From crypto.Username  `json:"from"`
	ID   crypto.MessageID `json:"id"`
}

// names reports whether there is a message that it can name.
func (a about) names() bool { return a.From != "" && a.ID != (crypto.MessageID{}) }

// contentHead is what content of every type has, also of types to come.
type contentHead struct {
	ID     crypto.MessageID `json:"id"`
	Type   string           `json:"type"`
	SentAt int64            `json:"sent_at"` // milliseconds since 1970, by the author's clock
	N      uint64           `json:"n"`
	Group  *groupRef        `json:"group,omitzero"` // in which it is said; nil for between two
}

const (
	contentText    = TypeText
	contentRequest = "request"
	contentAccept  = "accept"
	contentTimer   = TypeTimer
	contentEdit    = "edit"
	contentDelete  = "delete"
	contentReact   = "react"
	contentTyping  = "typing"
	contentRead    = "read"
	contentFile    = TypeFile
	contentGroup   = TypeGroup
	contentLeave   = "leave"
)

// quiet reports whether content of a type has no place in the history.
func quiet(typ string) bool {
	switch typ {
	case contentEdit, contentDelete, contentReact, contentTyping, contentRead, contentGroup, contentLeave:
		return true
	}
	return false
}

var errContent = errors.New("the content is malformed")

func newContent(typ, body string, now time.Time) content {
	return content{contentHead: contentHead{ID: crypto.NewMessageID(), Type: typ, SentAt: now.UnixMilli()}, Body: body} // N comes with the seal
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
	if json.Unmarshal(b, &c.contentHead) != nil || c.ID == (crypto.MessageID{}) || !isType(c.Type) || c.N == 0 || c.N > protocol.MaxNumber || !c.Group.well() {
		return content{}, errContent
	}
	well, known := forms[c.Type]
	if known && (json.Unmarshal(b, &c) != nil || !well(&c)) {
		return content{}, errContent
	}
	return c, nil
}

// forms says of each type of this version what makes a content well formed.
var forms = map[string]func(*content) bool{
	contentText: func(c *content) bool {
		return checkText(c.Body) == nil && (c.About == (about{}) || c.About.names()) && c.Expires >= 0 && c.Expires <= maxExpires
	},
	contentFile: func(c *content) bool {
		return checkWords(c.Body) == nil && (c.About == (about{}) || c.About.names()) && c.Expires >= 0 && c.Expires <= maxExpires && c.File.well()
	},
	contentRequest: func(c *content) bool { return len(c.Body) <= MaxNote },
	contentAccept:  func(*content) bool { return true },
	contentTimer:   func(c *content) bool { _, ok := parseTimer(c.Body); return ok },
	contentEdit:    func(c *content) bool { return checkText(c.Body) == nil && c.About.names() },
	contentDelete:  func(c *content) bool { return c.Body == "" && c.About.names() },
	contentReact:   func(c *content) bool { return isReaction(c.Body) && c.About.names() },
	contentTyping:  func(c *content) bool { return c.Body == "" },
	contentRead:    func(c *content) bool { return c.Body == "" && c.About.names() },
	contentGroup:   func(c *content) bool { return c.Roster.Valid() && c.Group == nil },
	contentLeave:   func(c *content) bool { return c.Body == "" && c.Group != nil },
}

// between reports whether a content may be what one person has sealed for
// another, by the message that it is about.
func (c *content) between(author, reader crypto.Username) bool {
	from := c.About.From
	if c.Group != nil {
		return c.fitsGroup(author)
	}
	switch c.Type {
	case contentRequest, contentAccept:
		return false // these have frames of their own
	case contentEdit, contentDelete:
		return from == author
	case contentRead:
		return from == reader
	case contentText, contentFile, contentReact:
		return from == "" || from == author || from == reader
	}
	return true
}

const maxExpires = int(MaxDisappear / time.Second)

// parseTimer reads seconds as strconv.Itoa writes them.
func parseTimer(s string) (seconds int, ok bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n <= maxExpires && strconv.Itoa(n) == s
}

// isReaction reports whether a text may stand beside a message: an emoji, or
// none.
func isReaction(s string) bool {
	return len(s) <= MaxReaction && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
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
	if text == "" {
		return &Error{Code: CodeUsage, Text: "An empty message is not sent."}
	}
	return checkWords(text)
}

// checkWords is checkText for words that may be none.
func checkWords(text string) error {
	switch {
	case len(text) > MaxText:
		return &Error{Code: CodeUsage, Text: "The message is too long: at most 32 KiB go in one. Split it."}
	case !utf8.ValidString(text):
		return &Error{Code: CodeUsage, Text: "The message is not valid UTF-8 text. Convert it first, for example with iconv."}
	}
	return nil
}
