package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

// How many messages of a sender may be on their way: a tenth of all, so that
// there is something left to write whatever happens, within these.
const (
	minWindow = 20
	maxWindow = 400
)

// task is what a worker is to do; it travels as the worker's argument.
type task struct {
	Name, Server string
	Counts       map[string]int // a sender's: to whom, how many
	To           []string       // a sender's: in which order
	After        int64          // a recipient's: cursor of the last message that was shown
}

// word is a line of a worker: one of the three.
type word struct {
	Shown    *client.Message     `json:",omitempty"`
	To       string              `json:",omitempty"` // heard: to whom,
	Number   int                 `json:",omitempty"` // which,
	State    client.MessageState `json:",omitempty"` // and what
	CaughtUp bool                `json:",omitempty"` // has all that the relay had
}

// work is the process of a worker. It ends when it has done its work, or when
// its input ends: then whoever began it has.
func work(args []string) error {
	var t task
	if len(args) != 1 {
		return errors.New("a worker takes its task, in JSON")
	}
	if err := json.Unmarshal([]byte(args[0]), &t); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	a, err := open(ctx, t.Name, t.Server)
	if err != nil {
		return err
	}
	if err := a.Start(); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	if len(t.To) > 0 {
		err = (&sending{Account: a, task: t, out: json.NewEncoder(out)}).run(ctx, out)
	} else {
		err = receive(ctx, a, t.After, out)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil
	}
	return errors.Join(err, a.Close(0))
}

func open(ctx context.Context, name, server string) (*owner.Account, error) {
	ref, err := profile.RefFor(name, server)
	if err != nil {
		return nil, err
	}
	return owner.Open(ctx, ref, func(context.Context, int) ([]byte, error) { return []byte(passphrase), nil })
}

// sending writes a sender's messages.
type sending struct {
	client.Account
	task
	out *json.Encoder

	mu    sync.Mutex
	state map[stream]map[int]client.MessageState // of what was written
	total int                                    // to be written
	left  int                                    // of these, not delivered yet
	room  *sync.Cond                             // there is room in the window, or it is over
	over  error
}

// run writes what is not written yet, to one recipient after the other, and
// tells what it hears, until everything is delivered.
func (s *sending) run(ctx context.Context, out *bufio.Writer) error {
	s.state, s.room = map[stream]map[int]client.MessageState{}, sync.NewCond(&s.mu)
	for _, to := range s.To {
		s.state[stream{s.Name, to}] = map[int]client.MessageState{}
		s.total += s.Counts[to]
	}
	s.left = s.total
	batch, err := s.Events(ctx, 0)
	if err != nil {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	var writer sync.WaitGroup
	defer writer.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { s.end(ctx.Err()) })()
	writer.Go(func() { s.end(s.write(ctx)) })
	for next := batch.Next; ; next = batch.Next {
		s.mu.Lock()
		left, over := s.left, s.over
		s.mu.Unlock()
		if err := out.Flush(); err != nil || over != nil || left == 0 {
			return errors.Join(err, over)
		}
		if batch, err = s.Events(ctx, next); err != nil {
			return err
		}
		if err := s.take(ctx, batch); err != nil {
			return err
		}
	}
}

// end lets the writer go, and says why.
func (s *sending) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over == nil {
		s.over = err
	}
	s.room.Broadcast()
}

// look reads in the history what was written before.
func (s *sending) look(ctx context.Context) error {
	return pages(ctx, s, client.FromStart, func(m client.Message) error { return s.hear(m) })
}

func (s *sending) take(ctx context.Context, batch client.Batch) error {
	if batch.Lagged {
		return s.look(ctx)
	}
	for _, e := range batch.Events {
		switch {
		case e.Kind == client.StatusChanged && e.Status.Fatal:
			return fmt.Errorf("the client has given up: %s", e.Status.Reason)
		case e.Kind == client.MessageChanged:
			if err := s.hear(*e.Message); err != nil {
				return err
			}
		}
	}
	return nil
}

// hear notes the state of a message, and tells of it if it is news.
func (s *sending) hear(m client.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !m.Outgoing() { // nobody writes to a sender
		return s.out.Encode(word{To: m.Contact, State: client.MessageState("shown " + string(m.Type) + " " + m.Text)})
	}
	n, of := number(m.Text), s.state[stream{s.Name, m.Contact}]
	if before, known := of[n]; of == nil || known && before == m.State {
		return nil
	}
	of[n] = m.State
	if m.State == client.Delivered {
		s.left--
		s.room.Broadcast()
	}
	if m.State == client.Waiting {
		return nil
	}
	return s.out.Encode(word{To: m.Contact, Number: n, State: m.State})
}

// write goes on behind the last message to each recipient that is in the
// profile.
func (s *sending) write(ctx context.Context) error {
	all := 0
	for _, to := range s.To {
		all = max(all, s.Counts[to])
	}
	for n := 1; n <= all; n++ {
		for _, to := range s.To {
			if n > s.Counts[to] {
				continue
			}
			if wanted, err := s.claim(to, n); err != nil || !wanted {
				if err != nil {
					return err
				}
				continue
			}
			if _, err := s.Send(ctx, to, stream{s.Name, to}.text(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// claim waits for room for a message, unless it is written already.
func (s *sending) claim(to string, n int) (wanted bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.state[stream{s.Name, to}]
	if _, written := of[n]; written {
		return false, nil
	}
	window := min(max(s.total/10, minWindow), maxWindow)
	for s.over == nil && s.onTheWay() >= window {
		s.room.Wait()
	}
	if s.over == nil {
		of[n] = client.Waiting
	}
	return true, s.over
}

// onTheWay counts what is written and not delivered. mu is held.
func (s *sending) onTheWay() int {
	written := 0
	for _, of := range s.state {
		written += len(of)
	}
	return written - (s.total - s.left)
}

// receive tells of each message behind those that were shown, and each time
// that it has all that the relay had.
func receive(ctx context.Context, a client.Account, after int64, out *bufio.Writer) error {
	batch, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	words, caughtUp := json.NewEncoder(out), false
	return client.Await(ctx, a, &batch.Next, func([]client.Event) (bool, error) {
		s, err := a.Status(ctx) // before the look at what there is
		if err != nil {
			return false, err
		}
		if s.Fatal {
			return false, fmt.Errorf("the client has given up: %s", s.Reason)
		}
		err = pages(ctx, a, after, func(m client.Message) error {
			after = m.Cursor
			return words.Encode(word{Shown: &m})
		})
		if err == nil && s.CaughtUp && !caughtUp {
			err = words.Encode(word{CaughtUp: true})
		}
		caughtUp = s.CaughtUp
		return false, errors.Join(err, out.Flush())
	})
}

// pages goes through the history behind a cursor.
func pages(ctx context.Context, a client.Account, after int64, each func(client.Message) error) error {
	for {
		ms, err := a.History(ctx, client.Query{After: after, Limit: client.MaxLimit})
		if err != nil {
			return err
		}
		for _, m := range ms {
			if err := each(m); err != nil {
				return err
			}
			after = m.Cursor
		}
		if len(ms) < client.MaxLimit {
			return nil
		}
	}
}
