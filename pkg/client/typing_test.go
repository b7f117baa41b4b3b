package client

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// writing returns who is said to write in the events behind a position.
func writing(t *testing.T, c *Client, position *uint64) (names []string) {
	t.Helper()
	synctest.Wait()
	now, err := c.Events(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for *position < now.Next {
		b, err := c.Events(t.Context(), *position)
		if err != nil {
			t.Fatal(err)
		}
		*position = b.Next
		for _, e := range b.Events {
			if e.Kind == ContactWriting {
				names = append(names, e.Writing)
			}
		}
	}
	return names
}

// Typing goes to who is online, not too often, on the present connection or not
// at all, and waits nowhere.
func TestTyping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := make(chan *protocol.SendMessage, 10)
		serve := func(l *line) {
			l.login()
			for {
				switch f := l.read().(type) {
				case nil:
					return
				case *protocol.SendMessage:
					sent <- f
					l.stored(f.ID)
				}
			}
		}
		cut := make(chan struct{})
		_, store, c := newScript(t, func(l *line) {
			go func() { <-cut; l.ws.NetConn().Close() }()
			serve(l)
		}, serve)
		ctx := t.Context()
		typing := func(want int) {
			t.Helper()
			if err := c.Typing(ctx, "bob"); err != nil {
				t.Fatal(err)
			}
			if st := status(c); st.Waiting != 0 || len(store.outbox) != 0 {
				t.Errorf("%+v, outbox %v", st, store.outbox)
			}
			if len(sent) != want {
				t.Errorf("%d frames have left, want %d", len(sent), want)
			}
		}
		typing(0) // offline
		run(t, c)
		status(c)
		typing(0) // not seen online
		c.setOnline("bob", true)
		typing(1)
		typing(1)
		time.Sleep(TypingFor/2 - time.Millisecond)
		typing(1)
		time.Sleep(time.Millisecond)
		typing(2)
		time.Sleep(TypingFor)
		before := store.contacts["bob"].Sent
		if err := c.SetSettings(ctx, Settings{Presence: true}); err != nil {
			t.Fatal(err)
		}
		typing(2)
		if err := c.SetSettings(ctx, DefaultSettings); err != nil {
			t.Fatal(err)
		}
		typing(3)
		if after := store.contacts["bob"].Sent; after != before {
			t.Errorf("the count went from %d to %d: one that is dropped would look lost", before, after)
		}
		close(cut)
		status(c)
		time.Sleep(TypingFor)
		if cs, _ := c.Contacts(ctx); cs[0].Online {
			t.Error("online beyond the connection that said so")
		}
		time.Sleep(longPause)
		if st := status(c); st.State != Connected {
			t.Fatalf("%+v", st)
		}
		typing(3)
		for name, want := range map[string]error{"zoe": ErrNotContact, "alice": ErrUsage, "Bob": ErrUsage} {
			if err := c.Typing(ctx, name); !errors.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What was sealed for a connection that has ended is not sent on the next.
func TestTypingDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, store, c := newScript(t, func(l *line) { l.login(); l.gone() })
		c.session.contacts["bob"] = online(c.session.contacts["bob"])
		if err := c.Typing(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		if len(c.hints) != 1 || len(store.outbox) != 0 {
			t.Fatalf("hints %v, outbox %v", c.hints, store.outbox)
		}
		for range 2 * maxHints { // nobody takes them
			c.session.typed = map[crypto.Username]time.Time{}
			c.Typing(t.Context(), "bob")
		}
		if len(c.hints) != maxHints {
			t.Errorf("%d wait", len(c.hints))
		}
		run(t, c)
		if st := status(c); st.State != Connected {
			t.Errorf("%+v", st)
		}
	})
}

func online(c ContactRecord) ContactRecord {
	c.Online = true
	return c
}

// A contact who writes is told of while they do: not what has waited at the
// relay, and not where the user does not want it.
func TestHearTyping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		s, store, c := newScript(t, nil)
		typing := func(l *line, seq uint64) {
			alice, bob := l.w.pair("alice", "bob")
			f := alice.from(bob, newContent(contentTyping, "", time.Now()))
			f.Seq = seq
			l.send(f)
			if a := want[*protocol.Ack](l); a == nil || a.Seq != seq {
				t.Errorf("ack %+v, want %d", a, seq)
			}
		}
		s.conns = []func(*line){func(l *line) {
			l.login()
			typing(l, 1) // from yesterday
			l.send(&protocol.CaughtUp{})
			for seq := uint64(2); seq < 4; seq++ {
				<-next
				typing(l, seq)
			}
			l.gone()
		}}
		position, err := c.Events(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		run(t, c)
		if got := writing(t, c, &position.Next); got != nil {
			t.Errorf("writes, long ago: %q", got)
		}
		next <- struct{}{}
		if diff := cmp.Diff([]string{"bob"}, writing(t, c, &position.Next)); diff != "" {
			t.Error(diff)
		}
		if err := c.SetSettings(t.Context(), Settings{Presence: true}); err != nil {
			t.Fatal(err)
		}
		next <- struct{}{}
		if got := writing(t, c, &position.Next); got != nil {
			t.Errorf("writes, and the user does not want to know: %q", got)
		}
		if len(store.messages) != 0 || len(store.heard) != 3 {
			t.Errorf("%d messages, %d heard", len(store.messages), len(store.heard))
		}
	})
}
