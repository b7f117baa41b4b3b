package protocol

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The JSON package refuses invalid UTF-8, doubled names and wrongly cased
// names by itself; unknown members are refused by this option. There is
// nothing to ignore: both sides know the version of the other.
var strict = json.RejectUnknownMembers(true)

// noNull refuses null where a member is optional, which the JSON package would
// take for a missing one. Where nothing is optional, in frames from a client
// and in HTTP bodies, null is missing anyway, and nobody pays for the look.
var noNull = json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, _ any) error {
	if d.PeekKind() == 'n' {
		return errNull
	}
	return errors.ErrUnsupported // means: go on as usual
}))

var errNull = errors.New("null is no value")

var fromClient = map[string]func() Frame{
	"authenticate":      func() Frame { return new(Authenticate) },
	"connect_request":   func() Frame { return new(ConnectRequest) },
	"accept_connection": func() Frame { return new(AcceptConnection) },
	"reject_connection": func() Frame { return new(RejectConnection) },
	"block":             func() Frame { return new(Block) },
	"encrypted_message": func() Frame { return new(SendMessage) },
	"publish_prekeys":   func() Frame { return new(PublishPrekeys) },
	"fetch_prekeys":     func() Frame { return new(FetchPrekeys) },
	"presence":          func() Frame { return new(SharePresence) },
	"ack":               func() Frame { return new(Ack) },
}

var fromRelay = map[string]func() Frame{
	"challenge":           func() Frame { return new(Challenge) },
	"authenticated":       func() Frame { return new(Authenticated) },
	"caught_up":           func() Frame { return new(CaughtUp) },
	"prekey_stock":        func() Frame { return new(PrekeyStock) },
	"prekeys":             func() Frame { return new(Prekeys) },
	"connection_request":  func() Frame { return new(ConnectionRequest) },
	"connection_accepted": func() Frame { return new(ConnectionAccepted) },
	"encrypted_message":   func() Frame { return new(EncryptedMessage) },
	"presence":            func() Frame { return new(Presence) },
	"receipt":             func() Frame { return new(Receipt) },
	"error":               func() Frame { return new(Error) },
}

// DecodeFromClient reads a frame that a client sent. The error is a *Refusal.
// The frame shares no memory with b.
func DecodeFromClient(b []byte) (Frame, error) { return decode(b, fromClient, strict) }

// DecodeFromRelay reads a frame that a relay sent. The error is a *Refusal.
// The frame shares no memory with b.
func DecodeFromRelay(b []byte) (Frame, error) { return decode(b, fromRelay, strict, noNull) }

// decode takes a frame whose "type" member comes first, as Encode writes it,
// in one pass over b.
func decode(b []byte, known map[string]func() Frame, opts ...json.Options) (Frame, error) {
	if len(b) > MaxFrame {
		return nil, refuse(CodeTooLarge, "a frame has at most %d bytes", MaxFrame)
	}
	name, members, err := cutType(b)
	if err != nil {
		return nil, err
	}
	newFrame, ok := known[name]
	if !ok {
		return nil, refuse(CodeUnknownType, "this relay or client knows no frame of that type")
	}
	f := newFrame()
	if err := json.Unmarshal(members, f, opts...); err != nil {
		return nil, refuse(CodeBadFrame, "%s: %s", f.Type(), describe(err))
	}
	if r := f.check(); r != nil {
		return nil, r
	}
	return f, nil
}

const jsonSpace = " \t\r\n"

// cutType reads the "type" member, which must come first, and returns the
// object without it.
func cutType(b []byte) (name string, members []byte, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(b)) // a Buffer is read in place
	open, err := d.ReadToken()
	if err != nil || open.Kind() != '{' {
		return "", nil, refuse(CodeBadFrame, "a frame is one JSON object")
	}
	key, err := d.ReadToken()
	if err != nil || key.Kind() != '"' || key.String() != "type" {
		return "", nil, refuse(CodeBadFrame, `a frame begins with its "type" member`)
	}
	value, err := d.ReadToken()
	if err != nil || value.Kind() != '"' {
		return "", nil, refuse(CodeBadFrame, `"type" is a string`)
	}
	name = value.String()
	rest := bytes.TrimLeft(b[d.InputOffset():], jsonSpace)
	if after, ok := bytes.CutPrefix(rest, []byte{','}); ok {
		rest = bytes.TrimLeft(after, jsonSpace)
		if !bytes.HasPrefix(rest, []byte{'"'}) {
			return "", nil, refuse(CodeBadFrame, "not valid JSON in UTF-8")
		}
	} else if !bytes.HasPrefix(rest, []byte{'}'}) {
		return "", nil, refuse(CodeBadFrame, "not valid JSON in UTF-8")
	}
	members = make([]byte, 0, len(rest)+1)
	members = append(members, '{')
	return name, append(members, rest...), nil
}

// describe says what is wrong with a frame without quoting it.
func describe(err error) string {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return "a member is unknown or wrongly cased"
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "a member stands twice"
	case errors.As(err, &syntax):
		return "not valid JSON in UTF-8"
	case errors.As(err, &semantic):
		return "a member has a value of the wrong form"
	}
	return "it cannot be read"
}

// Encode writes a frame: its type first, then its members. It panics for what
// no program should make: text that is not UTF-8, or a certificate that is not
// there.
func Encode(f Frame) []byte {
	body, err := json.Marshal(f)
	if err != nil {
		panic("protocol: a frame of our own does not encode: " + err.Error())
	}
	b := make([]byte, 0, len(body)+len(f.Type())+12)
	b = append(b, `{"type":"`...)
	b = append(b, f.Type()...)
	b = append(b, '"')
	if len(body) > len("{}") {
		b = append(b, ',')
	}
	return append(b, body[1:]...)
}
