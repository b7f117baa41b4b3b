package relay_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// attempt logs in, which may fail at any step: the relay may end, and another
// login of the device may be faster. It does not wait for prekey_stock.
func (w *world) attempt(p *person) (*peer, error) {
	ws, resp, err := websocket.DefaultDialer.Dial("ws://"+w.addr+protocol.PathSocket, nil)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	c := &peer{t: w.t, ws: ws, person: p}
	f, err := c.read()
	if challenge, ok := f.(*protocol.Challenge); ok && err == nil {
		l := c.proof(challenge)
		if err = c.tryWrite(&protocol.Authenticate{Address: l.Address, Host: l.Host, Nonce: l.ClientNonce, Signature: l.Sign(c.device)}); err == nil {
			if f, err = c.read(); err == nil {
				if _, ok := f.(*protocol.Authenticated); ok {
					return c, nil
				}
			}
		}
	}
	ws.Close()
	return nil, fmt.Errorf("not logged in: %v, %v", f, err)
}

// storm is a device that some write to, while its connections come and go.
type storm struct {
	*line
	random  *rand.Rand // of the device's goroutine
	to      *person
	senders []*person
	ids     [][]crypto.MessageID // by sender

	got   [][]crypto.MessageID // by sender, in the order of their first coming
	seen  map[crypto.MessageID]bool
	again int                      // frames of what had come before
	count map[relay.Counter]uint64 // of all relays together
	disk  *faulty                  // that the relays share
	fresh chan struct{}            // one for each message that is new
}

func newStorm(t *testing.T, seed uint64) *storm {
	w, disk := newFaultyWorld(t)
	s := &storm{
		line: &line{world: w}, disk: disk, random: rand.New(rand.NewPCG(seed, 1)),
		got: make([][]crypto.MessageID, stormSenders), seen: map[crypto.MessageID]bool{}, count: map[relay.Counter]uint64{},
		fresh: make(chan struct{}, stormSenders*stormMessages),
	}
	s.to = s.register("bob")
	for i := range stormSenders {
		p := s.register(fmt.Sprintf("sender%d", i))
		s.befriend(p, s.to)
		s.senders = append(s.senders, p)
		ids := make([]crypto.MessageID, stormMessages)
		for j := range ids {
			ids[j] = crypto.NewMessageID()
		}
		s.ids = append(s.ids, ids)
	}
	return s
}

// restart restarts the relay over the same store.
func (s *storm) restart() {
	s.up.Lock()
	defer s.up.Unlock()
	s.stop()
	s.start(func(c *relay.Config) { c.Directory, c.Prekeys, c.Mailboxes = s.disk, s.disk, s.disk })
}

// trouble makes each operation of the store fail now and then, before or after
// it took effect.
func (s *storm) trouble(random *rand.Rand) {
	odds := map[string]int{"relation": 50, "append": 40, "append, stored": 40, "wait": 40, "read": 100, "delete": 10}
	s.disk.set(func(op string) error {
		if n := odds[op]; n > 0 && random.IntN(n) == 0 {
			return errDisk
		}
		return nil
	})
}

// enter logs in, again and again while the relay is there, or returns nil at
// the end of the test.
func (s *storm) enter(p *person) *peer {
	for {
		s.up.RLock()
		if s.ended {
			s.up.RUnlock()
			return nil
		}
		c, err := s.attempt(p)
		s.up.RUnlock()
		if err == nil {
			return c
		}
	}
}

// receive is the device. It acks when nothing more has come, or after a while;
// it drops its connection, or logs in again while that is open.
func (s *storm) receive() {
	for c := s.enter(s.to); c != nil; {
		next := s.connection(c)
		c.ws.Close()
		if next == nil {
			next = s.enter(s.to)
		}
		c = next
	}
}

// connection handles one connection to its end, and returns the one that has
// taken over, if it is one of ours.
func (s *storm) connection(c *peer) (next *peer) {
	frames := make(chan protocol.Frame, 512)
	go func() {
		defer close(frames)
		for {
			f, err := c.read()
			if err != nil {
				return
			}
			frames <- f
		}
	}()
	defer func() {
		c.ws.Close()
		for range frames { // the reader ends
		}
	}()
	lazy := 1 + s.random.IntN(200) // frames without an ack
	life := 1 + s.random.IntN(300) // frames
	taken := make(chan *peer, 2)
	takers := 0
	var unacked, last uint64
	for {
		var f protocol.Frame
		var ok bool
		select {
		case f, ok = <-frames:
		default:
			runtime.Gosched()
			select {
			case f, ok = <-frames:
			default:
				if unacked > 0 && c.tryWrite(&protocol.Ack{Seq: last}) == nil {
					unacked = 0
				}
				f, ok = <-frames
			}
		}
		if !ok {
			c.ws.Close()
			break
		}
		if seq := s.take(f); seq != 0 {
			last = seq
			if unacked++; unacked >= uint64(lazy) {
				c.tryWrite(&protocol.Ack{Seq: last})
				unacked = 0
			}
		}
		if life--; life == 0 && takers == 0 {
			if s.random.IntN(2) == 0 {
				return nil // cut, with frames unread and unacked
			}
			takers = 1 + s.random.IntN(2)
			for range takers { // two of them take over from each other
				go func() { taken <- s.enter(s.to) }()
			}
		}
	}
	for range takers {
		if t := <-taken; t != nil && next == nil {
			next = t
		} else if t != nil { // the one that has lost, or both will
			t.ws.Close()
		}
	}
	return next
}

// take notes a message, and returns the number that is to be acked.
func (s *storm) take(f protocol.Frame) uint64 {
	switch f := f.(type) {
	case *protocol.ConnectionRequest:
		return f.Seq
	case *protocol.EncryptedMessage:
		if s.seen[f.ID] {
			s.again++
			return f.Seq
		}
		s.seen[f.ID] = true
		i := slices.IndexFunc(s.senders, func(p *person) bool { return p.addr() == f.From })
		s.got[i] = append(s.got[i], f.ID)
		s.fresh <- struct{}{}
		return f.Seq
	case *protocol.PrekeyStock, *protocol.CaughtUp:
	default:
		s.t.Errorf("the device got %s", protocol.Encode(f))
	}
	return 0
}

// write is a sender: on each connection it sends all that was not delivered, in
// order, and drops the connection now and then.
func (s *storm) write(i int, random *rand.Rand) {
	p, left := s.senders[i], slices.Clone(s.ids[i])
	for len(left) > 0 {
		c := s.enter(p)
		if c == nil {
			return
		}
		life := 1 + random.IntN(len(s.ids[i]))
		var writing sync.Mutex
		var sending sync.WaitGroup
		outbox, room := slices.Clone(left), make(chan struct{}, len(left))
		for range 1 << random.IntN(9) { // so many without an answer
			offer(room)
		}
		sending.Go(func() {
			for _, id := range outbox {
				if _, ok := <-room; !ok {
					return
				}
				writing.Lock()
				err := c.tryWrite(&protocol.SendMessage{ID: id, Recipients: []crypto.Address{s.to.addr()}, EncryptedData: []protocol.Sealed{[]byte("x")}})
				writing.Unlock()
				if err != nil {
					return
				}
			}
		})
		for ; len(left) > 0 && life > 0; life-- {
			f, err := c.read()
			if err != nil {
				break
			}
			switch f := f.(type) {
			case *protocol.PrekeyStock:
			case *protocol.Error:
				if f.Code != protocol.CodeUnavailable {
					s.t.Errorf("a sender got %s", protocol.Encode(f))
				}
			case *protocol.Receipt:
				if f.State == protocol.ReceiptDelivered {
					left = slices.DeleteFunc(left, func(id crypto.MessageID) bool { return id == f.ID })
					offer(room)
				}
				if f.Seq != 0 {
					writing.Lock()
					c.tryWrite(&protocol.Ack{Seq: f.Seq})
					writing.Unlock()
				}
			default:
				s.t.Errorf("a sender got %s", protocol.Encode(f))
			}
		}
		c.ws.Close()
		close(room)
		sending.Wait()
	}
}

// offer puts something into a channel that has room for it.
func offer(room chan<- struct{}) {
	select {
	case room <- struct{}{}:
	default:
	}
}

// TestStorm: whatever happens to the connections of a device and of those who
// write to it, while the relay restarts, strangers put something in between, and
// the store fails now and then, each message comes, and those of one sender in
// their order.
func TestStorm(t *testing.T) {
	const seeds = 3
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { newStorm(t, seed).rage(t) })
		t.Run(fmt.Sprint("with a bad store, seed ", seed), func(t *testing.T) {
			s := newStorm(t, seed)
			s.trouble(rand.New(rand.NewPCG(seed, 2)))
			s.rage(t)
		})
	}
}

// How much goes on in a storm.
const (
	stormSenders  = 4
	stormMessages = 800 // of each
	stormRestarts = 4
)

// rage lets everything happen, and looks at what has come.
func (s *storm) rage(t *testing.T) {
	const total = stormSenders * stormMessages
	var all, writing sync.WaitGroup
	for i := range stormSenders {
		random := rand.New(rand.NewPCG(s.random.Uint64(), uint64(i)))
		writing.Go(func() { s.write(i, random) })
	}
	all.Go(s.receive) // s.random is its own from now on
	asks := make(chan struct{}, total)
	stranger := s.register("stranger")
	all.Go(func() { s.ask(stranger, asks) })
	for n := 1; n <= total; n++ {
		<-s.fresh
		if n%4 == 0 {
			asks <- struct{}{}
		}
		if n%(total/(stormRestarts+1)) == 0 && n < total {
			s.sum()
			s.restart()
		}
	}
	writing.Wait() // all are delivered
	close(asks)
	s.sum()
	s.end()
	all.Wait()
	for i, ids := range s.ids {
		if !slices.Equal(s.got[i], ids) {
			t.Errorf("messages of sender %d: %d of %d came, or in another order", i, len(s.got[i]), len(ids))
		}
	}
	if n := s.relay.Airborne(); n != 0 {
		t.Errorf("%d bytes are counted as handed on and not stored", n)
	}
	n := s.count
	t.Logf("%d frames came again; %d takeovers, %d handed on, %d spills, %d stored, %d faults", s.again, n[relay.CountTakeovers],
		n[relay.CountHanded], n[relay.CountSpills], n[relay.CountMessages], n[relay.CountStoreErrors])
}

// sum adds up what a relay has counted.
func (s *storm) sum() {
	for name, n := range s.relay.Snapshot() {
		s.count[name] += n
	}
}

// ask is a stranger, whose requests come in between.
func (s *storm) ask(stranger *person, when <-chan struct{}) {
	for range when {
		c := s.enter(stranger)
		if c == nil {
			return
		}
		c.tryWrite(&protocol.ConnectRequest{ID: crypto.NewMessageID(), Target: s.to.addr(), Data: []byte("x")})
		for f, err := c.read(); err == nil; f, err = c.read() {
			if _, ok := f.(*protocol.Receipt); ok {
				break
			}
		}
		c.ws.Close()
	}
}
