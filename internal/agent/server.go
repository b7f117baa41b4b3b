package agent

import (
	"context"
	"errors"
	"net"
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
	Kind Kind // of this process; set before Serve, Command where it is not

	account client.Account
	since   time.Time
	asked   chan struct{} // closed when somebody has asked to leave
	once    sync.Once

	mu       sync.Mutex
	attached int           // connections
	left     chan struct{} // closed when attached falls to 0, made when it rises from 0
}

// NewServer makes a server for an account.
func NewServer(account client.Account) *Server {
	return &Server{Kind: Command, account: account, since: time.Now(), asked: make(chan struct{})}
}

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
		a.peer.nameless.Store(true)
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
		"hello":  method(func(context.Context, none) (hello, error) { return hello{Version}, nil }),
		"holder": method(s.holder),
		"leave":  method(s.leave),
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
		"send": method(func(ctx context.Context, p sendParams) (client.Message, error) { return a.Send(ctx, p.To, p.Text) }),
		"reply": method(func(ctx context.Context, p aboutParams) (client.Message, error) {
			return a.Reply(ctx, p.Cursor, p.Text)
		}),
		"edit":   method(func(ctx context.Context, p aboutParams) (client.Message, error) { return a.Edit(ctx, p.Cursor, p.Text) }),
		"delete": method(func(ctx context.Context, p aboutParams) (client.Message, error) { return a.Delete(ctx, p.Cursor) }),
		"react": method(func(ctx context.Context, p aboutParams) (client.Message, error) {
			return a.React(ctx, p.Cursor, p.Emoji)
		}),
		"disappear": method(func(ctx context.Context, p disappearParams) (client.Contact, error) {
			return a.Disappear(ctx, p.Contact, seconds(p.Seconds))
		}),
		"typing":       method(func(ctx context.Context, p typingParams) (any, error) { return nil, a.Typing(ctx, p.Contact) }),
		"settings":     method(func(ctx context.Context, _ none) (client.Settings, error) { return a.Settings(ctx) }),
		"set_settings": method(func(ctx context.Context, p client.Settings) (any, error) { return nil, a.SetSettings(ctx, p) }),
		"search":       method(s.search),
		"views":        method(s.views),
		"set_view":     method(func(ctx context.Context, p client.View) (any, error) { return nil, a.SetView(ctx, p) }),
		"send_file": method(func(ctx context.Context, p fileParams) (client.Message, error) {
			return a.SendFile(ctx, p.To, p.Path, p.Text)
		}),
		"save_file": method(func(ctx context.Context, p fileParams) (string, error) { return a.SaveFile(ctx, p.Cursor, p.Path) }),
		"groups":    method(s.groups),
		"make_group": method(func(ctx context.Context, p groupParams) (client.Group, error) {
			return a.MakeGroup(ctx, p.Name, p.Members)
		}),
		"change_group": method(func(ctx context.Context, p groupParams) (client.Group, error) {
			return a.ChangeGroup(ctx, p.Name, p.Change)
		}),
		"message":   method(func(ctx context.Context, p messageParams) (client.Message, error) { return a.Message(ctx, p.ID) }),
		"history":   method(s.history),
		"consumers": method(func(ctx context.Context, _ none) ([]client.Consumer, error) { return a.Consumers(ctx) }),
		"ack": method(func(ctx context.Context, p consumerParams) (any, error) {
			return nil, a.Ack(ctx, p.Consumer, p.Cursor)
		}),
		"drop_consumer": method(func(ctx context.Context, p consumerParams) (any, error) { return nil, a.DropConsumer(ctx, p.Consumer) }),
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
