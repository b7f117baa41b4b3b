package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// handle routes one frame of a peer that has logged in.
func (c *conn) handle(b []byte) {
	if seq, ok := protocol.ScanAck(b); ok {
		c.tally.acks++
		if !c.ack(seq) {
			c.admit(crypto.MessageID{}, nobody, 1, len(b))
		}
		return
	}
	if c.ends() {
		return // it must not overtake what was refused when this ended
	}
	if l, ok := protocol.ScanLetter(b); ok && c.letter(l, len(b)) {
		c.tally.letters++
		return
	}
	f, err := protocol.DecodeFromClient(b)
	c.relay.typeIn(f)
	if err != nil {
		if c.admit(crypto.MessageID{}, nobody, 1, len(b)) {
			c.malformed(err)
		}
		return
	}
	if !c.admitDecoded(f, len(b)) {
		return
	}
	c.looks()
	switch f := f.(type) {
	case *protocol.SendMessage:
		c.message(f)
	case *protocol.Ack:
		if !c.ack(f.Seq) {
			c.admit(crypto.MessageID{}, nobody, 1, len(b))
		}
	case *protocol.ConnectRequest:
		c.request(f)
	case *protocol.AcceptConnection:
		c.accept(f)
	case *protocol.RejectConnection:
		c.toward(f.Target, f.ID, dropRequest)
	case *protocol.Block:
		c.toward(f.Target, f.ID, block)
		c.relay.presence.part(c.me.User, f.Target)
	case *protocol.PublishPrekeys:
		c.publishPrekeys(f)
	case *protocol.FetchPrekeys:
		c.fetchPrekeys(f)
	case *protocol.SharePresence:
		c.share(f)
	case *protocol.Authenticate:
		c.malformed(&protocol.Refusal{Code: protocol.CodeAlready, Text: refusals[protocol.CodeAlready]})
	}
}

// nobody stands for the recipients of a frame that has none.
var nobody = []*crypto.Address{nil}

// admitDecoded takes a frame into account, once for each of its recipients, and
// by what it asks for.
func (c *conn) admitDecoded(f protocol.Frame, size int) bool {
	switch f := f.(type) {
	case *protocol.SendMessage:
		return c.admit(f.ID, pointers(f.Recipients), len(f.Recipients), size)
	case *protocol.Ack:
		return true // counts once it is known to free nothing
	case *protocol.ConnectRequest:
		return c.admit(f.ID, nobody, 1, size) && c.mayAsk(c.relay.limiters.ConnectRequestsOf, f.ID)
	case *protocol.FetchPrekeys:
		return c.admit(f.ID, nobody, 1, size) && c.mayAsk(c.relay.limiters.PrekeyFetchesOf, f.ID)
	case *protocol.PublishPrekeys:
		return c.admit(f.ID, nobody, 1, size) && c.mayAsk(c.relay.limiters.PrekeyPublicationsOf, f.ID)
	case *protocol.SharePresence:
		return c.admit(f.ID, nobody, 1+len(f.With)/presenceEach, size)
	case *protocol.AcceptConnection:
		return c.admit(f.ID, nobody, 1, size)
	case *protocol.RejectConnection:
		return c.admit(f.ID, nobody, 1, size)
	case *protocol.Block:
		return c.admit(f.ID, nobody, 1, size)
	}
	return c.admit(crypto.MessageID{}, nobody, 1, size)
}

// target is somebody whom the peer may write to, as far as was known a moment
// ago: a change here counts at once, one at another relay within targetTime.
type target struct {
	address    crypto.Address
	recipients [1]*crypto.Address // that address
	relations  uint64             // Relay.relations, before it was looked up
	until      time.Time          // good until then
}

// letter takes a message for one recipient. It is false for an address that is
// none.
func (c *conn) letter(l protocol.Letter, size int) bool {
	t := c.targets[string(l.To)]
	known := t != nil
	if !known {
		t = &target{}
		if t.address.UnmarshalText(l.To) != nil {
			return false
		}
		t.recipients[0] = &t.address
	}
	if !c.admit(l.ID, t.recipients[:], 1, size) { // which may take its time: what is known of the target has to be looked at after it
		return true
	}
	c.looks()
	now, relations := c.clock(), c.relay.relations.Load()
	if !known || t.relations != relations || now.After(t.until) {
		code, err := c.mayWrite(t.address)
		switch {
		case err != nil:
			c.relay.storeError("look-up of a recipient", err)
			c.unavailable(l.ID, &t.address)
			return true
		case code != "":
			c.refuse(code, l.ID, &t.address)
			return true
		}
		t.relations, t.until = relations, now.Add(targetTime)
		if !known {
			c.remember(string(l.To), t)
		}
	}
	c.dispatch(&t.address, l.ID, protocol.Milli(now), l.Data)
	return true
}

func (c *conn) remember(address string, t *target) {
	if c.targets == nil || len(c.targets) >= maxTargets {
		c.targets = map[string]*target{}
	}
	c.targets[address] = t
}

// dispatch hands a message on at once, or puts it into the mailbox: where
// anything waits, it goes behind it.
func (c *conn) dispatch(to *crypto.Address, id crypto.MessageID, at protocol.UnixMilli, text []byte) {
	d := c.relay.hub.find(*to)
	if c.ends() {
		return // d may have come after what was refused when this ended
	}
	if d != nil && d.hand(c, c.puts(to), id, at, text) {
		return
	}
	c.put(Delivery{To: *to, Entry: Entry{Kind: KindMessage, From: c.me, ID: id, Time: at, Data: sealedData(text)}})
}

// message takes a message for those of its recipients who may get it.
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
	for i, code := range codes {
		if code != "" {
			c.refuse(code, f.ID, everyone[i])
			continue
		}
		c.dispatch(everyone[i], f.ID, now, sealedText(f.EncryptedData[i]))
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
		r.relations.Add(1)
		if !errors.Is(err, ErrConflict) {
			return code, err
		}
		r.counters.add(CountConflicts)
	}
	return "", fmt.Errorf("a relation changed %d times meanwhile: %w", maxCASRetries, ErrConflict)
}
