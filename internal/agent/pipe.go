package agent

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/creachadair/jrpc2"

	"secure-messaging/pkg/client"
)

// pipeDrain is how long calls may take to be answered after the input has ended:
// what needs the relay has an answer before that, or an error.
const pipeDrain = 30 * time.Second

// ServePipe serves the protocol to the one peer that writes to in and reads from
// out, until in ends or ctx does. After the end of in, calls that are under way
// are answered first, but for those of events, which end. A read of in that is
// under way when ctx ends is left alone. The error is a *client.Error where the
// peer has broken the rules.
func ServePipe(ctx context.Context, account client.Account, in io.Reader, out io.Writer) error {
	serving, end := context.WithCancel(ctx)
	defer end()
	s := NewServer(account)
	s.Kind = Command
	p := newPeer(&pipe{Reader: in, Writer: out})
	input := &lastLine{peer: p, end: end}
	rpc := jrpc2.NewServer(assigner{p, s.methods(serving)}, &jrpc2.ServerOptions{DisableBuiltin: true, Concurrency: maxLines}).Start(input)
	over := make(chan error, 1)
	go func() { over <- rpc.Wait() }()
	var err error
	select {
	case err = <-over:
		p.Close()
	case <-ctx.Done():
		p.Close()
		return ctx.Err()
	case <-p.ctx.Done(): // closed for what came in; what may come still is not waited for
		if !p.outlaw() {
			err = <-over
		}
	}
	switch {
	case p.outlaw():
		return &client.Error{Code: client.CodeUsage, Text: "A request without an id came in. Every request needs one, for nothing else says what has become of it."}
	case input.broke != nil:
		return &client.Error{Code: client.CodeUsage, Err: input.broke, Text: "The input is not one JSON-RPC request a line, as chat rpc --help describes: " + input.broke.Error() + "."}
	}
	return err
}

// lastLine lets calls finish when the input has ended.
type lastLine struct {
	*peer
	end   context.CancelFunc // ends calls that wait for something to happen
	broke error              // what the input has done wrong
}

func (l *lastLine) Recv() ([]byte, error) {
	line, err := l.peer.Recv()
	switch {
	case err == nil:
		return line, nil
	case !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) && l.ctx.Err() == nil:
		l.broke = err
	}
	l.end()
	l.drain(pipeDrain)
	return nil, io.EOF
}

// pipe is a stream that is two: closing it is for its reader to notice.
type pipe struct {
	io.Reader
	io.Writer
	mu     sync.Mutex
	closed bool
}

func (p *pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return 0, os.ErrClosed
	}
	return p.Writer.Write(b)
}

// SetWriteDeadline does nothing: who reads slowly has the program wait.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
