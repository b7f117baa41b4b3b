package relaystore

import (
	"bytes"
	"strings"
	"testing"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// fuzz feeds a decoder: what it takes has to encode to the same bytes.
func fuzz[T any](f *testing.F, decode func([]byte) (T, error), encode func(T) []byte, seeds ...T) {
	for _, v := range seeds {
		b := encode(v)
		if _, err := decode(b); err != nil {
			f.Fatalf("a seed does not decode: %v", err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(append(b[:len(b):len(b)], 0))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decode(b)
		if err != nil {
			return
		}
		if got := encode(v); !bytes.Equal(got, b) {
			t.Errorf("%x came back as %x", b, got)
		}
	})
}

func FuzzEntry(f *testing.F) {
	fuzz(f, decodeEntry, encodeEntry,
		storetest.NewEntry(relay.KindRequest, alice, 0),
		storetest.NewEntry(relay.KindMessage, crypto.Address{User: "a_name_of_thirty_two_characters_"}, 100),
		storetest.NewEntry(relay.KindReceipt, alice, 0))
}

func FuzzBox(f *testing.F) {
	fuzz(f, decodeBox, encodeBox, box{first: 1}, box{1 << 40, relay.MailboxUse{Entries: 1, Bytes: 2, Requests: 3, Receipts: 4}})
}

func FuzzStock(f *testing.F) {
	fuzz(f, decodeStock, encodeStock,
		stock{signed: relay.RawPrekey{ID: 1, Raw: []byte("xy")}},
		stock{first: 2, highest: 1 << 30, left: 3, signed: storetest.NewPrekey(1<<32 - 1)})
}

func FuzzRelation(f *testing.F) {
	fuzz(f, decodeRelation, encodeRelation,
		relay.Relation{Version: 1},
		relay.Relation{Version: 1 << 60, Accepted: true, Low: relay.Side{Requested: true, Blocked: true}, High: relay.Side{Requested: true, Blocked: true}})
}

func FuzzUser(f *testing.F) {
	encode := func(c crypto.Certificate) []byte {
		b, err := encodeUser(c)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	fuzz(f, decodeUser, encode, storetest.NewCertificate("alice"))
}

// TestLayout pins the bytes: what is on people's disks stays readable.
func TestLayout(t *testing.T) {
	bob := crypto.Address{User: "bob", Device: crypto.DeviceID{1, 2, 3, 4, 5, 6, 7, 8}}
	e := relay.Entry{Kind: relay.KindMessage, From: bob, ID: crypto.MessageID{0: 0xaa, 15: 0xbb}, Time: 0x0102, Data: []byte("sealed")}
	for name, test := range map[string]struct {
		got  []byte
		want string
	}{
		"user":     {userKey("bob"), "ubob"},
		"relation": {relationKey(relay.PairOf("bob", "al_")), "ral_\x00bob"},
		"box":      {boxKey(bob), "bbob\x00\x01\x02\x03\x04\x05\x06\x07\x08"},
		"entry":    {entryKey(bob, 0x0203), "ebob\x00\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00\x00\x02\x03"},
		"known": {knownKey(bob, e.Key()), "kbob\x00\x01\x02\x03\x04\x05\x06\x07\x08\x03bob\x00\x01\x02\x03\x04\x05\x06\x07\x08" +
			"\xaa\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xbb"},
		"stock":    {stockKey(bob), "pbob\x00\x01\x02\x03\x04\x05\x06\x07\x08"},
		"one-time": {oneTimeKey(bob, 0x0203), "obob\x00\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x02\x03"},
		"stock value": {encodeStock(stock{1, 2, 3, relay.RawPrekey{ID: 4, Raw: []byte("prekey")}}),
			"\x01\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04prekey"},
		"empty stock": {encodeStock(stock{}), "\x01" + strings.Repeat("\x00", 16)},
		"entry value": {encodeEntry(e), "\x01\x03\x00\x00\x00\x00\x00\x00\x01\x02\xaa\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xbb" +
			"bob\x00\x01\x02\x03\x04\x05\x06\x07\x08sealed"},
		"relation value": {encodeRelation(relay.Relation{Version: 7, Accepted: true, High: relay.Side{Blocked: true}}), "\x01\x00\x00\x00\x00\x00\x00\x00\x07\x11"},
		"box value": {encodeBox(box{5, relay.MailboxUse{Entries: 1, Bytes: 2, Requests: 3, Receipts: 4}}), "\x01\x00\x00\x00\x00\x00\x00\x00\x05" +
			"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x04"},
	} {
		if string(test.got) != test.want {
			t.Errorf("%s: %q", name, test.got)
		}
	}
}
