package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// unmask takes a frame of the load apart.
func unmask(t *testing.T, frame []byte) (payload, rest []byte) {
	t.Helper()
	size, head := int(frame[1]&^maskBit), 2
	switch size {
	case 126:
		size, head = int(binary.BigEndian.Uint16(frame[2:])), 4
	case 127:
		size, head = int(binary.BigEndian.Uint64(frame[2:])), 10
	}
	key := frame[head : head+maskSize]
	payload = bytes.Clone(frame[head+maskSize : head+maskSize+size])
	for i := range payload {
		payload[i] ^= key[i%maskSize]
	}
	return payload, frame[head+maskSize+size:]
}

// The load writes frames by hand, so that they are what the protocol says is
// for the protocol's own package to decide.
func TestWrittenFrames(t *testing.T) {
	to := crypto.Address{User: "bob", Device: crypto.NewDeviceID()}
	for _, size := range []int{1, 256, 64 << 10} {
		m := newMold(to.String(), size)
		both := m.append(m.append(nil, 5*time.Millisecond), 7*time.Millisecond)
		for n, at := range []time.Duration{5 * time.Millisecond, 7 * time.Millisecond} {
			var payload []byte
			payload, both = unmask(t, both)
			f, err := protocol.DecodeFromClient(payload)
			if err != nil {
				t.Fatalf("%v: %.200s", err, payload)
			}
			got := f.(*protocol.SendMessage)
			if got.ID != numberID(at, uint64(n+1)) || len(got.EncryptedData[0]) != size || got.Recipients[0] != to {
				t.Errorf("message %d of %d bytes: %.200s", n, size, payload)
			}
		}
	}
	payload, _ := unmask(t, appendAck(nil, 1234567890123))
	if f, err := protocol.DecodeFromClient(payload); err != nil || f.(*protocol.Ack).Seq != 1234567890123 {
		t.Errorf("ack: %v %s", err, payload)
	}
}

func TestReadHeads(t *testing.T) {
	from := crypto.Address{User: "bob", Device: crypto.NewDeviceID()}
	id := numberID(3*time.Second, 77)
	f := protocol.Encode(&protocol.EncryptedMessage{Seq: 42, From: from, ID: id, Time: 1, Data: make(protocol.Sealed, 256)})
	at, n, err := idOf(f)
	if err != nil || at != 3*time.Second || n != 77 || seqOf(f) != 42 || !bytes.HasPrefix(f, headMessage) {
		t.Errorf("%v %d %v, seq %d in %s", at, n, err, seqOf(f), f)
	}
	for seq := range uint64(2) {
		f := protocol.Encode(&protocol.Receipt{Seq: seq, ID: id, Recipient: &from, State: protocol.ReceiptDelivered})
		if seqOf(f) != seq || !bytes.HasPrefix(f, headReceipt) || !bytes.Contains(f, delivered) || bytes.Contains(f, stored) {
			t.Errorf("receipt %s", f)
		}
	}
	if _, _, err := idOf([]byte(`{"type":"encrypted_message","id":"00"}`)); err == nil {
		t.Error("a short id was read")
	}
}

// served is a frame as a server writes it.
func served(op byte, payload []byte) []byte {
	f := appendHeader(nil, op, len(payload))
	f[1] &^= maskBit
	return append(f[:len(f)-maskSize], payload...)
}

// Whatever pieces the network makes of frames, they are read whole and in order.
func TestReadInPieces(t *testing.T) {
	var stream []byte
	var want [][]byte
	for _, size := range []int{0, 125, 126, 3000, 1 << 16} {
		payload := bytes.Repeat([]byte{byte(size >> 3), 'x'}, size/2+1)[:size]
		want = append(want, payload)
		stream = append(append(stream, served(opText, payload)...), served(opPing, []byte("are you there"))...)
	}
	for _, piece := range []int{1, 7, 4096, len(stream)} {
		ours, theirs := net.Pipe()
		go func() {
			for rest := stream; len(rest) > 0; {
				n := min(piece, len(rest))
				theirs.Write(rest[:n])
				rest = rest[n:]
			}
			theirs.Write(served(opClose, append(binary.BigEndian.AppendUint16(nil, 4002), "slow"...)))
		}()
		pongs := make(chan int)
		go func() {
			n, buf := 0, make([]byte, 1<<10)
			for {
				read, err := theirs.Read(buf)
				if err != nil {
					pongs <- n
					return
				}
				n += bytes.Count(buf[:read], []byte{finBit | opPong})
			}
		}()
		c := &conn{nc: ours, buf: make([]byte, 16), ended: make(chan struct{})}
		var got [][]byte
		c.on(func(frames [][]byte) error {
			for _, f := range frames {
				got = append(got, bytes.Clone(f))
			}
			return nil
		})
		c.start()
		<-c.ended
		if e, ok := c.err.(closeError); !ok || e.code() != 4002 || !strings.HasSuffix(e.Error(), "4002 slow") {
			t.Errorf("in pieces of %d: %v", piece, c.err)
		}
		if n := <-pongs; n != len(want) {
			t.Errorf("in pieces of %d: %d pongs", piece, n)
		}
		if !bytes.Equal(bytes.Join(got, []byte("|")), bytes.Join(want, []byte("|"))) {
			t.Errorf("in pieces of %d: other frames than were written", piece)
		}
	}
}

// The floors agree on what a recipient gets.
func TestFloorFrames(t *testing.T) {
	m := newMold("recipient_0000/0123456789abcdef", 256)
	payload, _ := unmask(t, m.append(nil, 0))
	id, to, data, err := headOf(payload)
	if err != nil || string(to) != "recipient_0000/0123456789abcdef" {
		t.Fatalf("%v, to %q", err, to)
	}
	out := appendOut(nil, "sender_0000/0123456789abcdef", id, data)
	if size := int(binary.BigEndian.Uint16(out[2:])); out[1] != 126 || size != len(out)-4 {
		t.Fatalf("a header for %d bytes before %d", size, len(out)-4)
	}
	var got struct{ Type, From, ID, Data string }
	if err := json.Unmarshal(out[4:], &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sealed, err := crypto.FromBase64(got.Data)
	if err != nil || len(sealed) != 256 || got.From != "sender_0000/0123456789abcdef" || got.ID != numberID(0, 1).String() || got.Type != "encrypted_message" {
		t.Errorf("%v: %s", err, out[4:])
	}
	for _, cut := range []int{1, 40, len(payload) / 2, len(payload) - 1} {
		if _, _, _, err := headOf(payload[:cut]); err == nil {
			t.Errorf("%d bytes of a message were taken for one", cut)
		}
	}
}

func TestMeter(t *testing.T) {
	m := newMeter(1, 10)
	if got := []int{m.take(4), m.take(4), m.take(4), m.take(4)}; got[0] != 4 || got[1] != 4 || got[2] != 2 || got[3] != 0 {
		t.Errorf("of ten, four at a time: %v", got)
	}
	m.add(9)
	select {
	case <-m.events[1]:
		t.Error("nine of ten are all")
	default:
	}
	m.add(1)
	<-m.events[0]
	<-m.events[1]
}

// A recipient may hear a message again, and none may be left out.
func TestHear(t *testing.T) {
	l := new(pair)
	message := func(n uint64) []byte {
		return protocol.Encode(&protocol.EncryptedMessage{Seq: 1, ID: numberID(0, n), Time: 1, From: crypto.Address{User: "bob"}})
	}
	for _, step := range []struct {
		n           uint64
		fresh, fail bool
	}{{1, true, false}, {2, true, false}, {1, false, false}, {4, false, true}, {3, true, false}} {
		if fresh, err := l.hear(message(step.n)); fresh != step.fresh || (err != nil) != step.fail {
			t.Errorf("message %d: %v, %v", step.n, fresh, err)
		}
	}
	if n := heardAgain([]*pair{l}); n != 1 {
		t.Errorf("%d came again", n)
	}
}
