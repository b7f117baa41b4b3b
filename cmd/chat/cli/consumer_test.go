package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"secure-messaging/internal/owner"
	"secure-messaging/pkg/client"
)

// shelf is an account with messages that are there already, and one consumer.
type shelf struct {
	client.Account
	messages  []client.Message
	consumers []client.Consumer
	refuses   error // Ack, once
	acks      []int64
	acked     chan int64 // gets every ack, if there is one
}

func newShelf(n int) *shelf {
	s := &shelf{}
	for i := range n {
		s.messages = append(s.messages, client.Message{Cursor: int64(i + 1), From: "bob", Contact: "bob", Type: client.TypeText, Text: fmt.Sprint(i + 1), State: client.Received})
	}
	return s
}

func (s *shelf) History(_ context.Context, q client.Query) (ms []client.Message, _ error) {
	for _, m := range s.messages {
		if m.Cursor > q.After && len(ms) < q.Limit {
			ms = append(ms, m)
		}
	}
	return ms, nil
}

func (s *shelf) Consumers(context.Context) ([]client.Consumer, error) { return s.consumers, nil }

func (s *shelf) Ack(_ context.Context, name string, cursor int64) error {
	if err := s.refuses; err != nil {
		s.refuses = nil
		return err
	}
	s.consumers = []client.Consumer{{Name: name, Cursor: cursor}}
	s.acks = append(s.acks, cursor)
	if s.acked != nil {
		s.acked <- cursor
	}
	return nil
}

func (s *shelf) Status(context.Context) (client.Status, error) { return client.Status{}, nil }

func (s *shelf) Events(ctx context.Context, after uint64) (client.Batch, error) {
	if after == 0 {
		return client.Batch{Next: 1}, nil
	}
	<-ctx.Done()
	return client.Batch{}, ctx.Err()
}

// following lets a listener follow an account, with what it prints going to out.
func following(t *testing.T, s *shelf, l *listener, out io.Writer) error {
	t.Helper()
	cmd := &cobra.Command{}
	cmd.SetOut(out)
	cmd.SetErr(io.Discard)
	if l.show == nil {
		l.show = messagePrinter(true)
	}
	return l.follow(&call{Account: &owner.Account{Account: s}, ctx: t.Context(), cmd: cmd, next: 1, latest: int64(len(s.messages))})
}

// cursors are those of the lines that were printed.
func cursors(t *testing.T, out string) (all []int64) {
	t.Helper()
	for line := range strings.Lines(out) {
		var m client.Message
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Cursor)
	}
	return all
}

// A consumer goes on where it was; a new one begins where it is told to, and that is
// kept before anything is handled.
func TestConsumerBegins(t *testing.T) {
	for _, tt := range []struct {
		name  string
		l     *listener
		place []client.Consumer
		want  []int64
		acks  []int64
	}{
		{"new, from the start", &listener{after: client.FromStart, max: 3}, nil, []int64{1, 2, 3}, []int64{0, 3}},
		{"new, behind one", &listener{after: 4, max: 1}, nil, []int64{5}, []int64{4, 5}},
		{"goes on", &listener{after: client.FromStart, max: 2}, []client.Consumer{{Name: "another", Cursor: 9}, {Name: "ci", Cursor: 3}}, []int64{4, 5}, []int64{5}},
		{"goes on from nothing", &listener{now: true, max: 1}, []client.Consumer{{Name: "ci"}}, []int64{1}, []int64{1}},
		{"nobody's", &listener{after: 4, max: 1}, nil, []int64{5}, nil},
	} {
		s, out := newShelf(5), new(bytes.Buffer)
		s.consumers = tt.place
		if tt.name != "nobody's" {
			tt.l.consumer = "ci"
		}
		if err := following(t, s, tt.l, out); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := cursors(t, out.String()); !slices.Equal(got, tt.want) || !slices.Equal(s.acks, tt.acks) {
			t.Errorf("%s: %v were printed, %v acked", tt.name, got, s.acks)
		}
	}
}

// What was handled when the process went that held the profile is told to the next,
// and is not handled again.
func TestAckOutlivesOwner(t *testing.T) {
	s, out := newShelf(2), new(bytes.Buffer)
	s.consumers, s.refuses = []client.Consumer{{Name: "ci"}}, client.ErrBusy
	l := &listener{consumer: "ci", after: client.FromStart, max: 2}
	if err := following(t, s, l, out); !errors.Is(err, client.ErrBusy) || !l.following {
		t.Fatalf("it ended with %v", err)
	}
	if err := following(t, s, l, out); err != nil {
		t.Fatal(err)
	}
	if got := cursors(t, out.String()); !slices.Equal(got, []int64{1, 2}) || !slices.Equal(s.acks, []int64{2}) {
		t.Errorf("%v were printed, %v acked", got, s.acks)
	}
}

// TestManualAck: no more than maxGiven are given ahead of the acks, an ack stands for
// all before it, and the end comes when all are acked.
func TestManualAck(t *testing.T) {
	s, acks := newShelf(maxGiven+10), make(chan string, 1)
	s.consumers, s.acked = []client.Consumer{{Name: "ci"}}, make(chan int64)
	r, w := io.Pipe()
	defer r.Close()
	ended := make(chan error, 1)
	l := &listener{consumer: "ci", max: maxGiven + 2, acks: acks}
	go func() { ended <- following(t, s, l, w) }()
	given := json.NewDecoder(r)
	expect := func(from, to int64) {
		t.Helper()
		for ; from <= to; from++ {
			var m client.Message
			if err := given.Decode(&m); err != nil || m.Cursor != from {
				t.Fatalf("for %d comes %d, %v", from, m.Cursor, err)
			}
		}
	}
	ack := func(cursor int64) {
		t.Helper()
		acks <- fmt.Sprintf("%d\r", cursor)
		if got := <-s.acked; got != cursor {
			t.Fatalf("for %d is acked %d", cursor, got)
		}
	}
	expect(1, maxGiven)
	ack(1)
	expect(maxGiven+1, maxGiven+1)
	ack(7)
	acks <- "3" // was acked with 7
	expect(maxGiven+2, maxGiven+2)
	ack(maxGiven + 2)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// gated is a stream that begins when something has happened.
type gated struct {
	io.Reader
	open <-chan struct{}
}

func (g gated) Read(p []byte) (int, error) {
	<-g.open
	return g.Reader.Read(p)
}

func TestManualAckEnds(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		err      error
		acks     []int64
	}{
		{"the input ends", "1\n2\n", nil, []int64{2}},
		{"no number", "1\nok\n", client.ErrUsage, []int64{1}},
		{"one that was not printed", "9\n", client.ErrUsage, nil},
		{"below all", "-1\n", client.ErrUsage, nil},
		{"no more than the place", "0\n", nil, nil},
		{"half a line", "2\n1", nil, []int64{2}},
		{"a line without end", "2\n" + strings.Repeat("1", 1<<20), client.ErrUsage, []int64{2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, printed := newShelf(3), make(chan struct{})
			s.consumers = []client.Consumer{{Name: "ci"}}
			l := &listener{consumer: "ci", show: func(_ io.Writer, m client.Message) error {
				if m.Cursor == 3 {
					close(printed)
				}
				return nil
			}}
			l.readAcks(t.Context(), gated{strings.NewReader(tt.in), printed})
			if err := following(t, s, l, io.Discard); !errors.Is(err, tt.err) {
				t.Errorf("it ended with %v", err)
			}
			if len(s.acks) > 0 && s.acks[len(s.acks)-1] != tt.acks[len(tt.acks)-1] || len(tt.acks) > 0 && len(s.acks) == 0 {
				t.Errorf("%v were acked", s.acks)
			}
		})
	}
}

// warned is a shelf of which something was said meanwhile.
type warned struct{ *shelf }

func (warned) Events(_ context.Context, after uint64) (client.Batch, error) {
	if after != 1 {
		return client.Batch{Next: 2}, nil
	}
	return client.Batch{Events: []client.Event{{Kind: client.Warned, Warning: "it was refused"}}, Next: 2}, nil
}

// What is to be warned of is not lost with a listener that has enough.
func TestListenHearsOut(t *testing.T) {
	var stderr bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&stderr)
	l := &listener{after: client.FromStart, max: 1, show: func(io.Writer, client.Message) error { return nil }}
	err := l.follow(&call{Account: &owner.Account{Account: warned{newShelf(1)}}, ctx: t.Context(), cmd: cmd, next: 1})
	if err != nil || strings.Count(stderr.String(), "it was refused") != 1 {
		t.Errorf("%v, and it says %q", err, stderr.String())
	}
}
