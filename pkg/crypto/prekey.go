package crypto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// PrekeyKind says how often a prekey serves. Its values are on the wire.
type PrekeyKind byte

// The kinds of prekeys.
const (
	PrekeySigned  PrekeyKind = 1 // for everyone who asks, until it is replaced
	PrekeyOneTime PrekeyKind = 2 // for one handshake
)

// PrekeyID numbers the prekeys of one device, both kinds in one row. It rises
// from 1 and is never given twice.
type PrekeyID uint32

// MaxPrekey bounds the bytes of a prekey on the wire; one has 1347.
const MaxPrekey = 1536

// Prekey is what a device leaves at the relay for handshakes while it is
// away: an X25519 and an ML-KEM-768 key, signed together by the device key
// (PQXDH, revision 3, section 3.2). A Prekey comes from [PrekeyPrivate.Sign]
// or [ParsePrekey] only, so one in hand belongs to the certificate that was
// given there.
type Prekey struct {
	Kind    PrekeyKind
	ID      PrekeyID
	Created time.Time // by the device's clock, whole seconds
	Box     BoxPublic
	KEM     KEMPublic

	hash [32]byte
	raw  []byte // as on the wire, with the signature
}

// prekeyFields counts the fields of the encoding, the signature included.
const prekeyFields = 6

func (p Prekey) fields() [][]byte {
	return [][]byte{
		{byte(p.Kind)},
		binary.BigEndian.AppendUint32(nil, uint32(p.ID)),
		binary.BigEndian.AppendUint64(nil, uint64(p.Created.Unix())),
		p.Box.Bytes(),
		p.KEM.Bytes(),
	}
}

// signed is what the signature covers: the fields and, in front of them, the
// certificate of the device.
func (p Prekey) signed(owner Certificate) [][]byte {
	h := owner.Hash()
	return append([][]byte{h[:]}, p.fields()...)
}

// Hash names the prekey, and with it its owner's certificate, in proofs and
// transcripts.
func (p Prekey) Hash() [32]byte { return p.hash }

// Raw gives the bytes for the wire, which the caller must not change.
func (p Prekey) Raw() []byte { return p.raw }

// IsZero reports whether there is no prekey.
func (p Prekey) IsZero() bool { return p.raw == nil }

// ErrPrekey is the one answer to a prekey that is not one of that device.
var ErrPrekey = errors.New("the prekey is not valid")

// ParsePrekey reads a prekey and checks that the device of the certificate has
// signed it.
func ParsePrekey(raw []byte, owner Certificate) (Prekey, error) {
	f, err := decode(raw, LabelPrekey, prekeyFields)
	if err != nil || len(f[0]) != 1 || len(f[1]) != 4 || len(f[2]) != 8 || len(f[5]) != len(Signature{}) {
		return Prekey{}, ErrPrekey
	}
	p := Prekey{
		Kind: PrekeyKind(f[0][0]),
		ID:   PrekeyID(binary.BigEndian.Uint32(f[1])),
		raw:  append([]byte(nil), raw...),
	}
	created := binary.BigEndian.Uint64(f[2])
	if p.Kind != PrekeySigned && p.Kind != PrekeyOneTime || p.ID == 0 || created > maxCreated || owner.IsZero() {
		return Prekey{}, ErrPrekey
	}
	p.Created = time.Unix(int64(created), 0).UTC()
	if p.Box, err = ParseBoxPublic(f[3]); err != nil {
		return Prekey{}, ErrPrekey
	}
	if p.KEM, err = ParseKEMPublic(f[4]); err != nil {
		return Prekey{}, ErrPrekey
	}
	signed := p.signed(owner)
	if !owner.Login.Verify(Signature(f[5]), LabelPrekey, signed...) {
		return Prekey{}, ErrPrekey
	}
	p.hash = Hash(LabelPrekeyHash, signed...)
	return p, nil
}

// PrekeyPrivate is the secret half of a prekey.
type PrekeyPrivate struct {
	Kind    PrekeyKind
	ID      PrekeyID
	Created time.Time
	Box     BoxPrivate
	KEM     KEMPrivate
}

// NewPrekey makes a prekey. A clock before 1970 is taken for 1970.
func NewPrekey(kind PrekeyKind, id PrekeyID, now time.Time) PrekeyPrivate {
	return PrekeyPrivate{
		Kind: kind, ID: id, Created: time.Unix(min(max(now.Unix(), 0), maxCreated), 0).UTC(),
		Box: NewBoxPrivate(), KEM: NewKEMPrivate(),
	}
}

// Sign makes the public half, signed by the device of the certificate.
func (k PrekeyPrivate) Sign(owner Certificate, device DevicePrivate) Prekey {
	p := k.public()
	signed := p.signed(owner)
	p.hash = Hash(LabelPrekeyHash, signed...)
	sig := device.Sign(LabelPrekey, signed...)
	p.raw = Encode(LabelPrekey, append(p.fields(), sig[:])...)
	return p
}

func (k PrekeyPrivate) public() Prekey {
	return Prekey{Kind: k.Kind, ID: k.ID, Created: k.Created, Box: k.Box.Public(), KEM: k.KEM.Public()}
}

// Hash is that of the public half as a prekey of that device.
func (k PrekeyPrivate) Hash(owner Certificate) [32]byte {
	return Hash(LabelPrekeyHash, k.public().signed(owner)...)
}

const (
	prefixPrekeySecret = "prekey-secret:"
	prekeySecretSize   = 1 + 4 + 8 + KeySize + KEMSeedSize
)

// MarshalText writes the secret with its prefix: kind (1 byte), id (4),
// created (8), X25519 scalar (32), ML-KEM seed (64). The caller seals it at once.
func (k PrekeyPrivate) MarshalText() ([]byte, error) {
	b := make([]byte, 0, prekeySecretSize)
	b = append(b, byte(k.Kind))
	b = binary.BigEndian.AppendUint32(b, uint32(k.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(k.Created.Unix()))
	b = append(b, k.Box.Bytes()...)
	seed := k.KEM.Seed()
	b = append(b, seed...)
	clear(seed)
	defer clear(b)
	return keyText(prefixPrekeySecret, b)
}

// UnmarshalText reads what MarshalText wrote.
func (k *PrekeyPrivate) UnmarshalText(text []byte) error {
	b, err := parseKeyText(prefixPrekeySecret, text, prekeySecretSize)
	if err != nil {
		return err
	}
	defer clear(b)
	kind, id, created := PrekeyKind(b[0]), binary.BigEndian.Uint32(b[1:5]), binary.BigEndian.Uint64(b[5:13])
	if kind != PrekeySigned && kind != PrekeyOneTime || id == 0 || created > maxCreated {
		return errKeyText
	}
	box, err := BoxPrivateFromBytes(b[13 : 13+KeySize])
	if err != nil {
		return err
	}
	kem, err := KEMPrivateFromSeed(b[13+KeySize:])
	if err != nil {
		return err
	}
	*k = PrekeyPrivate{kind, PrekeyID(id), time.Unix(int64(created), 0).UTC(), box, kem}
	return nil
}

// Format keeps the secrets out of whatever prints the value.
func (PrekeyPrivate) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue keeps the secrets out of logs, which would ask MarshalText.
func (PrekeyPrivate) LogValue() slog.Value { return slog.StringValue(redacted) }
