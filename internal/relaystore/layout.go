package relaystore

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// The records. Numbers are big-endian, so that keys sort by them. A name is
// [a-z0-9_]{3,32}, so the zero byte behind it ends it. An address is
//
//	name 0x00 device[8]
//
// and the keys and values are
//
//	F                                   format[1]
//	N                                   reserved[8]: lower numbers may have been given
//	R                                   0x01 key of the relay as text
//	u name                              0x01 certificate as text, or 0x02 once removed
//	s name                              0x01 suspended since[8]
//	i hash[32]                          0x01 created[8] expires[8] uses[4] left[4] note
//	p address                           0x01 first[4] highest[4] left[4] id[4] signed prekey
//	o address id[4]                     0x01 one-time prekey
//	r name 0x00 name                    0x01 version[8] flags[1], names in order
//	b address                           0x01 first[8] entries[8] bytes[8] requests[8] receipts[8]
//	e address seq[8]                    0x01 kind[1] time[8] id[16] address data
//	k address kind[1] address id[16]    seq[8]
//	f id[16]                            0x01 size[8] expires[8] SHA-256[32] name of the owner
//
// p is there from the registration on: no one-time prekey is below first, none
// above highest was ever added.
//
// b, e and k make up a mailbox. b is there while the mailbox holds anything:
// how much, and a number that no entry is below. k finds an entry by what it
// is known by, and lives as long.
const (
	tableFormat     = 'F'
	tableNumbers    = 'N'
	tableRelay      = 'R'
	tableUser       = 'u'
	tableStock      = 'p'
	tableOneTime    = 'o'
	tableRelation   = 'r'
	tableBox        = 'b'
	tableEntry      = 'e'
	tableKnown      = 'k'
	tableFile       = 'f'
	tableInvite     = 'i'
	tableSuspension = 's'
)

// storeFormat is the version of this layout as a whole. Version 1 had no
// prekeys; its users have none. Version 2 had no entries of KindExpired, and a
// program that knows no newer one cannot read a mailbox with any. Files came
// later: a program that does not know of them passes over their records. Version 3
// had no suspensions and no removed users: a program that knows no newer one would
// let in whom the operator keeps out.
const storeFormat = 4

// valueVersion begins every value that may get more fields.
const valueVersion = 1

// errValue says nothing about the value: it may be anything.
var errValue = errors.New("a stored value cannot be read")

func userKey(name crypto.Username) []byte {
	return append([]byte{tableUser}, name...)
}

func relationKey(p relay.Pair) []byte {
	k := append([]byte{tableRelation}, p.Low...)
	k = append(k, 0)
	return append(k, p.High...)
}

func appendAddress(b []byte, a crypto.Address) []byte {
	b = append(b, a.User...)
	b = append(b, 0)
	return append(b, a.Device[:]...)
}

func addressSize(a crypto.Address) int { return len(a.User) + 1 + len(a.Device) }

func stockKey(owner crypto.Address) []byte {
	return appendAddress([]byte{tableStock}, owner)
}

func oneTimeKey(owner crypto.Address, id crypto.PrekeyID) []byte {
	return binary.BigEndian.AppendUint32(appendAddress([]byte{tableOneTime}, owner), uint32(id))
}

// oneTimeID reads the id at the end of a one-time prekey's key.
func oneTimeID(key []byte) crypto.PrekeyID {
	return crypto.PrekeyID(binary.BigEndian.Uint32(key[len(key)-4:]))
}

func boxKey(owner crypto.Address) []byte { return appendBoxKey(nil, owner) }

func boxKeySize(owner crypto.Address) int { return 1 + addressSize(owner) }

func appendBoxKey(k []byte, owner crypto.Address) []byte {
	return appendAddress(append(k, tableBox), owner)
}

func entryKey(owner crypto.Address, seq uint64) []byte {
	return appendEntryKey(nil, owner, seq)
}

func entryKeySize(owner crypto.Address) int { return 1 + addressSize(owner) + 8 }

func appendEntryKey(k []byte, owner crypto.Address, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(appendAddress(append(k, tableEntry), owner), seq)
}

// entrySeq reads the number at the end of an entry's key.
func entrySeq(key []byte) uint64 {
	return binary.BigEndian.Uint64(key[len(key)-8:])
}

func knownKey(owner crypto.Address, e relay.EntryKey) []byte {
	return appendKnownKey(nil, owner, e)
}

func knownKeySize(owner crypto.Address, e relay.Entry) int {
	return 1 + addressSize(owner) + 1 + addressSize(e.From) + len(e.ID)
}

func appendKnownKey(k []byte, owner crypto.Address, e relay.EntryKey) []byte {
	k = appendAddress(append(k, tableKnown), owner)
	k = append(k, byte(e.Kind))
	k = appendAddress(k, e.From)
	return append(k, e.ID[:]...)
}

// checkNames refuses what would not make a sound key.
func checkNames(names ...crypto.Username) error {
	for _, n := range names {
		if _, err := crypto.ParseUsername(string(n)); err != nil {
			return err
		}
	}
	return nil
}

func checkPair(p relay.Pair) error {
	if p.Low >= p.High {
		return errors.New("a pair is two different names in order")
	}
	return checkNames(p.Low, p.High)
}

func checkEntry(e relay.Entry) error {
	if e.Kind < relay.KindRequest || e.Kind > relay.KindExpired {
		return fmt.Errorf("kind %d of an entry is unknown", e.Kind)
	}
	if e.Kind.IsReceipt() && len(e.Data) > 0 {
		return errors.New("a receipt has no data")
	}
	return checkNames(e.From.User)
}

// fields reads a value from its front. Once something is missing, all that
// follows is zero and ok is false.
type fields struct {
	b    []byte
	ok   bool
	name crypto.Username // a sound one that is likely to come
}

func readFields(value []byte) fields {
	f := fields{b: value, ok: true}
	f.ok = f.byte() == valueVersion
	return f
}

func (f *fields) take(n int) []byte {
	if !f.ok || len(f.b) < n {
		f.ok = false
		return make([]byte, n)
	}
	taken := f.b[:n]
	f.b = f.b[n:]
	return taken
}

func (f *fields) byte() byte     { return f.take(1)[0] }
func (f *fields) uint32() uint32 { return binary.BigEndian.Uint32(f.take(4)) }
func (f *fields) uint64() uint64 { return binary.BigEndian.Uint64(f.take(8)) }

// address reads a name, its zero byte and a device.
func (f *fields) address() (a crypto.Address) {
	for i, c := range f.b {
		if c == 0 {
			if text := f.take(i); i > 0 && string(text) == string(f.name) {
				a.User = f.name
			} else {
				name, err := crypto.ParseUsername(string(text))
				f.ok = f.ok && err == nil
				a.User = name
			}
			f.take(1)
			copy(a.Device[:], f.take(len(a.Device)))
			return a
		}
		if i == crypto.MaxUsername {
			break
		}
	}
	f.ok = false
	return a
}

// end reports whether everything was there and nothing is left.
func (f *fields) end() bool { return f.ok && len(f.b) == 0 }

// encodeEntry takes an entry that has passed checkEntry.
func encodeEntry(e relay.Entry) []byte {
	return appendEntry(make([]byte, 0, entrySize(e)), e)
}

// entrySize is the length of an encoded entry.
func entrySize(e relay.Entry) int {
	return 2 + 8 + len(e.ID) + addressSize(e.From) + len(e.Data)
}

func appendEntry(b []byte, e relay.Entry) []byte {
	b = append(b, valueVersion, byte(e.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time))
	b = append(b, e.ID[:]...)
	b = appendAddress(b, e.From)
	return append(b, e.Data...)
}

// decodeEntry returns an entry whose Data is a part of the value.
func decodeEntry(value []byte) (relay.Entry, error) {
	return decodeEntryAfter(value, relay.Entry{})
}

// decodeEntryAfter does the same after another entry, whose sender is often the
// same and then not made anew.
func decodeEntryAfter(value []byte, last relay.Entry) (e relay.Entry, err error) {
	f := readFields(value)
	f.name = last.From.User
	e.Kind = relay.Kind(f.byte())
	e.Time = protocol.UnixMilli(f.uint64())
	copy(e.ID[:], f.take(len(e.ID)))
	e.From = f.address()
	if len(f.b) > 0 {
		e.Data = f.b
	}
	if !f.ok || checkEntry(e) != nil {
		return relay.Entry{}, errValue
	}
	return e, nil
}

// stock is the record of a device's prekeys.
type stock struct {
	first   crypto.PrekeyID // no one-time prekey is below
	highest crypto.PrekeyID // that was ever added
	left    uint32
	signed  relay.RawPrekey // zero for none
}

func encodeStock(x stock) []byte {
	b := []byte{valueVersion}
	for _, n := range []uint32{uint32(x.first), uint32(x.highest), x.left, uint32(x.signed.ID)} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(b, x.signed.Raw...)
}

func decodeStock(value []byte) (x stock, err error) {
	f := readFields(value)
	x.first, x.highest, x.left = crypto.PrekeyID(f.uint32()), crypto.PrekeyID(f.uint32()), f.uint32()
	x.signed.ID = crypto.PrekeyID(f.uint32())
	x.signed.Raw = append([]byte(nil), f.b...)
	if !f.ok || (x.signed.ID == 0) != (len(x.signed.Raw) == 0) {
		return stock{}, errValue
	}
	return x, nil
}

// box is the record of a mailbox that holds something.
type box struct {
	first uint64 // no entry is below
	use   relay.MailboxUse
}

// boxSize is the length of an encoded box.
const boxSize = 1 + 5*8

func encodeBox(x box) []byte { return appendBox(nil, x) }

func appendBox(b []byte, x box) []byte {
	b = append(b, valueVersion)
	for _, n := range [...]uint64{x.first, x.use.Entries, x.use.Bytes, x.use.Requests, x.use.Receipts} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

func decodeBox(value []byte) (x box, err error) {
	f := readFields(value)
	x.first = f.uint64()
	x.use = relay.MailboxUse{Entries: f.uint64(), Bytes: f.uint64(), Requests: f.uint64(), Receipts: f.uint64()}
	if !f.end() || x.first == 0 {
		return box{}, errValue
	}
	return x, nil
}

// Bits of a relation's flags.
const (
	flagAccepted = 1 << iota
	flagLowRequested
	flagLowBlocked
	flagHighRequested
	flagHighBlocked
	flagsEnd
)

// relationFlags pairs each bit with what it stands for.
func relationFlags(r *relay.Relation) map[byte]*bool {
	return map[byte]*bool{
		flagAccepted:      &r.Accepted,
		flagLowRequested:  &r.Low.Requested,
		flagLowBlocked:    &r.Low.Blocked,
		flagHighRequested: &r.High.Requested,
		flagHighBlocked:   &r.High.Blocked,
	}
}

func encodeRelation(r relay.Relation) []byte {
	b := binary.BigEndian.AppendUint64([]byte{valueVersion}, r.Version)
	var flags byte
	for bit, set := range relationFlags(&r) {
		if *set {
			flags |= bit
		}
	}
	return append(b, flags)
}

func decodeRelation(value []byte) (r relay.Relation, err error) {
	f := readFields(value)
	r.Version = f.uint64()
	flags := f.byte()
	for bit, set := range relationFlags(&r) {
		*set = flags&bit != 0
	}
	if !f.end() || r.Version == 0 || flags >= flagsEnd {
		return relay.Relation{}, errValue
	}
	return r, nil
}

func encodeUser(c crypto.Certificate) ([]byte, error) { return encodeText(c) }

func decodeUser(value []byte) (c crypto.Certificate, err error) {
	if err := decodeText(value, &c); err != nil {
		return crypto.Certificate{}, err
	}
	return c, nil
}

// encodeText encodes what has a text form of its own.
func encodeText(m encoding.TextMarshaler) ([]byte, error) {
	text, err := m.MarshalText()
	if err != nil {
		return nil, err
	}
	return append([]byte{valueVersion}, text...), nil
}

func decodeText(value []byte, u encoding.TextUnmarshaler) error {
	if len(value) == 0 || value[0] != valueVersion || u.UnmarshalText(value[1:]) != nil {
		return errValue
	}
	return nil
}
