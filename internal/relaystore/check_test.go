package relaystore

import (
	"bytes"
	"encoding/binary"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// checkRecords reads every record of a store at rest and compares what says
// the same in two ways.
func checkRecords(t testing.TB, s *Store) {
	t.Helper()
	var (
		boxes   = map[crypto.Address]box{}
		counted = map[crypto.Address]box{} // from the entries
		byKnown = map[string]uint64{}
		known   = map[string]uint64{}
		end     uint64
		highest uint64
		stocks  = map[crypto.Address]stock{}
		oneTime = map[crypto.Address][]crypto.PrekeyID{}
	)
	it, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		key, value := bytes.Clone(it.Key()), it.Value()
		switch key[0] {
		case tableNumbers:
			end = binary.BigEndian.Uint64(value)
		case tableBox:
			if boxes[keyOwner(t, key)], err = decodeBox(value); err != nil {
				t.Errorf("box %q: %v", key, err)
			}
		case tableEntry:
			owner, seq := keyOwner(t, key), entrySeq(key)
			e, err := decodeEntry(value)
			if err != nil {
				t.Errorf("entry %q: %v", key, err)
			}
			x := counted[owner]
			if x.first == 0 {
				x.first = seq
			}
			x.use.Add(e)
			counted[owner] = x
			byKnown[string(knownKey(owner, e.Key()))] = seq
			highest = max(highest, seq)
		case tableKnown:
			known[string(key)] = binary.BigEndian.Uint64(value)
		case tableStock:
			if stocks[keyOwner(t, key)], err = decodeStock(value); err != nil {
				t.Errorf("stock %q: %v", key, err)
			}
		case tableOneTime:
			oneTime[keyOwner(t, key)] = append(oneTime[keyOwner(t, key)], oneTimeID(key))
			if len(value) < 2 || value[0] != valueVersion {
				t.Errorf("one-time prekey %q has no bytes", key)
			}
		case tableUser:
			if !bytes.Equal(value, removedUser) {
				_, err = decodeUser(value)
			}
		case tableInvite:
			_, err = decodeInvite(key, value)
		case tableSuspension:
			_, err = decodeSuspension(value)
		case tableRelation:
			_, err = decodeRelation(value)
		case tableFile:
			_, err = decodeFile(key, value)
		case tableFormat, tableRelay:
		default:
			t.Errorf("a record that nobody knows: %q", key)
		}
		if err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	if highest >= max(end, 1) {
		t.Errorf("number %d was not reserved: %d", highest, end)
	}
	compareBoxes(t, boxes, counted)
	compareStocks(t, stocks, oneTime)
	var waits, bytesWait uint64
	for _, x := range boxes {
		waits += x.use.Entries + x.use.Receipts
		bytesWait += x.use.Bytes
	}
	if h := s.Held(); uint64(h.Entries) != waits || uint64(h.Bytes) != bytesWait {
		t.Errorf("%d entries of %d bytes wait, and the store says %+v", waits, bytesWait, h)
	}
	for key, seq := range byKnown {
		if known[key] != seq {
			t.Errorf("entry %d is known as %d", seq, known[key])
		}
	}
	if len(known) != len(byKnown) {
		t.Errorf("%d entries are known, %d are there", len(known), len(byKnown))
	}
}

func compareBoxes(t testing.TB, boxes, counted map[crypto.Address]box) {
	t.Helper()
	for owner, x := range boxes {
		c := counted[owner]
		if x.use == (relay.MailboxUse{}) || x.use != c.use || x.first > c.first {
			t.Errorf("mailbox %s says %+v and holds %+v", owner, x, c)
		}
	}
	for owner := range counted {
		if _, ok := boxes[owner]; !ok {
			t.Errorf("mailbox %s has entries and no record", owner)
		}
	}
}

func compareStocks(t testing.TB, stocks map[crypto.Address]stock, oneTime map[crypto.Address][]crypto.PrekeyID) {
	t.Helper()
	for owner, x := range stocks {
		ids := oneTime[owner] // in order
		if n := len(ids); n != int(x.left) || n > 0 && (ids[0] < x.first || ids[n-1] > x.highest) {
			t.Errorf("the stock of %s says %d left, from %d to %d, and holds %d", owner, x.left, x.first, x.highest, ids)
		}
	}
	for owner := range oneTime {
		if _, ok := stocks[owner]; !ok {
			t.Errorf("%s has one-time prekeys and no record", owner)
		}
	}
}

// keyOwner reads the address behind the first byte of a key.
func keyOwner(t testing.TB, key []byte) crypto.Address {
	f := fields{b: key[1:], ok: true}
	a := f.address()
	if !f.ok {
		t.Errorf("no address in %q", key)
	}
	return a
}
