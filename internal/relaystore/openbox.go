package relaystore

import (
	"math"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// Limits of what the writer has at hand.
const (
	// maxOpenBoxes bounds the mailboxes, some 300 bytes each.
	maxOpenBoxes = 1 << 14
	// maxFilters bounds the bytes of what is remembered of their entries: eight
	// million.
	maxFilters = 16 << 20
)

// openBox is a mailbox that the writer has at hand. One that is empty stays
// open, for the next message comes soon.
type openBox struct {
	box
	owner   crypto.Address
	touched bool // the batch under construction changes it

	known  filter // of the entries since it was opened
	before uint64 // no lower number is in known
}

// mayHold reports whether the mailbox can hold an entry that is known by what
// has this hash.
func (x *openBox) mayHold(hash uint64) bool {
	return x.first != 0 && x.first < x.before || x.known.has(hash)
}

// forget notes that the entries up to a number are gone, and returns how many
// bytes the filter has shrunk by.
func (x *openBox) forget(last uint64, use relay.MailboxUse) (shrunk int) {
	x.first = last + 1
	x.use.Entries -= use.Entries
	x.use.Bytes -= use.Bytes
	x.use.Requests -= use.Requests
	x.use.Receipts -= use.Receipts
	if x.use == (relay.MailboxUse{}) {
		x.box = box{}
	}
	return x.known.forget(last)
}

// open returns a mailbox, which is at hand from now on.
func (w *writer) open(owner crypto.Address) (*openBox, error) {
	if x := w.boxes[owner]; x != nil {
		return x, nil
	}
	stored, err := w.s.box(owner)
	if err != nil {
		return nil, err
	}
	x := &openBox{box: stored, owner: owner, before: w.numbers.next}
	w.boxes[owner] = x
	return x, nil
}

// trim lets go of mailboxes beyond the limits, whichever come first. None may
// be touched.
func (w *writer) trim() {
	for owner, x := range w.boxes {
		if len(w.boxes) <= maxOpenBoxes && w.filters <= maxFilters {
			return
		}
		w.filters -= x.known.forget(math.MaxUint64)
		delete(w.boxes, owner)
	}
}
