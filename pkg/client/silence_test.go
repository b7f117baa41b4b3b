package client

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func TestSilence(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func(*line)
		ends time.Duration
	}{
		{"no challenge", (*line).gone, protocol.LoginTimeout},
		{"no welcome", func(l *line) { l.proof(l.challenge()); l.gone() }, protocol.LoginTimeout},
		{"after login", func(l *line) { l.login(); l.gone() }, protocol.ReadTimeout},
		{"with pings", func(l *line) {
			l.login()
			go func() {
				for range 10 {
					time.Sleep(protocol.PingInterval)
					l.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
				}
				l.ws.NetConn().Close()
			}()
			l.gone()
		}, 10 * protocol.PingInterval},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, _, c := newScript(t, tt.f)
				run(t, c)
				time.Sleep(tt.ends - time.Millisecond)
				if st := status(c); st.State == Offline {
					t.Fatalf("too early: %+v", st)
				}
				time.Sleep(time.Millisecond)
				if st := status(c); st.State != Offline || st.Fatal {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// A line on which something was sent, and nothing comes back, is given up
// sooner than a quiet one.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t, func(l *line) {
			l.login()
			l.ws.SetPingHandler(func(string) error { return nil })
			want[*protocol.SendMessage](l)
			l.gone()
		})
		run(t, c)
		time.Sleep(10 * time.Second)
		if _, err := c.Send(t.Context(), "bob", "hello"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(answerTimeout - time.Millisecond)
		if st := status(c); st.State != Connected {
			t.Fatalf("too early: %+v", st)
		}
		time.Sleep(2 * time.Millisecond)
		if st := status(c); st.State != Offline || st.Waiting != 1 || !strings.Contains(st.Reason, "does not answer") {
			t.Errorf("%+v", st)
		}
	})
}

// A relay whose answer waits for a recipient that does not ack is given the
// time for it, as long as it is there.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, c := newScript(t, func(l *line) {
			l.login()
			for f := l.read(); f != nil; f = l.read() {
				go func() { // reading answers the client's pings meanwhile
					time.Sleep(protocol.AckTimeout + 30*time.Second)
					l.stored(f.(*protocol.SendMessage).ID)
				}()
			}
		})
		run(t, c)
		if _, err := c.Send(t.Context(), "bob", "hello"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(protocol.AckTimeout + 31*time.Second)
		if st := status(c); st.State != Connected || st.Waiting != 0 || len(s.dialled()) != 1 {
			t.Errorf("%+v, %d connections", st, len(s.dialled()))
		}
	})
}

// A relay that answers soon is not asked whether it is there.
func TestNoPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pings := 0
		_, _, c := newScript(t, func(l *line) {
			l.login()
			l.ws.SetPingHandler(func(string) error { pings++; return nil })
			for f := l.read(); f != nil; f = l.read() {
				time.Sleep(watchInterval - time.Second)
				l.stored(f.(*protocol.SendMessage).ID)
			}
		})
		run(t, c)
		for range 5 {
			if _, err := c.Send(t.Context(), "bob", "hello"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(protocol.PingInterval)
		}
		if st := status(c); st.State != Connected || st.Waiting != 0 || pings != 0 {
			t.Errorf("%+v, %d pings", st, pings)
		}
	})
}

// A relay that answers everything but one frame has lost it: it is sent again,
// with all that is not delivered, and until then nothing ends the connection.
func TestLostFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var again []crypto.MessageID
		s, _, c := newScript(t,
			func(l *line) {
				l.login()
				want[*protocol.SendMessage](l)
				for f := l.read(); f != nil; f = l.read() {
					l.stored(f.(*protocol.SendMessage).ID)
				}
			},
			func(l *line) {
				l.login()
				for m := want[*protocol.SendMessage](l); m != nil && len(again) < 11; m, _ = l.read().(*protocol.SendMessage) {
					again = append(again, m.ID)
					l.send(&protocol.Receipt{ID: m.ID, Recipient: &m.Recipients[0], State: protocol.ReceiptDelivered})
				}
			})
		run(t, c)
		var said []crypto.MessageID
		began := time.Now()
		for range 11 {
			m, err := c.Send(t.Context(), "bob", "hello")
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, parseID(t, m.ID))
			time.Sleep(5 * time.Second)
		}
		time.Sleep(lostAfter - time.Since(began) - time.Millisecond)
		if st := status(c); st.State != Connected || st.Waiting != 1 {
			t.Errorf("too early: %+v", st)
		}
		time.Sleep(watchInterval + time.Second)
		if st := status(c); st.State != Connected || st.Waiting != 0 || len(s.dialled()) != 2 {
			t.Errorf("%+v, %d connections", st, len(s.dialled()))
		}
		if !slices.Equal(again, said) {
			t.Errorf("sent again: %d of %d", len(again), len(said))
		}
		time.Sleep(lostAfter)
		if st := status(c); st.State != Connected || len(s.dialled()) != 2 {
			t.Errorf("a minute later: %+v, %d connections", st, len(s.dialled()))
		}
	})
}
