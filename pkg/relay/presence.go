package relay

import (
	"sync"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// presence tells people who are connected here which of their contacts are.
// Whoever takes part names people; those who have named them, too, and are
// accepted, hear of them. It is all in memory, and knows of this relay alone.
type presence struct {
	mu       sync.Mutex
	sharers  map[crypto.Username]*sharer
	watchers map[crypto.Username]map[*conn]struct{} // who wants to hear of somebody, and may
	stopped  bool
}

// sharer is somebody whose contacts are told.
type sharer struct {
	conn  *conn                        // nil for PresenceGrace after it has ended
	with  map[crypto.Username]struct{} // who hears of them
	grace *time.Timer                  // runs while conn is nil
}

func newPresence() *presence {
	return &presence{sharers: map[crypto.Username]*sharer{}, watchers: map[crypto.Username]map[*conn]struct{}{}}
}

// mayShare takes one from the peer's bucket for lists. One too many is passed
// over: what was told stays as it is.
func (c *conn) mayShare() bool {
	_, ok := c.relay.limiters.PresenceOf.Allow(time.Now(), c.me.User)
	return ok
}

// share is a list of people, of whom those may hear who are contacts.
func (c *conn) share(f *protocol.SharePresence) {
	before := c.relay.relations.Load()
	may, err := c.contacts(f.With)
	if err != nil {
		c.relay.storeError("look-up of contacts", err)
		c.unavailable(crypto.MessageID{}, nil)
		return
	}
	c.relay.presence.share(c, may)
	if c.relay.relations.Load() == before {
		return
	}
	// Somebody may have been blocked between the look-up and the list.
	still, err := c.contacts(f.With)
	for name := range may {
		if _, there := still[name]; !there || err != nil {
			c.relay.presence.part(c.me.User, name)
		}
	}
}

// contacts returns those of names who are contacts of the peer.
func (c *conn) contacts(names []crypto.Username) (map[crypto.Username]struct{}, error) {
	may := map[crypto.Username]struct{}{}
	for _, name := range names {
		if _, twice := may[name]; twice || name == c.me.User {
			continue
		}
		rel, err := c.relay.directory.Relation(c.relay.ctx, PairOf(c.me.User, name))
		if err != nil {
			return nil, err
		}
		if rel.Accepted {
			may[name] = struct{}{}
		}
	}
	return may, nil
}

// share puts the people in place of those whom c has named before.
func (p *presence) share(c *conn, with map[crypto.Username]struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	me := c.me.User
	old := p.sharers[me]
	if old != nil {
		p.unwatch(old)
		if old.grace != nil {
			old.grace.Stop()
		}
	}
	if len(with) == 0 {
		p.leave(me)
		return
	}
	s := &sharer{conn: c, with: with}
	p.sharers[me] = s
	for name := range with {
		if p.watchers[name] == nil {
			p.watchers[name] = map[*conn]struct{}{}
		}
		p.watchers[name][c] = struct{}{}
	}
	for name := range s.with {
		other := p.sharers[name]
		if other == nil {
			continue
		}
		if _, ok := other.with[me]; ok {
			c.tell(name, protocol.Online)
		}
	}
	if old == nil {
		p.announce(me, s, protocol.Online)
		return
	}
	for name := range s.with { // who was added hears it for the first time
		if _, there := old.with[name]; !there {
			p.announceTo(name, me, protocol.Online)
		}
	}
	for name := range old.with {
		if _, there := s.with[name]; !there {
			p.announceTo(name, me, protocol.Offline)
		}
	}
}

// announce tells everybody who may hear it of somebody.
func (p *presence) announce(name crypto.Username, s *sharer, state protocol.PresenceState) {
	for w := range p.watchers[name] {
		if _, ok := s.with[w.me.User]; ok {
			w.tell(name, state)
		}
	}
}

// announceTo tells one person.
func (p *presence) announceTo(to, name crypto.Username, state protocol.PresenceState) {
	other := p.sharers[to]
	if other == nil || other.conn == nil {
		return
	}
	if _, watches := other.with[name]; watches {
		other.conn.tell(name, state)
	}
}

// leave ends what somebody shares. mu is held.
func (p *presence) leave(name crypto.Username) {
	if s := p.sharers[name]; s != nil {
		delete(p.sharers, name)
		p.announce(name, s, protocol.Offline)
	}
}

// unwatch forgets whom somebody wants to hear of. mu is held.
func (p *presence) unwatch(s *sharer) {
	for name := range s.with {
		p.unwatchOne(s, name)
	}
}

func (p *presence) unwatchOne(s *sharer, name crypto.Username) {
	delete(p.watchers[name], s.conn)
	if len(p.watchers[name]) == 0 {
		delete(p.watchers, name)
	}
}

// ended says that a connection has ended. Its contacts hear of it unless its
// device comes back soon.
func (p *presence) ended(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	me := c.me.User
	s := p.sharers[me]
	if s == nil || s.conn != c || p.stopped {
		return
	}
	p.unwatch(s)
	s.conn = nil
	s.grace = time.AfterFunc(protocol.PresenceGrace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.sharers[me] == s {
			p.leave(me)
		}
	})
}

// part makes two people strangers to each other, who were contacts.
func (p *presence) part(a, b crypto.Username) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(a, b)
	p.drop(b, a)
}

// drop lets a hear nothing of b any more, as if b had left. mu is held.
func (p *presence) drop(a, b crypto.Username) {
	s := p.sharers[a]
	if s == nil {
		return
	}
	if _, ok := s.with[b]; !ok {
		return
	}
	if s.conn != nil {
		s.conn.tell(b, protocol.Offline)
		p.unwatchOne(s, b)
	}
	delete(s.with, b)
}

// stop ends all timers, and lets none begin.
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

// tell notes what the peer is to hear of somebody. Of what it does not read in
// time, it hears the latest.
func (c *conn) tell(name crypto.Username, state protocol.PresenceState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.ended {
		return
	}
	if c.news == nil {
		c.news = map[crypto.Username]protocol.PresenceState{}
	}
	c.news[name] = state
	c.signal()
}

// appendNews appends what the peer is to hear.
func (c *conn) appendNews(out []byte, news map[crypto.Username]protocol.PresenceState) []byte {
	for name, state := range news {
		out = appendText(out, protocol.Encode(&protocol.Presence{User: name, State: state}))
	}
	c.relay.framesOut.Add(uint64(len(news)))
	return out
}
