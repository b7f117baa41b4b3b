package relay_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// line connects devices while the relay comes and goes.
type line struct {
	*world
	up    sync.RWMutex // locked while the relay is down
	ended bool
}

// connect logs in, or returns nil at the end of the test.
func (l *line) connect(p *person) *peer {
	l.up.RLock()
	defer l.up.RUnlock()
	if l.ended {
		return nil
	}
	return l.login(p)
}

// restart restarts the relay.
func (l *line) restart() {
	l.up.Lock()
	defer l.up.Unlock()
	l.stop()
	l.start()
}

// end stops the relay for good.
func (l *line) end() {
	l.up.Lock()
	defer l.up.Unlock()
	l.ended = true
	l.stop()
}

func (c *peer) tryWrite(f protocol.Frame) error {
	return c.ws.WriteMessage(websocket.TextMessage, protocol.Encode(f))
}

// collect is a recipient: it keeps what is new, and acks everything.
func (l *line) collect(p *person, progress chan<- struct{}) (got []crypto.MessageID) {
	seen := map[crypto.MessageID]bool{}
	for c := l.connect(p); c != nil; c = l.connect(p) {
		for {
			f, err := c.read()
			if err != nil {
				break
			}
			m, ok := f.(*protocol.EncryptedMessage)
			if !ok {
				l.t.Errorf("the recipient got %s", protocol.Encode(f))
				break
			}
			if !seen[m.ID] {
				seen[m.ID] = true
				got = append(got, m.ID)
				progress <- struct{}{}
			}
			if c.tryWrite(&protocol.Ack{Seq: m.Seq}) != nil {
				break
			}
		}
		c.ws.Close()
	}
	return got
}

// deliver is a sender: on each connection it sends what was not delivered,
// from the oldest on, until everything was.
func (l *line) deliver(p, to *person, ids []crypto.MessageID) {
	left := slices.Clone(ids)
	for len(left) > 0 {
		c := l.connect(p)
		var writing sync.Mutex
		var sending sync.WaitGroup
		outbox := slices.Clone(left)
		sending.Go(func() {
			for _, id := range outbox {
				f := &protocol.SendMessage{ID: id, Recipients: []crypto.Address{to.addr()}, EncryptedData: []protocol.Sealed{[]byte("x")}}
				writing.Lock()
				err := c.tryWrite(f)
				writing.Unlock()
				if err != nil {
					return
				}
			}
		})
		for len(left) > 0 {
			f, err := c.read()
			if err != nil {
				break
			}
			r, ok := f.(*protocol.Receipt)
			if !ok {
				l.t.Errorf("the sender got %s", protocol.Encode(f))
				break
			}
			if r.State == protocol.ReceiptDelivered {
				left = slices.DeleteFunc(left, func(id crypto.MessageID) bool { return id == r.ID })
				if r.Seq != 0 {
					writing.Lock()
					c.tryWrite(&protocol.Ack{Seq: r.Seq})
					writing.Unlock()
				}
			}
		}
		c.ws.Close()
		sending.Wait()
	}
}

// TestPromise: two clients that do no more than PROTOCOL.md asks of them lose
// nothing, and see nothing out of order, while the relay restarts under them.
func TestPromise(t *testing.T) {
	const messages, restarts = 600, 5
	l := &line{world: newWorld(t)}
	alice, bob := l.register("alice"), l.register("bob")
	l.befriend(alice, bob)
	ids := make([]crypto.MessageID, messages)
	for i := range ids {
		ids[i] = crypto.NewMessageID()
	}
	progress := make(chan struct{}, messages)
	collected := make(chan []crypto.MessageID)
	go func() { collected <- l.collect(bob, progress) }()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		l.deliver(alice, bob, ids)
	}()
	for range restarts {
		for range messages / (restarts + 1) {
			<-progress
		}
		l.restart()
	}
	<-delivered
	l.end()
	if got := <-collected; !slices.Equal(got, ids) {
		t.Errorf("%d messages of %d came, or in another order", len(got), messages)
	}
}
