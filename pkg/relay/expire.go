package relay

import (
	"context"
	"fmt"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// expireChunk bounds the entries that are dropped in one commit.
const expireChunk = 256

// Expire drops what has waited in a mailbox for longer than the relay keeps
// it, and returns how much that was. The senders of messages are told first,
// durably. The owner of the relay calls it now and then; several relays on one
// store may do so at once.
func (r *Relay) Expire(ctx context.Context) (dropped int, err error) {
	before := protocol.Milli(time.Now().Add(-r.limits.MailboxAge()))
	var after crypto.Address
	for {
		owner, entries, err := r.mailboxes.Expired(ctx, after, before, expireChunk)
		if err != nil {
			return dropped, fmt.Errorf("look for what has expired: %w", err)
		}
		if len(entries) == 0 {
			return dropped, nil
		}
		if err := r.drop(ctx, owner, entries); err != nil {
			return dropped, fmt.Errorf("drop what has expired: %w", err)
		}
		dropped += len(entries)
		r.counters.addN(CountExpired, len(entries))
		if len(entries) < expireChunk {
			after = owner
		}
	}
}

// drop forgets the entries at the front of a mailbox and tells their senders.
func (r *Relay) drop(ctx context.Context, owner crypto.Address, entries []Stored) error {
	now := protocol.Milli(time.Now())
	var ds []Delivery
	for _, e := range entries {
		if e.Kind == KindMessage {
			ds = append(ds, Delivery{To: e.From, Entry: Entry{Kind: KindExpired, From: owner, ID: e.ID, Time: now}})
		}
	}
	if len(ds) > 0 {
		appended, err := r.mailboxes.Append(ctx, ds)
		if err == nil {
			err = appended.Wait()
		}
		if err != nil {
			return err
		}
		for i := range ds {
			r.hub.nudge(ds[i].To)
		}
	}
	return r.mailboxes.Delete(ctx, owner, entries[len(entries)-1].Seq)
}
