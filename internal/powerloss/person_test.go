package powerloss

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// person is somebody with one device, who writes or is written to.
type person struct {
	// Static after newPerson.
	name  string
	keys  client.Keys
	store client.Store // outlives the clients, and keeps what it was given

	// Owned by whoever lets the person act.
	client   *client.Client // nil while the person is away
	stopped  chan struct{}
	stop     context.CancelFunc
	position uint64 // in the events of client

	wire   atomic.Pointer[wire] // the relay's end of the latest connection
	missed chan struct{}        // holds one if somebody has written since it was looked at
	line   *line                // to the relay

	sent map[*person][]string // ids of messages, in order
	seen map[*person]int      // how many of somebody's messages are in the history, in order
	read int64                // cursor of the history, up to which seen counts
}

// begin runs a client.
func (p *person) begin() error {
	c, err := client.New(p.store)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	now, err := c.Events(ctx, 0)
	if err != nil {
		cancel()
		return err
	}
	p.client, p.stop, p.position, p.stopped = c, cancel, now.Next, make(chan struct{})
	go func(stopped chan<- struct{}) {
		defer close(stopped)
		c.Run(ctx)
	}(p.stopped)
	return nil
}

// leave ends the client.
func (p *person) leave() {
	if p.client != nil {
		p.stop()
		<-p.stopped
		p.client = nil
	}
}

// comeBack ends the client and begins the next.
func (p *person) comeBack() error {
	p.leave()
	return p.begin()
}

// await waits until what it is told of the client is what it waits for.
func (p *person) await(ctx context.Context, is func(client.Status, []client.Event) bool) error {
	return client.Await(ctx, p.client, &p.position, func(events []client.Event) (bool, error) {
		s, err := p.client.Status(ctx)
		return is(s, events), err
	})
}

func caughtUp(s client.Status, _ []client.Event) bool { return s.CaughtUp }

func disconnected(s client.Status, _ []client.Event) bool { return s.State != client.Connected }

func takenOver(s client.Status, _ []client.Event) bool { return s.Fatal }

// arrivals waits for n messages of others.
func arrivals(n int) func(client.Status, []client.Event) bool {
	return func(_ client.Status, events []client.Event) bool {
		for _, e := range events {
			if e.Kind == client.MessageAdded && !e.Message.Outgoing() {
				n--
			}
		}
		return n <= 0
	}
}

// heardOf waits until the relay or the recipient has a message.
func heardOf(id string) func(client.Status, []client.Event) bool {
	return func(_ client.Status, events []client.Event) bool {
		for _, e := range events {
			if e.Kind == client.MessageChanged && e.Message.ID == id {
				return true
			}
		}
		return false
	}
}

// say sends a message and writes down that it did.
func (p *person) say(to *person, text string) (id string, err error) {
	m, err := p.client.Send(context.Background(), to.name, text)
	if err != nil {
		return "", err
	}
	p.sent[to] = append(p.sent[to], m.ID)
	select {
	case to.missed <- struct{}{}:
	default:
	}
	return m.ID, nil
}

// maxRow is how many messages somebody sends before waiting for an answer: some
// share a transaction, an fsync, a write.
const maxRow = 8

// write sends messages to people, some at a time, until ctx ends. Now and then
// the connection is lost in between.
func (p *person) write(ctx context.Context, to []*person, messages int, rng *rand.Rand) error {
	for messages > 0 && ctx.Err() == nil {
		var last string
		for range 1 + rng.IntN(maxRow) {
			var err error
			text := fmt.Sprintf("message %d%s", messages, strings.Repeat(" and so on", rng.IntN(100)))
			if last, err = p.say(to[rng.IntN(len(to))], text); err != nil {
				return err
			}
			messages--
		}
		if rng.IntN(4) == 0 {
			p.wire.Load().Close()
			if err := p.comeBack(); err != nil {
				return err
			}
			if m, err := p.client.Message(ctx, last); err != nil || m.State != client.Waiting {
				continue
			}
		}
		if err := p.await(ctx, heardOf(last)); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// comeAndGo reads, goes away, loses the connection and has another login take
// it over, until ctx ends.
func (p *person) comeAndGo(ctx context.Context, rng *rand.Rand) error {
	for ctx.Err() == nil {
		if err := p.await(ctx, arrivals(rng.IntN(12))); err != nil {
			return unless(ctx, err)
		}
		switch rng.IntN(5) {
		case 0: // is away while others write
			p.leave()
			for range rng.IntN(6) {
				select {
				case <-p.missed:
				case <-ctx.Done():
					return nil
				}
			}
		case 1: // is cut off
			p.wire.Load().Close()
		case 2: // is cut off, and the relay does not know
			p.wire.Load().orphan()
		case 3: // somebody else logs in
			if err := p.isTakenOver(ctx); err != nil {
				return unless(ctx, err)
			}
		default:
			continue
		}
		if err := p.comeBack(); err != nil {
			return err
		}
	}
	return nil
}

// isTakenOver lets another login of the device take over, which has no room on
// its disk, and so acks nothing.
func (p *person) isTakenOver(ctx context.Context) error {
	other := &person{store: full{p.store}}
	if err := other.begin(); err != nil {
		return err
	}
	defer other.leave()
	return p.await(ctx, takenOver)
}

// unless returns an error that has another reason than the end of ctx.
func unless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// hearOut ends the client after it has taken all that the relay has said before
// the power was cut.
func (p *person) hearOut(ctx context.Context) error {
	if p.client == nil {
		return nil
	}
	defer p.leave()
	return p.await(ctx, disconnected)
}

// toldOf returns how far a message that the person has sent has come.
func (p *person) toldOf(id string) (client.MessageState, error) {
	var m crypto.MessageID
	if err := m.UnmarshalText([]byte(id)); err != nil {
		return "", err
	}
	msg, err := p.store.Sent(m)
	return msg.State, err
}

// left returns how many messages have not been delivered.
func (p *person) left() (n int) {
	for _, ids := range p.sent {
		for _, id := range ids {
			if state, err := p.toldOf(id); err != nil || state != client.Delivered {
				n++
			}
		}
	}
	return n
}

// line is where a person finds the relay, whichever that is just now.
type line struct {
	ln    net.Listener
	ended chan struct{}
	done  chan struct{}
}

func newLine() (*line, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &line{ln: ln, ended: make(chan struct{}), done: make(chan struct{})}, nil
}

// run hands on who dials.
func (l *line) run(owner *person, dialled chan<- *wire) {
	defer close(l.done)
	for {
		c, err := l.ln.Accept()
		if err != nil {
			return
		}
		select {
		case dialled <- &wire{Conn: c, owner: owner, ended: make(chan struct{})}:
		case <-l.ended:
			c.Close()
			return
		}
	}
}

func (l *line) close() {
	close(l.ended)
	l.ln.Close()
	<-l.done
}
