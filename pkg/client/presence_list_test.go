package client

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// shared is a list that came, and when.
type shared struct {
	*protocol.SharePresence
	at time.Time
}

// listen logs a client in and gives the lists that it sends to the test.
func listen(lists chan<- shared, ready chan<- *line) func(*line) {
	return func(l *line) {
		l.login()
		ready <- l
		for {
			switch f := l.readAny().(type) {
			case nil:
				return
			case *protocol.SharePresence:
				lists <- shared{f, time.Now()}
			}
		}
	}
}

// A list that the relay refuses for now comes again when the relay says so, as it
// is then; that presence is off does not wait.
func TestListThatComesTooSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists, ready := make(chan shared, 10), make(chan *line, 1)
		_, _, c := newScript(t, listen(lists, ready))
		stop := run(t, c)
		defer stop()
		relay, first := <-ready, <-lists
		if !slices.Equal(first.With, []crypto.Username{"bob"}) {
			t.Fatalf("shared with %v", first.With)
		}
		refuse := func(after time.Duration) {
			relay.send(&protocol.Error{Code: protocol.CodeRateLimited, Message: "slower", ID: &first.ID, RetryAfter: uint64(after.Milliseconds())})
			synctest.Wait()
		}
		const after = 20 * time.Second
		refuse(after)
		if next := <-lists; next.at.Sub(first.at) < after || next.at.Sub(first.at) > 2*after || !slices.Equal(next.With, first.With) {
			t.Errorf("after %v it is shared with %v", next.at.Sub(first.at), next.With)
		}

		refuse(time.Minute)
		refused := time.Now()
		if err := c.SetSettings(t.Context(), Settings{}); err != nil {
			t.Fatal(err)
		}
		if off := <-lists; off.at != refused || len(off.With) > 0 {
			t.Errorf("after %v it is shared with %v", off.at.Sub(refused), off.With)
		}
		if err := c.SetSettings(t.Context(), DefaultSettings); err != nil {
			t.Fatal(err)
		}
		if on := <-lists; on.at.Sub(refused) < time.Minute || len(on.With) != 1 {
			t.Errorf("after %v it is shared with %v", on.at.Sub(refused), on.With)
		}
		if s := status(c); s.State != Connected {
			t.Errorf("the connection is %+v", s)
		}
	})
}

// Presence is not shared with somebody whose key has changed, and of strangers
// the relay can say what it wants.
func TestListWithoutChangedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists, ready := make(chan shared, 10), make(chan *line, 1)
		_, _, c := newScript(t, listen(lists, ready))
		stop := run(t, c)
		defer stop()
		relay := <-ready
		<-lists
		for _, name := range []crypto.Username{"zoe", "alice", "bob"} {
			relay.send(&protocol.Presence{User: name, State: protocol.Online})
		}
		synctest.Wait()
		if cs, err := c.Contacts(t.Context()); err != nil || len(cs) != 1 || !cs[0].Online {
			t.Fatalf("%+v, %v", cs, err)
		}
		_, err := c.do(func(s *session, _ time.Time) (*step, error) {
			bob := s.contacts["bob"]
			bob.Trust = Changed
			st := &step{}
			st.Contacts = []ContactRecord{bob}
			return st, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if next := <-lists; len(next.With) > 0 {
			t.Errorf("shared with %v", next.With)
		}
	})
}

// Where presence is off, a connection says nothing of it.
func TestNoListWhereItIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists, ready := make(chan shared, 10), make(chan *line, 1)
		_, _, c := newScript(t, listen(lists, ready))
		if err := c.SetSettings(t.Context(), Settings{}); err != nil {
			t.Fatal(err)
		}
		stop := run(t, c)
		defer stop()
		<-ready
		synctest.Wait()
		if len(lists) > 0 {
			t.Errorf("shared with %v", (<-lists).With)
		}
	})
}
