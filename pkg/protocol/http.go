package protocol

import (
	"github.com/go-json-experiment/json"

	"secure-messaging/pkg/crypto"
)

// RelayInfo is the answer to GET /api/relay.
type RelayInfo struct {
	Version int                `json:"version"` // of the frames
	Relay   crypto.RelayPublic `json:"relay"`
	Nonce   Sealed             `json:"nonce"` // for one registration, good for crypto.NonceLifetime
}

// RegisterRequest is the body of POST /api/register.
type RegisterRequest struct {
	Username         crypto.Username    `json:"username"`
	PublicKey        crypto.BoxPublic   `json:"publicKey"` // the box key, as in the certificate
	Certificate      crypto.Certificate `json:"certificate"`
	SignedPrekey     RawPrekey          `json:"signedPrekey"`
	Host             string             `json:"host"` // as the client dialled it, without port
	Nonce            Sealed             `json:"nonce"`
	AccountSignature crypto.Signature   `json:"accountSignature"`
	DeviceSignature  crypto.Signature   `json:"deviceSignature"`
	Invite           crypto.InviteCode  `json:"invite,omitzero"` // for a new name, where the relay asks for it
}

// UserInfo is the answer to GET /api/users and to a registration.
type UserInfo struct {
	Username    crypto.Username    `json:"username"`
	PublicKey   crypto.BoxPublic   `json:"publicKey"`
	Certificate crypto.Certificate `json:"certificate"`
}

// HTTPError is the body of every answer with a status of 400 and above.
type HTTPError struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// DecodeBody reads a body as strictly as a frame into v, which is a pointer to
// one of the types above. The error is a *Refusal.
func DecodeBody(b []byte, v any) error {
	if len(b) > MaxBody {
		return refuse(CodeTooLarge, "a body has at most %d bytes", MaxBody)
	}
	if err := json.Unmarshal(b, v, strict); err != nil {
		return refuse(CodeBadFrame, "the body: %s", describe(err))
	}
	if r := v.(interface{ check() *Refusal }).check(); r != nil {
		return r
	}
	return nil
}

// EncodeBody writes one of the bodies above.
func EncodeBody(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("protocol: a body of our own does not encode: " + err.Error())
	}
	return b
}
