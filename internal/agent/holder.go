package agent

import (
	"context"
	"fmt"
	"os"
	"time"

	"secure-messaging/pkg/client"
)

// Kind is what a process is that holds a profile.
type Kind string

// The kinds of holders.
const (
	Command Kind = "command" // ends by itself, soon or when its input does
	Screen  Kind = "screen"  // the interface, which its user quits
	Agent   Kind = "agent"   // runs until it is asked to leave
)

// Holder is the process that holds a profile.
type Holder struct {
	Kind  Kind      `json:"kind"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// Holder returns the process that is asked.
func (r *Remote) Holder(ctx context.Context) (Holder, error) {
	return ask[Holder](ctx, r, "holder", none{})
}

// Leave asks the holder to end, which an [Agent] does.
func (r *Remote) Leave(ctx context.Context) error { return tell(ctx, r, "leave", none{}) }

// Asked is closed when somebody has asked this process to leave.
func (s *Server) Asked() <-chan struct{} { return s.asked }

func (s *Server) holder(context.Context, none) (Holder, error) {
	return Holder{s.Kind, os.Getpid(), s.since}, nil
}

func (s *Server) leave(context.Context, none) (any, error) {
	switch s.Kind {
	case Agent:
		s.once.Do(func() { close(s.asked) })
		return nil, nil
	case Screen:
		return nil, &client.Error{Code: client.CodeBusy, Text: fmt.Sprintf("chat is open on a screen (process %d). Quit it there, with ctrl+c twice.", os.Getpid())}
	}
	return nil, &client.Error{Code: client.CodeBusy, Text: fmt.Sprintf("A command of chat is at work (process %d). Wait for it, or end it with ctrl+c where it runs.", os.Getpid())}
}
