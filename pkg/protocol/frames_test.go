package protocol_test

import (
	"bytes"
	"reflect"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

var (
	id        = crypto.MessageID{0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xf0}
	alice     = vectors.Alice().Certificate.Address()
	bob       = vectors.Bob().Certificate.Address()
	nonce     = crypto.Nonce(bytes.Repeat([]byte{0xc2}, 32))
	signature = crypto.Signature(bytes.Repeat([]byte{0xc4}, 64))
	sealed    = protocol.Sealed(bytes.Repeat([]byte{0xc5}, 20))
	signed    = protocol.RawPrekey(bytes.Repeat([]byte{0xc6}, 20))
	oneTime   = protocol.RawPrekey(bytes.Repeat([]byte{0xc7}, 20))
)

const (
	now   protocol.UnixMilli = 1735787045678
	large                    = protocol.MaxNumber
)

// fromClient and fromRelay are every frame, with and without what is optional.
var fromClient = []protocol.Frame{
	&protocol.Authenticate{Address: alice, Host: "chat.example.org", Nonce: nonce, Signature: signature},
	&protocol.ConnectRequest{ID: id, Target: bob, Data: sealed},
	&protocol.AcceptConnection{ID: id, Target: bob, Data: sealed},
	&protocol.RejectConnection{ID: id, Target: "bob"},
	&protocol.Block{ID: id, Target: "bob"},
	&protocol.SendMessage{ID: id, Recipients: []crypto.Address{bob}, EncryptedData: []protocol.Sealed{sealed}},
	&protocol.SendMessage{ID: id, Recipients: []crypto.Address{bob, alice}, EncryptedData: []protocol.Sealed{sealed, sealed[:1]}},
	&protocol.Ack{Seq: 1},
	&protocol.Ack{Seq: large},
	&protocol.PublishPrekeys{ID: id, Signed: signed},
	&protocol.PublishPrekeys{ID: id, OneTime: []protocol.RawPrekey{oneTime, oneTime[:1]}},
	&protocol.PublishPrekeys{ID: id, Signed: signed, OneTime: []protocol.RawPrekey{oneTime}},
	&protocol.FetchPrekeys{ID: id, Target: "bob"},
	&protocol.SharePresence{ID: id, With: []crypto.Username{"bob", "carol"}},
	&protocol.SharePresence{ID: id, With: []crypto.Username{}},
}

var fromRelay = []protocol.Frame{
	&protocol.Challenge{Version: protocol.Version, Relay: vectors.Relay().Public(), Nonce: nonce, Signature: signature},
	&protocol.Authenticated{Time: now, Signature: signature},
	&protocol.ConnectionRequest{Seq: 1, From: alice, ID: id, Time: now, Data: sealed},
	&protocol.ConnectionAccepted{Seq: 2, From: alice, ID: id, Time: now, Data: sealed},
	&protocol.EncryptedMessage{Seq: large, From: alice, ID: id, Time: large, Data: sealed},
	&protocol.Receipt{ID: id, State: protocol.ReceiptStored},
	&protocol.Receipt{ID: id, Recipient: &bob, State: protocol.ReceiptStored},
	&protocol.Receipt{Seq: 3, ID: id, Recipient: &bob, State: protocol.ReceiptDelivered},
	&protocol.Error{Code: protocol.CodeBadFrame, Message: "no frame"},
	&protocol.Error{Code: protocol.CodeNotContact, Message: "“no” \u2028 <contact>\n", ID: &id, Recipient: &bob},
	&protocol.CaughtUp{},
	&protocol.PrekeyStock{Signed: 1},
	&protocol.PrekeyStock{Signed: 1<<32 - 1, OneTime: protocol.MaxPrekeyStock},
	&protocol.Prekeys{ID: id, Certificate: vectors.Bob().Certificate, Signed: signed, OneTime: oneTime},
	&protocol.Prekeys{ID: id, Certificate: vectors.Bob().Certificate, Signed: signed},
	&protocol.Receipt{ID: id, Recipient: &bob, State: protocol.ReceiptDelivered},
	&protocol.Receipt{Seq: 4, ID: id, Recipient: &bob, State: protocol.ReceiptExpired},
	&protocol.Error{Code: protocol.CodeRateLimited, Message: "slower", ID: &id, RetryAfter: 1500},
	&protocol.Presence{User: "bob", State: protocol.Online},
	&protocol.Presence{User: "bob", State: protocol.Offline},
}

func TestFramesRoundTrip(t *testing.T) {
	for _, dir := range []struct {
		frames []protocol.Frame
		decode func([]byte) (protocol.Frame, error)
	}{{fromClient, protocol.DecodeFromClient}, {fromRelay, protocol.DecodeFromRelay}} {
		for _, f := range dir.frames {
			text := protocol.Encode(f)
			got, err := dir.decode(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			again := protocol.Encode(got)
			if !reflect.DeepEqual(got, f) || !bytes.Equal(again, text) {
				t.Errorf("%s comes back as %s", text, again)
			}
			clear(text) // the frame must not live in it
			if !bytes.Equal(protocol.Encode(got), again) {
				t.Errorf("%s: the frame shares memory with its text", again)
			}
		}
	}
}

// A frame of one direction is refused in the other, as an unknown type; or, of
// encrypted_message and presence, as one with the wrong members.
func TestDirections(t *testing.T) {
	check := func(f protocol.Frame, decode func([]byte) (protocol.Frame, error)) {
		t.Helper()
		want := protocol.CodeUnknownType
		if f.Type() == "encrypted_message" || f.Type() == "presence" {
			want = protocol.CodeBadFrame
		}
		if _, err := decode(protocol.Encode(f)); codeOf(err) != want {
			t.Errorf("%s in the other direction: %v", f.Type(), err)
		}
	}
	for _, f := range fromClient {
		check(f, protocol.DecodeFromRelay)
	}
	for _, f := range fromRelay {
		check(f, protocol.DecodeFromClient)
	}
}

func TestFrameOfTheGreatestSize(t *testing.T) {
	f := &protocol.SendMessage{ID: id}
	for i := range protocol.MaxRecipients {
		f.Recipients = append(f.Recipients, crypto.Address{User: "some_name_of_thirty_two_bytes_00", Device: crypto.DeviceID{byte(i)}})
		f.EncryptedData = append(f.EncryptedData, make([]byte, 3*1024))
	}
	if _, err := protocol.DecodeFromClient(protocol.Encode(f)); err != nil {
		t.Errorf("a full group: %v", err)
	}
	one := &protocol.SendMessage{ID: id, Recipients: f.Recipients[:1], EncryptedData: []protocol.Sealed{make([]byte, protocol.MaxSealed)}}
	text := protocol.Encode(one)
	if _, err := protocol.DecodeFromClient(text); err != nil {
		t.Errorf("the largest message: %v", err)
	}
	spaces := bytes.Repeat([]byte(" "), protocol.MaxFrame-len(text))
	if _, err := protocol.DecodeFromClient(append(text, spaces...)); err != nil {
		t.Errorf("the largest frame: %v", err)
	}
	if _, err := protocol.DecodeFromClient(append(append(text, spaces...), ' ')); codeOf(err) != protocol.CodeTooLarge {
		t.Errorf("a byte more: %v", err)
	}
}

// What the relay makes of the largest message must fit in a frame too, and the
// login frame in its own limit.
func TestLimitsFitTogether(t *testing.T) {
	delivered := protocol.Encode(&protocol.EncryptedMessage{Seq: large, From: alice, ID: id, Time: large, Data: make([]byte, protocol.MaxSealed)})
	if _, err := protocol.DecodeFromRelay(delivered); err != nil {
		t.Errorf("the largest message: %v", err)
	}
	stock := &protocol.PublishPrekeys{ID: id, Signed: make([]byte, crypto.MaxPrekey)}
	for range protocol.MaxPrekeys {
		stock.OneTime = append(stock.OneTime, make([]byte, crypto.MaxPrekey))
	}
	if _, err := protocol.DecodeFromClient(protocol.Encode(stock)); err != nil {
		t.Errorf("as many prekeys as may go in one frame: %v", err)
	}
	login := protocol.Encode(&protocol.Authenticate{
		Address: crypto.Address{User: "some_name_of_thirty_two_bytes_00"}, Host: string(bytes.Repeat([]byte{0x01}, protocol.MaxHost)), // escaped: six bytes each
		Nonce: nonce, Signature: signature,
	})
	if len(login) > protocol.MaxLoginFrame {
		t.Errorf("a login takes %d bytes", len(login))
	}
}

// A certificate that is not there has no text: Encode must not send half a frame.
func TestEncodePanics(t *testing.T) {
	for name, f := range map[string]protocol.Frame{
		"no certificate": &protocol.Prekeys{ID: id, Signed: signed},
		"not UTF-8":      &protocol.Error{Code: protocol.CodeBadFrame, Message: "\xff"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it is encoded", name)
				}
			}()
			protocol.Encode(f)
		}()
	}
}
