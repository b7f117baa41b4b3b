package protocol

import (
	"errors"
	"time"

	"secure-messaging/pkg/crypto"
)

// Frame is one message on the wire. The concrete types below are all there
// are; each stands under its section of PROTOCOL.md.
type Frame interface {
	// Type is the value of the frame's "type" member.
	Type() string
	// check refuses values that the JSON form allows and the protocol does not.
	check() *Refusal
}

// Sealed is a sealed body: bytes that only the recipient can open, base64url
// on the wire.
type Sealed []byte

// MarshalText writes base64url.
func (s Sealed) MarshalText() ([]byte, error) { return []byte(crypto.Base64(s)), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Sealed) UnmarshalText(text []byte) (err error) {
	*s, err = crypto.FromBase64(string(text))
	return err
}

// RawPrekey holds the bytes of a prekey, base64url on the wire. Whoever knows
// the certificate of its device checks it with crypto.ParsePrekey.
type RawPrekey []byte

// MarshalText writes base64url.
func (p RawPrekey) MarshalText() ([]byte, error) { return []byte(crypto.Base64(p)), nil }

// UnmarshalText reads what MarshalText wrote. An empty text is no prekey: one
// that is not there has no member.
func (p *RawPrekey) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		return errEmptyPrekey
	}
	*p, err = crypto.FromBase64(string(text))
	return err
}

var errEmptyPrekey = errors.New("a prekey is not empty")

// UnixMilli is a time on the wire: milliseconds since 1970, UTC.
type UnixMilli int64

// Milli converts a time.
func Milli(t time.Time) UnixMilli { return UnixMilli(t.UnixMilli()) }

// Time converts back.
func (m UnixMilli) Time() time.Time { return time.UnixMilli(int64(m)) }

// Frames from client to relay.
type (
	// Authenticate answers the challenge.
	Authenticate struct {
		Address   crypto.Address   `json:"address"`
		Host      string           `json:"host"` // as the client dialled it, without port
		Nonce     crypto.Nonce     `json:"nonce"`
		Signature crypto.Signature `json:"signature"`
	}

	// ConnectRequest asks a person to be a contact.
	ConnectRequest struct {
		ID     crypto.MessageID `json:"id"`
		Target crypto.Address   `json:"target"`
		Data   Sealed           `json:"data"` // the handshake, with content of type "request"
	}

	// AcceptConnection agrees to a request.
	AcceptConnection struct {
		ID     crypto.MessageID `json:"id"`
		Target crypto.Address   `json:"target"`
		Data   Sealed           `json:"data"` // content of type "accept", sealed to the target
	}

	// RejectConnection drops a request. The other side is not told.
	RejectConnection struct {
		ID     crypto.MessageID `json:"id"`
		Target crypto.Username  `json:"target"`
	}

	// Block ends any relation to the target and refuses new ones, untold.
	Block struct {
		ID     crypto.MessageID `json:"id"`
		Target crypto.Username  `json:"target"`
	}

	// SendMessage is encrypted_message on its way to the relay:
	// EncryptedData[i] is sealed to Recipients[i].
	SendMessage struct {
		ID            crypto.MessageID `json:"id"`
		Recipients    []crypto.Address `json:"recipients"`
		EncryptedData []Sealed         `json:"encryptedData"`
	}

	// PublishPrekeys gives the relay prekeys of this device to hand out.
	PublishPrekeys struct {
		ID      crypto.MessageID `json:"id"`
		Signed  RawPrekey        `json:"signed,omitempty"`  // replaces the one before
		OneTime []RawPrekey      `json:"oneTime,omitempty"` // are added
	}

	// FetchPrekeys asks for what a handshake with a person needs. It uses up
	// one of their one-time prekeys.
	FetchPrekeys struct {
		ID     crypto.MessageID `json:"id"`
		Target crypto.Username  `json:"target"`
	}

	// SharePresence lets the accepted contacts that it names hear whether this
	// device is connected, and asks to hear it of them. It replaces the one
	// before; nobody is told of a device that has named nobody.
	SharePresence struct {
		ID   crypto.MessageID  `json:"id"`
		With []crypto.Username `json:"with"` // may be empty
	}

	// Ack says that everything up to and including Seq is on the client's disk.
	Ack struct {
		Seq uint64 `json:"seq"`
	}
)

// Frames from relay to client. Those with a Seq come through the mailbox: in
// order, and again on the next connection until they are acked.
type (
	// Challenge opens every connection.
	Challenge struct {
		Version   int                `json:"version"`
		Relay     crypto.RelayPublic `json:"relay"`
		Nonce     crypto.Nonce       `json:"nonce"`
		Signature crypto.Signature   `json:"signature"`
	}

	// Authenticated says that the proof held.
	Authenticated struct {
		Time      UnixMilli        `json:"time"` // the relay's clock
		Signature crypto.Signature `json:"signature"`
	}

	// CaughtUp comes once on a connection, when everything that had waited in
	// the mailbox has been sent.
	CaughtUp struct{}

	// PrekeyStock says what the relay holds of this device's prekeys: on every
	// login, and when few one-time prekeys are left.
	PrekeyStock struct {
		Signed  crypto.PrekeyID `json:"signed"`           // id of the signed prekey
		OneTime int             `json:"oneTime,omitzero"` // how many are left
	}

	// Prekeys answers a FetchPrekeys.
	Prekeys struct {
		ID          crypto.MessageID   `json:"id"`
		Certificate crypto.Certificate `json:"certificate"`
		Signed      RawPrekey          `json:"signed"`
		OneTime     RawPrekey          `json:"oneTime,omitempty"` // while there are any
	}

	// Presence says of a contact who shares it whether their device is connected.
	// Until the first one, it is not.
	Presence struct {
		User  crypto.Username `json:"user"`
		State PresenceState   `json:"state"`
	}

	// ConnectionRequest hands on a ConnectRequest.
	ConnectionRequest struct {
		Seq  uint64           `json:"seq"`
		From crypto.Address   `json:"from"`
		ID   crypto.MessageID `json:"id"`
		Time UnixMilli        `json:"time"`
		Data Sealed           `json:"data"`
	}

	// ConnectionAccepted hands on an AcceptConnection.
	ConnectionAccepted struct {
		Seq  uint64           `json:"seq"`
		From crypto.Address   `json:"from"`
		ID   crypto.MessageID `json:"id"`
		Time UnixMilli        `json:"time"`
		Data Sealed           `json:"data"`
	}

	// EncryptedMessage hands on one part of a SendMessage.
	EncryptedMessage struct {
		Seq  uint64           `json:"seq"`
		From crypto.Address   `json:"from"`
		ID   crypto.MessageID `json:"id"`
		Time UnixMilli        `json:"time"` // when the relay stored it
		Data Sealed           `json:"data"`
	}

	// Receipt says how far a frame of the client has come. One that comes
	// through the mailbox has a Seq: "expired" always does, "delivered" may,
	// "stored" never.
	Receipt struct {
		Seq       uint64           `json:"seq,omitzero"`
		ID        crypto.MessageID `json:"id"`
		Recipient *crypto.Address  `json:"recipient,omitempty"` // only for messages
		State     ReceiptState     `json:"state"`
	}

	// Error refuses a frame. ID and Recipient say which, where they are known.
	Error struct {
		Code       Code              `json:"code"`
		Message    string            `json:"message"`
		ID         *crypto.MessageID `json:"id,omitempty"`
		Recipient  *crypto.Address   `json:"recipient,omitempty"`
		RetryAfter uint64            `json:"retryAfter,omitzero"` // milliseconds; with "rate_limited"
	}
)

// ReceiptState is how far a frame has come.
type ReceiptState string

// The states of a receipt.
const (
	ReceiptStored    ReceiptState = "stored"    // on the relay's disk, after the fsync
	ReceiptDelivered ReceiptState = "delivered" // acked by the recipient's device
	ReceiptExpired   ReceiptState = "expired"   // dropped: it has waited for longer than the relay keeps
)

// PresenceState is whether a device is connected.
type PresenceState string

// The states of presence.
const (
	Online  PresenceState = "online"
	Offline PresenceState = "offline"
)

// Type values. encrypted_message and presence go both ways with different
// members.
func (*Authenticate) Type() string       { return "authenticate" }
func (*ConnectRequest) Type() string     { return "connect_request" }
func (*AcceptConnection) Type() string   { return "accept_connection" }
func (*RejectConnection) Type() string   { return "reject_connection" }
func (*Block) Type() string              { return "block" }
func (*SendMessage) Type() string        { return "encrypted_message" }
func (*PublishPrekeys) Type() string     { return "publish_prekeys" }
func (*FetchPrekeys) Type() string       { return "fetch_prekeys" }
func (*SharePresence) Type() string      { return "presence" }
func (*Ack) Type() string                { return "ack" }
func (*Challenge) Type() string          { return "challenge" }
func (*Authenticated) Type() string      { return "authenticated" }
func (*CaughtUp) Type() string           { return "caught_up" }
func (*PrekeyStock) Type() string        { return "prekey_stock" }
func (*Prekeys) Type() string            { return "prekeys" }
func (*ConnectionRequest) Type() string  { return "connection_request" }
func (*ConnectionAccepted) Type() string { return "connection_accepted" }
func (*EncryptedMessage) Type() string   { return "encrypted_message" }
func (*Presence) Type() string           { return "presence" }
func (*Receipt) Type() string            { return "receipt" }
func (*Error) Type() string              { return "error" }
