package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// handle decodes one frame of a peer that has logged in, and routes it.
func (c *conn) handle(b []byte) {
	f, err := protocol.DecodeFromClient(b)
	if err != nil {
		c.malformed(err)
		return
	}
	switch f := f.(type) {
	case *protocol.SendMessage:
		c.message(f)
	case *protocol.Ack:
		c.ack(f.Seq)
	case *protocol.ConnectRequest:
		c.request(f)
	case *protocol.AcceptConnection:
		c.accept(f)
	case *protocol.RejectConnection:
		c.toward(f.Target, f.ID, dropRequest)
	case *protocol.Block:
		c.toward(f.Target, f.ID, block)
	case *protocol.PublishPrekeys:
		c.publishPrekeys(f)
	case *protocol.FetchPrekeys:
		c.fetchPrekeys(f)
	case *protocol.Authenticate:
		c.malformed(&protocol.Refusal{Code: protocol.CodeAlready, Text: refusals[protocol.CodeAlready]})
	}
}

// message posts a message to those of its recipients who may get it.
func (c *conn) message(f *protocol.SendMessage) {
	codes := make([]protocol.Code, len(f.Recipients))
	everyone := pointers(f.Recipients)
	for i, to := range f.Recipients {
		var err error
		if codes[i], err = c.mayWrite(to); err != nil {
			c.relay.storeError("look-up of a recipient", err)
			c.unavailable(f.ID, everyone...)
			return
		}
	}
	now := protocol.Milli(time.Now())
	ds := make([]Delivery, 0, len(f.Recipients))
	for i, code := range codes {
		if code != "" {
			c.refuse(code, f.ID, everyone[i])
			continue
		}
		ds = append(ds, Delivery{To: f.Recipients[i], Entry: Entry{Kind: KindMessage, From: c.me, ID: f.ID, Time: now, Data: f.EncryptedData[i]}})
	}
	if len(ds) > 0 {
		c.post(f.ID, ds)
	}
}

func pointers(as []crypto.Address) []*crypto.Address {
	ps := make([]*crypto.Address, len(as))
	for i := range as {
		ps[i] = &as[i]
	}
	return ps
}

// mayWrite says why a message to that device is refused, if it is.
func (c *conn) mayWrite(to crypto.Address) (protocol.Code, error) {
	if code, err := c.relay.knows(c.me, to.User, &to.Device); code != "" || err != nil {
		return code, err
	}
	p := PairOf(c.me.User, to.User)
	rel, err := c.relay.directory.Relation(c.relay.ctx, p)
	if err != nil {
		return "", err
	}
	switch mine, _ := rel.sides(p, c.me.User); {
	case mine.Blocked:
		return protocol.CodeBlocked, nil
	case !rel.Accepted:
		return protocol.CodeNotContact, nil
	}
	return "", nil
}

// knows says what is wrong with a person, or with one device of theirs, as
// the target of me, if anything is.
func (r *Relay) knows(me crypto.Address, name crypto.Username, device *crypto.DeviceID) (protocol.Code, error) {
	if name == me.User {
		return protocol.CodeSelf, nil
	}
	cert, err := r.user(r.ctx, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return protocol.CodeUnknownUser, nil
	case err != nil:
		return "", err
	case device != nil && *device != cert.Device:
		return protocol.CodeUnknownDevice, nil
	}
	return "", nil
}

// change applies a rule to how two people stand, by compare-and-set: they, or
// another relay, may change it at the same time.
func (r *Relay) change(ctx context.Context, p Pair, rule func(*Relation) (write bool, code protocol.Code)) (protocol.Code, error) {
	for range maxCASRetries {
		rel, err := r.directory.Relation(ctx, p)
		if err != nil {
			return "", err
		}
		write, code := rule(&rel)
		if !write {
			return code, nil
		}
		err = r.directory.SetRelation(ctx, p, rel)
		if !errors.Is(err, ErrConflict) {
			return code, err
		}
		r.counters.add(CountConflicts)
	}
	return "", fmt.Errorf("a relation changed %d times meanwhile: %w", maxCASRetries, ErrConflict)
}
