package protocol_test

import (
	"bytes"
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// TestScan: what a client writes is read without the JSON package.
func TestScan(t *testing.T) {
	letter := &protocol.SendMessage{ID: id, Recipients: []crypto.Address{bob}, EncryptedData: []protocol.Sealed{sealed}}
	got, ok := protocol.ScanLetter(protocol.Encode(letter))
	if !ok || got.ID != id || string(got.To) != bob.String() || string(got.Data) != crypto.Base64(sealed) {
		t.Errorf("letter: %+v %v", got, ok)
	}
	if seq, ok := protocol.ScanAck(protocol.Encode(&protocol.Ack{Seq: 120})); !ok || seq != 120 {
		t.Errorf("ack: %d %v", seq, ok)
	}
	largest := *letter
	for n, want := range map[int]bool{protocol.MaxSealed: true, protocol.MaxSealed + 1: false} {
		largest.EncryptedData = []protocol.Sealed{make([]byte, n)}
		if _, ok := protocol.ScanLetter(protocol.Encode(&largest)); ok != want {
			t.Errorf("%d bytes: %v", n, ok)
		}
	}
}

// FuzzScan: whatever the scanners take, the decoder takes to the same effect.
func FuzzScan(f *testing.F) {
	vectors.Seeds(f, 1)
	for _, frame := range fromClient {
		f.Add(protocol.Encode(frame))
	}
	for _, data := range []string{"", "A", "AA", "AB", "AAA", "AAB", "AAAA", "AA==", "A+/A", "é", `\u0041A`} {
		f.Add([]byte(`{"type":"encrypted_message","id":"` + id.String() + `","recipients":["` + bob.String() + `"],"encryptedData":["` + data + `"]}`))
	}
	f.Add([]byte(`{"type":"ack","seq":01}`))
	f.Add([]byte(`{"type":"ack","seq":999999999999999}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, ok := protocol.ScanLetter(b); ok {
			checkLetter(t, b, l)
		}
		if seq, ok := protocol.ScanAck(b); ok {
			if got, err := protocol.DecodeFromClient(b); err != nil || got.(*protocol.Ack).Seq != seq {
				t.Errorf("%q is read as ack %d, decoded as %v, %v", b, seq, got, err)
			}
		}
	})
}

func checkLetter(t *testing.T, b []byte, l protocol.Letter) {
	t.Helper()
	var to crypto.Address
	if to.UnmarshalText(l.To) != nil {
		return // to be refused by whoever looks at the address
	}
	frame, err := protocol.DecodeFromClient(b)
	if err != nil {
		t.Errorf("%q is read as a letter, and refused: %v", b, err)
		return
	}
	got := frame.(*protocol.SendMessage)
	if len(got.Recipients) != 1 || got.ID != l.ID || got.Recipients[0] != to || crypto.Base64(got.EncryptedData[0]) != string(l.Data) {
		t.Errorf("%q is read as %+v, and decoded as %+v", b, l, got)
	}
}

// TestAppend: what is written without the JSON package is what it writes.
func TestAppend(t *testing.T) {
	for _, frame := range fromRelay {
		var got []byte
		switch f := frame.(type) {
		case *protocol.EncryptedMessage:
			got = protocol.AppendMessage(nil, f.Seq, f.From.String(), f.ID, f.Time, []byte(crypto.Base64(f.Data)))
		case *protocol.Receipt:
			if f.Recipient == nil {
				continue
			}
			got = protocol.AppendReceipt(nil, f.Seq, f.ID, f.Recipient.String(), f.State)
		default:
			continue
		}
		if want := protocol.Encode(frame); !bytes.Equal(got, want) {
			t.Errorf("%s\nis not %s", got, want)
		}
	}
}

func BenchmarkScanLetter(b *testing.B) {
	frame := protocol.Encode(&protocol.SendMessage{ID: id, Recipients: []crypto.Address{bob}, EncryptedData: []protocol.Sealed{[]byte(strings.Repeat("x", 256))}})
	for b.Loop() {
		if _, ok := protocol.ScanLetter(frame); !ok {
			b.Fatal("not read")
		}
	}
}
