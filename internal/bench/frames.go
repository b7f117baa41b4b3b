package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// The load reads the head of a frame and nothing else: base64 holds no quotes,
// so what these look for cannot stand inside of data.
var (
	headMessage  = []byte(`{"type":"encrypted_message"`)
	headReceipt  = []byte(`{"type":"receipt"`)
	headError    = []byte(`{"type":"error"`)
	headCaughtUp = []byte(`{"type":"caught_up"`)
	headRequest  = []byte(`{"type":"connection_request"`)
	headAccepted = []byte(`{"type":"connection_accepted"`)
	memberSeq    = []byte(`"seq":`)
	memberID     = []byte(`"id":"`)
	delivered    = []byte(`"state":"delivered"`)
	stored       = []byte(`"state":"stored"`)
)

// longestHead bounds where the members in front of a message's data stand.
const longestHead = 256

// seqOf returns the number of a frame, 0 if it has none.
func seqOf(frame []byte) (seq uint64) {
	head := frame[:min(len(frame), longestHead)]
	i := bytes.Index(head, memberSeq)
	if i < 0 {
		return 0
	}
	for _, c := range head[i+len(memberSeq):] {
		if c < '0' || c > '9' {
			break
		}
		seq = 10*seq + uint64(c-'0')
	}
	return seq
}

// idOf returns what numberID has made.
func idOf(frame []byte) (at time.Duration, n uint64, err error) {
	i := bytes.Index(frame, memberID)
	var id crypto.MessageID
	if i < 0 || len(frame) < i+len(memberID)+2*len(id) {
		return 0, 0, errors.New("a message without an id")
	}
	if _, err := hex.Decode(id[:], frame[i+len(memberID):][:2*len(id)]); err != nil {
		return 0, 0, err
	}
	return time.Duration(binary.BigEndian.Uint64(id[:8])), binary.BigEndian.Uint64(id[8:]), nil
}

// numberID makes an id of the time at which the message should leave, by clock,
// and a number that no other message of the sender has.
func numberID(at time.Duration, n uint64) (id crypto.MessageID) {
	binary.BigEndian.PutUint64(id[:8], uint64(at))
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

var began = time.Now()

// clock is the time since the program began, by the monotonic clock.
func clock() time.Duration { return time.Since(began) }

// refusal reads an error frame.
func refusal(frame []byte) error {
	f, err := protocol.DecodeFromRelay(frame)
	if err != nil {
		return err
	}
	e, ok := f.(*protocol.Error)
	if !ok {
		return fmt.Errorf("an unexpected %s", f.Type())
	}
	return refusedError{e.Code, e.Message}
}

// refusedError is the relay's word that it does not take a frame.
type refusedError struct {
	code    protocol.Code
	message string
}

func (e refusedError) Error() string {
	return fmt.Sprintf("the relay refuses a frame: %s (%s)", e.code, e.message)
}

// templates is how many different texts a sender has: enough that nothing on
// the way can compress them away.
const templates = 64

// mold writes encrypted_message frames of one sender to one recipient, masked
// and complete but for their id.
type mold struct {
	frames [][]byte
	idAt   int // of its 32 digits in a frame
	unmask int // place of the first digit in the payload
	next   uint64
}

// randomData stands for sealed data.
func randomData(size int) [][]byte {
	all := make([][]byte, templates)
	for i := range all {
		all[i] = make([]byte, size)
		rand.Read(all[i]) // never fails since Go 1.24
	}
	return all
}

func newMold(to string, size int) *mold {
	m := new(mold)
	for _, data := range randomData(size) {
		head := `{"type":"encrypted_message",` + string(memberID)
		text := fmt.Sprintf(`%s%s","recipients":["%s"],"encryptedData":["%s"]}`, head, crypto.MessageID{}, to, crypto.Base64(data))
		frame := appendFrame(nil, opText, []byte(text))
		m.unmask = len(head)
		m.idAt = len(frame) - len(text) + m.unmask
		m.frames = append(m.frames, frame)
	}
	return m
}

// append writes the next message, which should leave at that time, behind dst.
func (m *mold) append(dst []byte, at time.Duration) []byte {
	m.next++
	start := len(dst)
	dst = append(dst, m.frames[m.next%templates]...)
	id := numberID(at, m.next)
	digits := dst[start+m.idAt:][:2*len(id)]
	hex.Encode(digits, id[:])
	for i := range digits {
		digits[i] ^= mask[(m.unmask+i)%maskSize]
	}
	return dst
}

// appendAck writes an ack behind dst.
func appendAck(dst []byte, seq uint64) []byte {
	var b [48]byte
	text := append(b[:0], `{"type":"ack","seq":`...)
	text = strconv.AppendUint(text, seq, 10)
	return appendFrame(dst, opText, append(text, '}'))
}
