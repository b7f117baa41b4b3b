package agent

import (
	"context"
	"errors"
	"net"
	"sort"
	"sync"
	"time"

	"github.com/creachadair/jrpc2"

	"secure-messaging/pkg/client"
)

const (
	// maxConns is how many connections are served at a time: a screen, and as
	// many commands and bots as anybody runs at once. More wait in the
	// system's queue of the socket.
	maxConns = 64
	// drainTime is how long a leaving owner lets calls finish. Whatever needs
	// only the disk is done by then; whatever waits for a relay is not.
	drainTime = 2 * time.Second
	// acceptPause follows an accept that failed, e.g. for want of descriptors.
	acceptPause = 100 * time.Millisecond
)

// Server lets other processes use an account.
type Server struct {
	account client.Account

	mu       sync.Mutex
	attached int           // connections
	left     chan struct{} // closed when attached falls to 0, made when it rises from 0
}

// NewServer makes a server for an account.
func NewServer(account client.Account) *Server { return &Server{account: account} }

// Serve serves connections from ln until ctx ends, and closes it. At the end
// it lets calls under way finish that can do so quickly, ends the others, and
// returns after all its goroutines have. It returns nil after ctx, or why ln
// failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	unwatch := context.AfterFunc(ctx, func() { ln.Close() })
	defer unwatch()
	defer ln.Close()

	methods := s.methods(ctx)
	free := make(chan struct{}, maxConns)
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		conn, err := ln.Accept()
		if err == nil {
			s.count(1)
			conns.Go(func() {
				defer func() { <-free }()
				defer s.count(-1)
				serve(ctx, conn, methods)
			})
			continue
		}
		<-free
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		select {
		case <-time.After(acceptPause):
		case <-ctx.Done():
		}
	}
}

func (s *Server) count(change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached == 0 {
		s.left = make(chan struct{})
	}
	if s.attached += change; s.attached == 0 {
		close(s.left)
	}
}

// Idle waits until no connection is open, or ctx ends. An owner that has done
// its own work calls it before it leaves.
func (s *Server) Idle(ctx context.Context) error {
	s.mu.Lock()
	attached, left := s.attached, s.left
	s.mu.Unlock()
	if attached == 0 {
		return nil
	}
	select {
	case <-left:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serve answers one connection until it closes or ctx ends.
func serve(ctx context.Context, conn net.Conn, methods methods) {
	p := newPeer(conn)
	rpc := jrpc2.NewServer(assigner{p, methods}, &jrpc2.ServerOptions{
		DisableBuiltin: true,     // nobody needs its metrics
		Concurrency:    maxLines, // the peer's slots are the limit
	}).Start(p)
	var drained sync.WaitGroup
	drained.Go(func() {
		select {
		case <-ctx.Done():
			p.drain(drainTime)
			p.Close() // ends rpc, too, even one that waits for the peer to read
		case <-p.ctx.Done():
		}
	})
	rpc.Wait() // its error is the peer's: it has left, or broke the rules
	p.Close()
	drained.Wait()
}

type methods map[string]jrpc2.Handler

// assigner finds the method of a call.
type assigner struct {
	peer    *peer
	methods methods
}

// Assign implements jrpc2.Assigner. What has no id gets no answer, so it
// would never give its slot back.
func (a assigner) Assign(ctx context.Context, name string) jrpc2.Handler {
	if jrpc2.InboundRequest(ctx).IsNotification() {
		a.peer.Close()
		return nil
	}
	return a.methods[name]
}

// method makes a handler of a function from params to a result.
func method[P, R any](f func(context.Context, P) (R, error)) jrpc2.Handler {
	return func(ctx context.Context, req *jrpc2.Request) (any, error) {
		var params P
		if err := req.UnmarshalParams(&params); err != nil {
			return nil, err
		}
		result, err := f(ctx, params)
		if err != nil {
			return nil, toWire(err)
		}
		return result, nil
	}
}

type none struct{}

// methods is the table of doc.go. Calls that wait end with ctx.
func (s *Server) methods(ctx context.Context) methods {
	a, owner := s.account, ctx
	return methods{
		"hello": method(func(context.Context, none) (hello, error) { return hello{Version}, nil }),
		"identity": method(func(ctx context.Context, _ none) (client.Identity, error) {
			return a.Identity(ctx)
		}),
		"status":   method(func(ctx context.Context, _ none) (client.Status, error) { return a.Status(ctx) }),
		"contacts": method(s.contacts),
		"connect":  method(func(ctx context.Context, p nameParams) (client.Contact, error) { return a.Connect(ctx, p.Name, p.Note) }),
		"accept":   method(func(ctx context.Context, p nameParams) (client.Contact, error) { return a.Accept(ctx, p.Name) }),
		"reject":   method(func(ctx context.Context, p nameParams) (any, error) { return nil, a.Reject(ctx, p.Name) }),
		"block":    method(func(ctx context.Context, p nameParams) (any, error) { return nil, a.Block(ctx, p.Name) }),
		"safety":   method(func(ctx context.Context, p nameParams) (client.Safety, error) { return a.Safety(ctx, p.Name) }),
		"trust": method(func(ctx context.Context, p trustParams) (client.Contact, error) {
			return a.Trust(ctx, p.Name, p.Decision, p.Number)
		}),
		"send":    method(func(ctx context.Context, p sendParams) (client.Message, error) { return a.Send(ctx, p.To, p.Text) }),
		"message": method(func(ctx context.Context, p messageParams) (client.Message, error) { return a.Message(ctx, p.ID) }),
		"history": method(s.history),
		"mark_read": method(func(ctx context.Context, p markReadParams) (any, error) {
			return nil, a.MarkRead(ctx, p.Contact, p.Cursor)
		}),
		"events": method(func(ctx context.Context, p eventsParams) (client.Batch, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			unwatch := context.AfterFunc(owner, cancel)
			defer unwatch()
			batch, err := a.Events(ctx, p.After)
			if err != nil && owner.Err() != nil {
				err = ended()
			}
			return batch, err
		}),
		"cancel": method(cancelCall),
	}
}

// cancelCall ends another call of the same connection. The id is a number or
// a string, as it stood in that call.
func cancelCall(ctx context.Context, p cancelParams) (any, error) {
	jrpc2.ServerFromContext(ctx).CancelRequest(string(p.ID))
	return nil, nil
}

func (s *Server) contacts(ctx context.Context, p contactsParams) (contactsPage, error) {
	all, err := s.account.Contacts(ctx)
	if err != nil {
		return contactsPage{}, err
	}
	rest := all[sort.Search(len(all), func(i int) bool { return all[i].Name > p.After }):]
	n := fit(len(rest), func(i int) int { return weight(rest[i].Note) })
	return contactsPage{rest[:n], n < len(rest)}, nil
}

func (s *Server) history(ctx context.Context, q client.Query) (historyPage, error) {
	all, err := s.account.History(ctx, q)
	if err != nil {
		return historyPage{}, err
	}
	if q.After != 0 {
		n := fit(len(all), func(i int) int { return weight(all[i].Text) })
		return historyPage{all[:n], n < len(all)}, nil
	}
	n := fit(len(all), func(i int) int { return weight(all[len(all)-1-i].Text) })
	return historyPage{all[len(all)-n:], n < len(all)}, nil
}

// weight is the most that a value with a text takes in JSON: what else it
// holds is short, and a byte is escaped to six at most.
func weight(text string) int { return 1<<10 + 6*len(text) }

// fit returns how many of n items fit one answer.
func fit(n int, weight func(int) int) int {
	room := maxAnswer - 1<<10 // for what stands around them
	for i := range n {
		if room -= weight(i); room < 0 {
			return i
		}
	}
	return n
}
