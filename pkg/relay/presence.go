package relay

import (
	"slices"
	"sync"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// maxFollowed bounds the names in the lists of all who take part, in 50 MB:
// a hundred for each connection of a full relay.
const maxFollowed = 1 << 20

// presence tells people who are connected here which of their contacts are.
// Whoever takes part names people; two who are accepted and have named each
// other hear of each other. It is all in memory, and knows of this relay alone.
type presence struct {
	max int // of followed

	mu       sync.Mutex // guards what follows, and all sharers
	sharers  map[crypto.Username]*sharer
	followed int // the names of all sharers
	stopped  bool
}

// sharer is somebody who takes part.
type sharer struct {
	conn  *conn             // nil for PresenceGrace after it has ended
	with  []crypto.Username // in order, at most protocol.MaxPresence, and all accepted
	grace *time.Timer       // set once conn is nil
}

// nobodyShared stands for somebody who takes no part.
var nobodyShared = &sharer{}

func newPresence() *presence {
	return &presence{max: maxFollowed, sharers: map[crypto.Username]*sharer{}}
}

func (s *sharer) names(name crypto.Username) bool {
	_, ok := slices.BinarySearch(s.with, name)
	return ok
}

func (s *sharer) tell(name crypto.Username, state protocol.PresenceState) {
	if s.conn != nil {
		s.conn.tell(name, state)
	}
}

// of returns what somebody shares. mu is held.
func (p *presence) of(name crypto.Username) *sharer {
	if s := p.sharers[name]; s != nil {
		return s
	}
	return nobodyShared
}

// share is a list of people, of whom those may hear who are contacts. Who sends
// too many lists adds nobody by one more; to drop people is free.
func (c *conn) share(f *protocol.SharePresence) {
	r := c.relay
	slices.Sort(f.With)
	f.With = slices.Compact(f.With)
	if len(f.With) == 0 {
		r.presence.narrow(c, nil)
		return
	}
	after, ok := r.limiters.PresenceOf.Allow(time.Now(), c.me.User)
	if !ok {
		r.presence.narrow(c, f.With)
		c.refuseFor(f.ID, nil, after)
		return
	}
	before := r.relations.Load()
	with, err := c.contacts(f.With)
	if err == nil && !r.presence.replace(c, with) {
		r.presence.narrow(c, with)
		c.refuseFor(f.ID, nil, fullRetry)
		return
	}
	if err == nil && r.relations.Load() != before {
		err = c.shareStill(with)
	}
	if err != nil {
		r.storeError("look-up of contacts", err)
		c.unavailable(f.ID, nil)
	}
}

// shareStill parts the peer from those who were contacts when they were looked
// up, and were none any more when the list came into force: who blocks one of
// the two parts them as well, but perhaps too early.
func (c *conn) shareStill(with []crypto.Username) error {
	still, err := c.contacts(with)
	if err != nil {
		c.relay.presence.narrow(c, nil)
		return err
	}
	for _, name := range with {
		if _, ok := slices.BinarySearch(still, name); !ok {
			c.relay.presence.part(c.me.User, name)
		}
	}
	return nil
}

// contacts returns those of names who are contacts of the peer.
func (c *conn) contacts(names []crypto.Username) (with []crypto.Username, err error) {
	for _, name := range names {
		if name == c.me.User {
			continue
		}
		rel, err := c.relay.directory.Relation(c.relay.ctx, PairOf(c.me.User, name))
		if err != nil {
			return nil, err
		}
		if rel.Accepted {
			with = append(with, name)
		}
	}
	return with, nil
}

// replace puts people, who are in order, in place of those whom c's user has
// named before. It is false where all lists together get too long.
func (p *presence) replace(c *conn, with []crypto.Username) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.followed+len(with)-len(p.of(c.me.User).with) > p.max {
		return false
	}
	p.set(c.me.User, &sharer{conn: c, with: slices.Clone(with)})
	return true
}

// narrow drops all whom c's user has named before, but for those in a list that
// is in order.
func (p *presence) narrow(c *conn, list []crypto.Username) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &sharer{conn: c}
	for _, name := range p.of(c.me.User).with {
		if _, ok := slices.BinarySearch(list, name); ok {
			s.with = append(s.with, name)
		}
	}
	p.set(c.me.User, s)
}

// set puts what somebody shares in place of what they shared before, and tells
// them whom they see, and see no more, and everybody else what is new. mu is held.
func (p *presence) set(me crypto.Username, s *sharer) {
	old := p.of(me)
	if old.grace != nil {
		old.grace.Stop()
	}
	p.followed += len(s.with) - len(old.with)
	p.sharers[me] = s
	if len(s.with) == 0 {
		delete(p.sharers, me)
	}
	for _, name := range old.with {
		if other := p.of(name); other.names(me) && !s.names(name) {
			other.tell(me, protocol.Offline)
			s.tell(name, protocol.Offline) // behind what is on its way
		}
	}
	for _, name := range s.with {
		other := p.of(name)
		if !other.names(me) {
			continue
		}
		s.tell(name, protocol.Online)
		if !old.names(name) {
			other.tell(me, protocol.Online)
		}
	}
}

// ended says that a connection has ended. Its contacts hear of it unless its
// device comes back soon.
func (p *presence) ended(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	me := c.me.User
	s := p.of(me)
	if s.conn != c || p.stopped {
		return
	}
	s.conn = nil
	s.grace = time.AfterFunc(protocol.PresenceGrace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.of(me) == s {
			p.set(me, nobodyShared)
		}
	})
}

// part lets two people who are contacts no more hear nothing of each other, as
// if each had left. Who did not see the other hears nothing at all.
func (p *presence) part(a, b crypto.Username) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, y := p.of(a), p.of(b)
	if x.names(b) && y.names(a) {
		x.tell(b, protocol.Offline)
		y.tell(a, protocol.Offline)
	}
	p.forget(x, b)
	p.forget(y, a)
}

// forget takes somebody out of a list. mu is held.
func (p *presence) forget(s *sharer, name crypto.Username) {
	if i, ok := slices.BinarySearch(s.with, name); ok {
		s.with = slices.Delete(s.with, i, i+1)
		p.followed--
	}
}

// stop ends all timers, and lets none begin: a relay that ends tells nobody that
// others leave.
func (p *presence) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	for _, s := range p.sharers {
		if s.grace != nil {
			s.grace.Stop()
		}
	}
}

// news is what a peer is to hear of its contacts; nil for nothing.
type news map[crypto.Username]protocol.PresenceState

// tell notes what the peer is to hear of somebody. Of what it does not read in
// time, it hears the latest.
func (c *conn) tell(name crypto.Username, state protocol.PresenceState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil || c.dead || c.ended {
		return
	}
	if c.news == nil {
		c.news = news{}
	}
	c.news[name] = state
	c.signal()
}

// appendNews appends what the peer is to hear.
func (c *conn) appendNews(out []byte, n news) []byte {
	for name, state := range n {
		out = appendText(out, protocol.Encode(&protocol.Presence{User: name, State: state}))
	}
	c.relay.framesOut.Add(uint64(len(n)))
	return out
}
