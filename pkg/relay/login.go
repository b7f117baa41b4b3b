package relay

import (
	"errors"
	"slices"
	"strings"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// login challenges the peer and checks its proof. If it is false, the
// connection is to close, and the peer has been told what it may know.
// Nobody but the reader writes yet.
func (c *conn) login() bool {
	r := c.relay
	c.ws.SetReadLimit(protocol.MaxLoginFrame)
	nonce := crypto.NewNonce()
	if !c.sendNow(&protocol.Challenge{
		Version: protocol.Version, Relay: r.public, Nonce: nonce, Signature: crypto.SignChallenge(r.key, nonce),
	}) || !c.alive(protocol.LoginTimeout) {
		c.requestClose(closeLoginBroken)
		return false
	}
	buf, why := c.readFrame()
	switch why {
	case nil:
	case closeSilent:
		why = closeLoginTimeout
	case closePeer:
		why = closeLoginBroken
	}
	if why != nil {
		c.requestClose(why)
		return false
	}
	f, err := protocol.DecodeFromClient(buf.Bytes())
	c.release(buf)
	proof, ok := f.(*protocol.Authenticate)
	if err != nil || !ok {
		return c.turnAway(protocol.CodeNotYet, closeLogin)
	}
	began := r.users.replaced.Load()
	login, err := r.checkProof(nonce, proof)
	switch {
	case errors.Is(err, errProof):
		return c.turnAway(protocol.CodeBadProof, closeLogin)
	case err != nil:
		r.storeError("look-up for a login", err)
		return c.turnAway(protocol.CodeUnavailable, closeStore)
	}
	return c.welcome(login, began)
}

// errProof is the one answer to a proof that does not hold.
var errProof = errors.New("the proof does not hold")

func (r *Relay) checkProof(nonce crypto.Nonce, f *protocol.Authenticate) (crypto.Login, error) {
	cert, err := r.user(r.ctx, f.Address.User)
	if errors.Is(err, ErrNotFound) {
		return crypto.Login{}, errProof
	}
	if err != nil {
		return crypto.Login{}, err
	}
	l := crypto.Login{
		Relay: r.public, Host: f.Host, Certificate: cert.Hash(), Address: cert.Address(),
		RelayNonce: nonce, ClientNonce: f.Nonce,
	}
	if f.Address != cert.Address() || !r.knowsHost(f.Host) || !l.Verify(cert.Login, f.Signature) {
		return crypto.Login{}, errProof
	}
	return l, nil
}

// knowsHost reports whether clients may dial this relay under that name.
func (r *Relay) knowsHost(host string) bool {
	return len(r.hosts) == 0 || slices.Contains(r.hosts, strings.ToLower(host))
}

// turnAway refuses a peer that has not logged in.
func (c *conn) turnAway(code protocol.Code, why *closeReason) bool {
	c.relay.counters.add(counterOf(code))
	c.sendNow(&protocol.Error{Code: code, Message: refusals[code]})
	c.requestClose(why)
	return false
}

// welcome makes this the connection of its device. replaced is how many devices had
// been replaced before its proof was checked.
func (c *conn) welcome(l crypto.Login, replaced uint64) bool {
	r := c.relay
	c.me, c.name = l.Address, l.Address.String()
	c.takeOver()
	if ok, err := r.mayEnter(r.ctx, c.me.User); err != nil || !ok { // not sooner: Suspend looks for who has claimed the place
		r.hub.release(c)
		if err != nil {
			r.storeError("look-up for a login", err)
			return c.turnAway(protocol.CodeUnavailable, closeStore)
		}
		return c.turnAway(protocol.CodeSuspended, closeLogin)
	}
	if replaced != r.users.replaced.Load() { // this one, perhaps, when it could not be found here yet
		why := closeReplaced
		cert, err := r.user(r.ctx, c.me.User)
		if err != nil {
			r.storeError("look-up for a login", err)
			why = closeStore
		}
		if err != nil || cert.Address() != c.me {
			c.requestClose(why)
			r.hub.release(c)
			return false
		}
	}
	answer := &protocol.Authenticated{Time: protocol.Milli(time.Now()), Signature: l.SignWelcome(r.key)}
	if !c.sendNow(answer) {
		r.hub.release(c)
		return false
	}
	r.counters.add(CountLogins)
	if !c.send(c.appendStock(nil)) {
		r.hub.release(c)
		return false
	}
	c.mu.Lock()
	c.begun = true
	c.mu.Unlock()
	c.nudge() // the mailbox may hold something
	return true
}

// takeOver puts c in the place of the connection that its device had. What that
// one has in memory alone is in the mailbox before anybody can find c and put
// something behind it. The old one ends first: two that read one mailbox would
// deliver and ack at random.
func (c *conn) takeOver() {
	for {
		old := c.relay.hub.find(c.me)
		if old != nil {
			old.requestClose(closeTakenOver)
			old.retire()
		}
		if !c.relay.hub.claim(c, old) {
			continue
		}
		if old != nil {
			select {
			case <-old.done:
			case <-c.closing:
			}
		}
		return
	}
}
