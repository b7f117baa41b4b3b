package protocol

import (
	"bytes"
	"encoding/hex"
	"strconv"

	"secure-messaging/pkg/crypto"
)

// What a relay does for every message, without the JSON package: it reads the
// one shape in which Encode writes such a frame, and leaves every other to
// DecodeFromClient. Whatever these functions take, that one takes to the same
// effect, and whatever they write, Encode writes.

// Letter is an encrypted_message on its way to the relay, for one recipient.
// Its texts are parts of the frame.
type Letter struct {
	ID   crypto.MessageID
	To   []byte // text of the recipient's address, not checked
	Data []byte // base64url of the sealed data, checked
}

// ScanLetter reads an encrypted_message for one recipient.
func ScanLetter(frame []byte) (l Letter, ok bool) {
	if len(frame) > MaxFrame {
		return l, false
	}
	b, ok := bytes.CutPrefix(frame, []byte(`{"type":"encrypted_message","id":"`))
	if !ok || len(b) < idText {
		return l, false
	}
	id, b := b[:idText], b[idText:]
	if _, err := hex.Decode(l.ID[:], id); err != nil || bytes.ContainsAny(id, "ABCDEF") || l.ID == (crypto.MessageID{}) {
		return l, false
	}
	if b, ok = bytes.CutPrefix(b, []byte(`","recipients":["`)); !ok {
		return l, false
	}
	end := bytes.IndexByte(b, '"')
	if end < 0 {
		return l, false
	}
	l.To, b = b[:end], b[end:]
	if b, ok = bytes.CutPrefix(b, []byte(`"],"encryptedData":["`)); !ok {
		return l, false
	}
	l.Data, ok = bytes.CutSuffix(b, []byte(`"]}`))
	return l, ok && isBase64(l.Data) && len(l.Data) > 0 && len(l.Data) <= maxSealedText
}

const (
	idText        = 2 * len(crypto.MessageID{})
	maxSealedText = (MaxSealed*8 + 5) / 6
)

// ScanAck reads an ack.
func ScanAck(frame []byte) (seq uint64, ok bool) {
	b, ok := bytes.CutPrefix(frame, []byte(`{"type":"ack","seq":`))
	if !ok {
		return 0, false
	}
	b, ok = bytes.CutSuffix(b, []byte(`}`))
	if !ok || len(b) == 0 || len(b) > 15 || b[0] == '0' {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		seq = 10*seq + uint64(c-'0')
	}
	return seq, true
}

// base64Values holds the value of each letter of base64url, 0x80 for all that
// is none.
var base64Values = func() (values [256]byte) {
	for i := range values {
		values[i] = 0x80
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		values[c] = byte(i)
	}
	return values
}()

// isBase64 reports whether a text is canonical unpadded base64url.
func isBase64(text []byte) bool {
	var all byte
	rest := text
	for ; len(rest) >= 8; rest = rest[8:] { // in one step for the processor
		all |= base64Values[rest[0]] | base64Values[rest[1]] | base64Values[rest[2]] | base64Values[rest[3]] |
			base64Values[rest[4]] | base64Values[rest[5]] | base64Values[rest[6]] | base64Values[rest[7]]
	}
	for _, c := range rest {
		all |= base64Values[c]
	}
	if all&0x80 != 0 {
		return false
	}
	switch len(text) % 4 {
	case 1:
		return false
	case 2:
		return base64Values[text[len(text)-1]]&0x0f == 0
	case 3:
		return base64Values[text[len(text)-1]]&0x03 == 0
	}
	return true
}

// AppendMessage appends an encrypted_message on its way to its recipient, with
// the address of its sender and its sealed data as text.
func AppendMessage(b []byte, seq uint64, from string, id crypto.MessageID, at UnixMilli, data []byte) []byte {
	b = append(b, `{"type":"encrypted_message","seq":`...)
	b = strconv.AppendUint(b, seq, 10)
	b = append(b, `,"from":"`...)
	b = append(b, from...)
	b = append(b, `","id":"`...)
	b = hex.AppendEncode(b, id[:])
	b = append(b, `","time":`...)
	b = strconv.AppendInt(b, int64(at), 10)
	b = append(b, `,"data":"`...)
	b = append(b, data...)
	return append(b, `"}`...)
}

// AppendReceipt appends a receipt for a message, with the address of its
// recipient as text. A seq of 0 is none.
func AppendReceipt(b []byte, seq uint64, id crypto.MessageID, recipient string, state ReceiptState) []byte {
	b = append(b, `{"type":"receipt",`...)
	if seq != 0 {
		b = append(b, `"seq":`...)
		b = strconv.AppendUint(b, seq, 10)
		b = append(b, ',')
	}
	b = append(b, `"id":"`...)
	b = hex.AppendEncode(b, id[:])
	b = append(b, `","recipient":"`...)
	b = append(b, recipient...)
	b = append(b, `","state":"`...)
	b = append(b, state...)
	return append(b, `"}`...)
}
