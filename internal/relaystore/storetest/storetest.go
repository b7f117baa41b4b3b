// Package storetest is the contract of relay.Directory, relay.Prekeys,
// relay.Mailboxes, relay.Invites and relay.Accounts as tests, for whoever
// implements them.
package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// Limits are what the mailboxes under test must have been opened with.
var Limits = relay.MailboxLimits{Entries: 100, Bytes: 4000, Requests: 3}

// MaxBytes is the bound of all of them together.
const MaxBytes = 1 << 20

// Store is what is tested.
type Store interface {
	relay.Directory
	relay.Prekeys
	relay.Mailboxes
	relay.Invites
	relay.Accounts
}

// Run tests what open makes. Each call of open makes a fresh store, and
// registers with t whatever ends it.
func Run(t *testing.T, open func(t *testing.T) Store) {
	runOnce(t, open)
	t.Run("writes that fail", func(t *testing.T) { runFaults(t, open) })
}

// RunShared tests a backend that several relays share: open makes handles of
// one fresh store, and each call that a test makes goes through another one.
func RunShared(t *testing.T, open func(t *testing.T) []Store) {
	runOnce(t, func(t *testing.T) Store { return &shared{handles: open(t)} })
}

func runOnce(t *testing.T, open func(t *testing.T) Store) {
	all := func(name string, test func(*testing.T, Store)) {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	directory := func(name string, test func(*testing.T, relay.Directory)) {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	mailboxes := func(name string, test func(*testing.T, relay.Mailboxes)) {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	runMailboxes(t, open)
	runPrekeys(t, open)
	runOperator(t, all)
	directory("users", testUsers)
	directory("relations", testRelations)
	directory("relations keep apart", testRelationsApart)
	directory("compare and set", testCompareAndSet)
	directory("bad names", testDirectoryNames)
	all("one user of many", testUserRace)
	all("a device that is replaced", testReplaced)
	mailboxes("writers and a consumer", testConsumer)
	all("one prekey, many takers", testTakers)
	all("a stock is seen whole", testStockWhole)
	all("cancelled", testCancelled)
}

// runMailboxes runs what holds for mailboxes even if a write has to be tried
// twice.
func runMailboxes(t *testing.T, open func(t *testing.T) Store) {
	mailboxes := func(name string, test func(*testing.T, relay.Mailboxes)) {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	mailboxes("order and fields", testOrder)
	mailboxes("pages", testPages)
	mailboxes("known entries", testKnown)
	mailboxes("known entries differ", testKnownDiffer)
	mailboxes("many mailboxes at once", testFanOut)
	mailboxes("mailboxes keep apart", testMailboxesApart)
	mailboxes("room for entries", testEntryLimit)
	mailboxes("room for bytes", testByteLimit)
	mailboxes("room for requests", testRequestLimit)
	mailboxes("room for receipts", testReceiptLimit)
	mailboxes("room in the store", testStoreFull)
	mailboxes("delete", testDelete)
	mailboxes("expired", testExpired)
	mailboxes("unsound entries", testUnsound)
	mailboxes("one entry of many", testSameAtOnce)
	mailboxes("one mailbox, many deleters", testDeletersAtOnce)
	mailboxes("writers and a reader", testReader)
	mailboxes("against a model", testModel)
}

// runPrekeys does the same for prekeys.
func runPrekeys(t *testing.T, open func(t *testing.T) Store) {
	prekeys := func(name string, test func(*testing.T, Store)) {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	prekeys("signed prekeys", testSigned)
	prekeys("one-time prekeys", testOneTime)
	prekeys("prekeys published again", testPublishedAgain)
	prekeys("room for prekeys", testStockLimit)
	prekeys("prekeys keep apart", testPrekeysApart)
	prekeys("unsound prekeys", testUnsoundPrekeys)
	prekeys("prekeys against a model", testPrekeyModel)
}

// NewCertificate makes a valid certificate for a name, from fresh keys.
func NewCertificate(name crypto.Username) crypto.Certificate {
	return newCertificate(name, crypto.NewDeviceID())
}

func newCertificate(name crypto.Username, device crypto.DeviceID) crypto.Certificate {
	return crypto.NewCertificate(crypto.NewAccountPrivate(), crypto.Certificate{
		Relay:   crypto.NewRelayPrivate().Public(),
		User:    name,
		Device:  device,
		Login:   crypto.NewDevicePrivate().Public(),
		Box:     crypto.NewBoxPrivate().Public(),
		Version: 1,
		Created: time.Unix(1_700_000_000, 0),
	})
}

// NewAddress makes an address with a fresh device.
func NewAddress(name crypto.Username) crypto.Address {
	return crypto.Address{User: name, Device: crypto.NewDeviceID()}
}

// NewEntry makes an entry with a fresh id and size bytes of data.
func NewEntry(kind relay.Kind, from crypto.Address, size int) relay.Entry {
	e := relay.Entry{Kind: kind, From: from, ID: crypto.NewMessageID(), Time: protocol.UnixMilli(1_700_000_000_123)}
	for i := range size {
		e.Data = append(e.Data, byte(i))
	}
	return e
}

// Put appends entries to one mailbox, waits, and returns their numbers.
func Put(t testing.TB, m relay.Mailboxes, to crypto.Address, entries ...relay.Entry) []uint64 {
	t.Helper()
	ds := make([]relay.Delivery, len(entries))
	for i, e := range entries {
		ds[i] = relay.Delivery{To: to, Entry: e}
	}
	seqs, err := put(m, ds)
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func put(m relay.Mailboxes, ds []relay.Delivery) ([]uint64, error) {
	a, err := m.Append(context.Background(), ds)
	if err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	if len(a.Seqs) != len(ds) {
		return nil, fmt.Errorf("%d numbers for %d entries", len(a.Seqs), len(ds))
	}
	if err := a.Wait(); err != nil {
		return nil, fmt.Errorf("wait: %w", err)
	}
	return a.Seqs, nil
}

// All reads a whole mailbox.
func All(t testing.TB, m relay.Mailboxes, owner crypto.Address) []relay.Stored {
	t.Helper()
	return read(t, m, owner, 0, 1<<20, 1<<30)
}

func read(t testing.TB, m relay.Mailboxes, owner crypto.Address, after uint64, max, maxBytes int) []relay.Stored {
	t.Helper()
	got, err := m.Read(context.Background(), owner, after, max, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func remove(t testing.TB, m relay.Mailboxes, owner crypto.Address, upTo uint64) {
	t.Helper()
	if err := m.Delete(context.Background(), owner, upTo); err != nil {
		t.Fatal(err)
	}
}
