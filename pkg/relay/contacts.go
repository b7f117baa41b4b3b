package relay

import (
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// The rules of PROTOCOL.md, "Contacts", free of I/O. Each changes a relation
// and reports whether there is anything to write. mine is the side of the one
// who asks for the change.

// ask notes a request. Between contacts it changes nothing, yet goes through:
// they may have lost what we agreed on. To somebody who has blocked us, it
// comes to nothing.
func ask(rel *Relation, mine, theirs *Side) (write, swallowed bool) {
	before := *rel
	mine.Blocked = false
	if theirs.Blocked {
		// Written even so: like any other request, it takes its time.
		return true, true
	}
	mine.Requested = !rel.Accepted
	return *rel != before, false
}

// agree makes two people contacts, if there is a request of the other.
func agree(rel *Relation, mine, theirs *Side) (write bool, code protocol.Code) {
	if rel.Accepted {
		return false, ""
	}
	if !theirs.Requested {
		return false, protocol.CodeNoRequest
	}
	rel.Accepted = true
	mine.Requested, theirs.Requested = false, false
	return true, ""
}

// dropRequest forgets a request of the other.
func dropRequest(_ *Relation, _, theirs *Side) (write bool) {
	write = theirs.Requested
	theirs.Requested = false
	return write
}

// block ends everything between two people.
func block(rel *Relation, mine, theirs *Side) (write bool) {
	before := *rel
	rel.Accepted = false
	mine.Requested, theirs.Requested = false, false
	mine.Blocked = true
	return *rel != before
}

// request is a connect_request. The relation is written first: if we fall in
// between, the peer hears nothing and sends it again.
func (c *conn) request(f *protocol.ConnectRequest) {
	var swallowed bool
	ok := c.relate(f.Target.User, &f.Target.Device, f.ID, func(rel *Relation, mine, theirs *Side) (write bool, _ protocol.Code) {
		write, swallowed = ask(rel, mine, theirs)
		return write, ""
	})
	switch {
	case !ok:
	case swallowed:
		c.relay.counters.add(CountSwallowed)
		c.stored(f.ID)
	default:
		c.postNote(KindRequest, f.Target, f.ID, f.Data)
	}
}

// accept is an accept_connection.
func (c *conn) accept(f *protocol.AcceptConnection) {
	if c.relate(f.Target.User, &f.Target.Device, f.ID, agree) {
		c.postNote(KindAccept, f.Target, f.ID, f.Data)
	}
}

func (c *conn) postNote(kind Kind, to crypto.Address, id crypto.MessageID, data []byte) {
	c.put(Delivery{To: to, Entry: Entry{Kind: kind, From: c.me, ID: id, Time: protocol.Milli(time.Now()), Data: data}})
}

// relate applies a rule to the peer and another person, or to the owner of a
// device if there is one. If it is false, the peer has been told why.
func (c *conn) relate(name crypto.Username, device *crypto.DeviceID, id crypto.MessageID, rule func(*Relation, *Side, *Side) (bool, protocol.Code)) bool {
	r := c.relay
	code, err := r.knows(c.me, name, device)
	if code == "" && err == nil {
		p := PairOf(c.me.User, name)
		code, err = r.change(r.ctx, p, func(rel *Relation) (bool, protocol.Code) {
			mine, theirs := rel.sides(p, c.me.User)
			return rule(rel, mine, theirs)
		})
	}
	switch {
	case err != nil:
		r.storeError("change of a relation", err)
		c.unavailable(id, nil)
	case code != "":
		c.refuse(code, id, nil)
	}
	return code == "" && err == nil
}

// toward is a reject_connection or a block: a rule that concerns a person, and
// of which that person is not told.
func (c *conn) toward(name crypto.Username, id crypto.MessageID, rule func(*Relation, *Side, *Side) bool) {
	if c.relate(name, nil, id, func(rel *Relation, mine, theirs *Side) (bool, protocol.Code) {
		return rule(rel, mine, theirs), ""
	}) {
		c.stored(id)
	}
}
