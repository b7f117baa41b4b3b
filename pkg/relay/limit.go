package relay

import (
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay/ratelimit"
)

// fullRetry is when to try again where places, not tokens, have run out.
const fullRetry = 10 * time.Second

var closeRate = &closeReason{code: websocket.CloseTryAgainLater, text: "too much in too short a time", count: CountRateClosed}

// tooMany answers a request with 429 and when to try again.
func (r *Relay) tooMany(w http.ResponseWriter, after time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(after.Seconds())))))
	r.httpRefuse(w, protocol.CodeRateLimited, "")
}

// client is who makes a request, for the limits by address.
func (r *Relay) client(req *http.Request) ratelimit.Address {
	return r.proxies.ClientOf(req)
}

// limited bounds the requests of an address.
func (r *Relay) limited(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if after, ok := r.limiters.RequestsOf.Allow(time.Now(), r.client(req)); !ok {
			r.tooMany(w, after)
			return
		}
		next(w, req)
	}
}

// limitHTTP bounds the connections that are in their TLS handshake or speak
// plain HTTP. WebSockets have limits of their own.
func (r *Relay) limitHTTP(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		who := r.proxies.PeerOf(c.RemoteAddr().String())
		entered := r.limiters.HTTPConnectionsOf.Enter(who)
		if entered && who != (ratelimit.Address(0)) {
			r.httpFrom.Store(c, who)
		}
		if r.httpConns.Add(1) > r.limits.HTTPConnections || !entered {
			r.counters.add(CountHTTPFull)
			c.Close()
		}
	case http.StateHijacked, http.StateClosed:
		r.httpConns.Add(-1)
		if who, ok := r.httpFrom.LoadAndDelete(c); ok {
			r.limiters.HTTPConnectionsOf.Leave(who.(ratelimit.Address))
		}
	}
}

// admit takes a frame of the peer into account. Who sends too much is not read
// for a while; who goes on for long is refused, and comes back later. It is
// false if the frame was refused.
func (c *conn) admit(id crypto.MessageID, recipients []*crypto.Address, frames, size int) bool {
	wait, after, ok := c.flow.Admit(c.clock(), frames, size)
	if !ok {
		for _, to := range recipients {
			c.refuseFor(id, to, after)
		}
		c.requestClose(closeRate)
		return false
	}
	if wait > 0 {
		c.relay.counters.add(CountSlowed)
		c.letGo()
		pause := time.NewTimer(wait)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-c.closing:
		}
		c.at = time.Time{}
		c.moves() // its acks wait behind its frames
	}
	return true
}

// refuseFor answers a frame that comes too early.
func (c *conn) refuseFor(id crypto.MessageID, recipient *crypto.Address, after time.Duration) {
	c.relay.counters.add(counterOf(protocol.CodeRateLimited))
	f := &protocol.Error{
		Code: protocol.CodeRateLimited, Message: refusals[protocol.CodeRateLimited],
		Recipient: recipient, RetryAfter: uint64(max(1, after.Milliseconds())),
	}
	if id != (crypto.MessageID{}) {
		f.ID = &id
	}
	c.reply(f)
}

// mayAsk takes one from the peer's bucket for a kind of request, or refuses
// the frame.
func (c *conn) mayAsk(bucket *ratelimit.Keyed[crypto.Username], id crypto.MessageID) bool {
	after, ok := bucket.Allow(time.Now(), c.me.User)
	if !ok {
		c.refuseFor(id, nil, after)
	}
	return ok
}
