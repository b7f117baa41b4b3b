package client

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func TestSendAndReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *script
		s, store, c := newScript(t, func(l *line) {
			l.login()
			m := want[*protocol.SendMessage](l)
			l.stored(m.ID)
			l.send(l.fromBob(5, "hello"))
			if a := want[*protocol.Ack](l); a == nil || a.Seq != 5 {
				t.Errorf("ack %+v", a)
			}
			l.send(&protocol.CaughtUp{})
			l.gone()
		})
		if st := status(c); st.State != Connecting || st.Waiting != 0 {
			t.Errorf("before Run: %+v", st)
		}
		m, err := c.Send(t.Context(), "bob", "hi")
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, c)
		if diff := cmp.Diff(Status{State: Connected, CaughtUp: true}, status(c)); diff != "" {
			t.Error(diff)
		}
		if got, err := c.Message(t.Context(), m.ID); err != nil || got.State != Stored {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := c.History(t.Context(), Query{Incoming: true}); err != nil || len(got) != 1 || got[0].Text != "hello" || !got[0].Unread {
			t.Errorf("%+v, %v", got, err)
		}
		cs, _ := c.Contacts(t.Context())
		if len(cs) != 1 || cs[0].Unread != 1 {
			t.Errorf("contacts %+v", cs)
		}
		if err := c.MarkRead(t.Context(), "bob", store.cursor); err != nil {
			t.Error(err)
		}
		if cs, _ = c.Contacts(t.Context()); cs[0].Unread != 0 {
			t.Errorf("contacts %+v", cs)
		}
		stop()
		if n := len(s.dialled()); n != 1 {
			t.Errorf("%d connections", n)
		}
		if _, err := c.Events(t.Context(), 0); !errors.Is(err, ErrBusy) {
			t.Errorf("events after the end: %v", err)
		}
	})
}

// A frame whose changes the disk does not take is not acked. It comes again.
func TestAckOnlyAfterCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var again *protocol.EncryptedMessage
		s, store, c := newScript(t,
			func(l *line) {
				l.login()
				again = l.fromBob(5, "hello")
				l.send(again)
				l.gone() // without an ack
			},
			func(l *line) {
				l.login()
				l.send(again)
				want[*protocol.Ack](l)
				l.gone()
			})
		full := &Error{Code: CodeStorage, Text: "The disk is full. Make room."}
		store.onCommit = func(*Changes) error { return full }
		run(t, c)
		st := status(c)
		if st.State != Offline || st.Reason != full.Text || st.Fatal {
			t.Errorf("%+v", st)
		}
		if ms, _ := c.History(t.Context(), Query{}); len(ms) != 0 {
			t.Errorf("shown before it is stored: %+v", ms)
		}
		store.mu.Lock()
		store.onCommit = nil
		store.mu.Unlock()
		time.Sleep(time.Until(st.RetryAt))
		if st := status(c); st.State != Connected || len(s.dialled()) != 2 {
			t.Errorf("%+v", st)
		}
		if ms, _ := c.History(t.Context(), Query{}); len(ms) != 1 {
			t.Errorf("%+v", ms)
		}
	})
}

// An ack is for what came on the same connection.
func TestAckOfEarlierConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t,
			func(l *line) {
				l.login()
				l.send(l.fromBob(5, "hello"))
				want[*protocol.Ack](l)
				l.ws.NetConn().Close()
			},
			func(l *line) { l.login(); l.gone() })
		run(t, c)
		time.Sleep(longPause)
		if st := status(c); st.State != Connected {
			t.Errorf("%+v", st)
		}
	})
}

// Whoever has seen a message may end the program: the ack still goes.
func TestLastAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acked := make(chan *protocol.Ack, 1)
		_, _, c := newScript(t, func(l *line) {
			l.login()
			l.send(l.fromBob(5, "hello"))
			acked <- want[*protocol.Ack](l)
			l.gone()
		})
		position, err := c.Events(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, c)
		Await(t.Context(), c, &position.Next, func(es []Event) (bool, error) {
			return slices.ContainsFunc(es, func(e Event) bool { return e.Kind == MessageAdded }), nil
		})
		stop()
		if a := <-acked; a == nil || a.Seq != 5 {
			t.Errorf("ack %+v", a)
		}
	})
}

// What has not been delivered is sent again on each connection: the same
// bytes, in order, whatever the relay has said it has.
func TestOutboxAfterReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second []*protocol.SendMessage
		_, _, c := newScript(t,
			func(l *line) {
				l.login()
				for range 3 {
					first = append(first, want[*protocol.SendMessage](l))
				}
				l.stored(first[0].ID)
				l.ws.NetConn().Close() // a cut
			},
			func(l *line) {
				l.login()
				for range 4 {
					second = append(second, want[*protocol.SendMessage](l))
				}
				for i, m := range second {
					l.stored(m.ID)
					l.send(&protocol.Receipt{Seq: uint64(i + 1), ID: m.ID, Recipient: &m.Recipients[0], State: protocol.ReceiptDelivered})
				}
				for a := want[*protocol.Ack](l); a != nil && a.Seq < 4; {
					a = want[*protocol.Ack](l)
				}
				l.gone()
			})
		for _, text := range []string{"one", "two", "three"} {
			if _, err := c.Send(t.Context(), "bob", text); err != nil {
				t.Fatal(err)
			}
		}
		run(t, c)
		if st := status(c); st.State != Offline || st.Waiting != 2 {
			t.Errorf("after the cut: %+v", st)
		}
		if _, err := c.Send(t.Context(), "bob", "four"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(longPause)
		if st := status(c); st.State != Connected || st.Waiting != 0 {
			t.Errorf("at the end: %+v", st)
		}
		if diff := cmp.Diff(first, second[:3]); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
		ms, _ := c.History(t.Context(), Query{})
		for _, m := range ms {
			if m.State != Delivered {
				t.Errorf("%+v", m)
			}
		}
	})
}

// More than one read of the outbox goes out in order, and what is sent
// meanwhile behind it.
func TestLongOutbox(t *testing.T) {
	const total = 3*outboxBatch + 5
	synctest.Test(t, func(t *testing.T) {
		var got []crypto.MessageID
		_, _, c := newScript(t, func(l *line) {
			l.login()
			for range total {
				got = append(got, want[*protocol.SendMessage](l).ID)
			}
			l.gone()
		})
		var said []crypto.MessageID
		say := func() {
			m, err := c.Send(t.Context(), "bob", "hi")
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, parseID(t, m.ID))
		}
		for range 2 * outboxBatch {
			say()
		}
		run(t, c)
		for len(said) < total {
			say()
		}
		synctest.Wait()
		if !slices.Equal(got, said) {
			t.Errorf("%d of %d sent in order", len(got), len(said))
		}
	})
}

// A relay that cannot store is left alone for a while, and gets it all again.
func TestRelayUnavailable(t *testing.T) {
	for name, refuse := range map[string]func(*line){
		"a login": func(l *line) {
			l.proof(l.challenge())
			l.send(&protocol.Error{Code: protocol.CodeUnavailable, Message: "full"})
			l.gone()
		},
		"a message": func(l *line) {
			l.login()
			id := want[*protocol.SendMessage](l).ID
			l.send(&protocol.Error{Code: protocol.CodeUnavailable, Message: "full", ID: &id})
			l.gone()
		},
		"no frame": func(l *line) { l.login(); l.close(websocket.CloseInternalServerErr) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, _, c := newScript(t, refuse, func(l *line) {
					l.login()
					l.stored(want[*protocol.SendMessage](l).ID)
					l.gone()
				})
				m, _ := c.Send(t.Context(), "bob", "hi")
				run(t, c)
				if st := status(c); st.State != Offline || !strings.Contains(st.Reason, "cannot store") || st.Code != "" || st.Waiting != 1 {
					t.Errorf("%+v", st)
				}
				time.Sleep(longPause)
				synctest.Wait()
				if got, _ := c.Message(t.Context(), m.ID); got.State != Stored {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// An outbox that cannot be read is said, and tried again.
func TestOutboxFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := &Error{Code: CodeStorage, Text: "The profile cannot be read."}
		serve := func(l *line) { l.login(); l.gone() }
		_, store, c := newScript(t, serve, serve)
		store.onOutbox = func() error { return broken }
		position, _ := c.Events(t.Context(), 0)
		run(t, c)
		var warnings []string
		Await(t.Context(), c, &position.Next, func(es []Event) (bool, error) {
			for _, e := range es {
				if e.Kind == Warned {
					warnings = append(warnings, e.Warning)
				}
			}
			return len(warnings) > 0, nil
		})
		if !slices.Equal(warnings, []string{broken.Text}) {
			t.Errorf("warnings %q", warnings)
		}
		store.mu.Lock()
		store.onOutbox = nil
		store.mu.Unlock()
		time.Sleep(longPause)
		if st := status(c); st.State != Connected {
			t.Errorf("%+v", st)
		}
	})
}
