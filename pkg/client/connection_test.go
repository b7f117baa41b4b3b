package client

import (
	"context"
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

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, c := newScript(t)
		run(t, c)
		pause := firstPause
		for i := range 20 {
			st := status(c)
			dials := s.dialled()
			if len(dials) != i+1 || st.State != Offline || st.Fatal || !strings.Contains(st.Reason, "nothing listens there") {
				t.Fatalf("after try %d: %d dials, %+v", i+1, len(dials), st)
			}
			if wait := st.RetryAt.Sub(dials[i]); wait < pause/2 || wait > pause {
				t.Errorf("pause %d is %v, want %v to %v", i+1, wait, pause/2, pause)
			}
			time.Sleep(time.Until(st.RetryAt))
			pause = min(2*pause, longPause)
		}
	})
}

func TestJitterSpreads(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		seen[jitter(longPause)] = true
	}
	if len(seen) < 90 {
		t.Errorf("%d different pauses of 100", len(seen))
	}
}

// A connection that held begins anew with the shortest pause; one that did not
// hold goes on with a longer.
func TestBackoffAfterSteadyConnection(t *testing.T) {
	hold := func(d time.Duration) func(*line) {
		return func(l *line) {
			l.login()
			l.readAny() // with whom it shares: a pipe has no buffer
			time.Sleep(d)
			l.close(websocket.CloseGoingAway)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		short := hold(time.Second)
		_, _, c := newScript(t, short, short, short, short, short, hold(steadyAfter+time.Second))
		run(t, c)
		for range 5 {
			time.Sleep(time.Second) // the connection holds
			st := status(c)
			time.Sleep(time.Until(st.RetryAt))
		}
		time.Sleep(steadyAfter + time.Second)
		st := status(c)
		if wait := time.Until(st.RetryAt); st.State != Offline || wait > firstPause {
			t.Errorf("%+v, in %v", st, wait)
		}
	})
}

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

// Another program has taken over: that must not be answered by coming back.
func TestFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, c := newScript(t, func(l *line) { l.login(); l.close(protocol.CloseTakenOver) })
		run(t, c)
		if st := status(c); st.State != Offline || !st.Fatal || !strings.Contains(st.Reason, "another program") {
			t.Errorf("%+v", st)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := len(s.dialled()); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// The relay is not the one we know: the user is told at once, and it is tried
// again, but seldom.
func TestAnotherRelay(t *testing.T) {
	other := crypto.NewRelayPrivate()
	for _, tt := range []struct {
		name, reason string
		f            func(*line)
	}{
		{"another key", string(other.Public().Fingerprint()), func(l *line) { l.key = other; l.challenge(); l.gone() }},
		{"another's signature", "does not prove", func(l *line) {
			n := crypto.NewNonce()
			l.send(&protocol.Challenge{Version: protocol.Version, Relay: l.key.Public(), Nonce: n, Signature: crypto.SignChallenge(other, n)})
			l.gone()
		}},
		{"a replayed challenge", "does not prove", func(l *line) {
			n := crypto.NewNonce()
			l.send(&protocol.Challenge{Version: protocol.Version, Relay: l.key.Public(), Nonce: n, Signature: crypto.SignChallenge(l.key, crypto.NewNonce())})
			l.gone()
		}},
		{"a replayed welcome", "does not prove", func(l *line) {
			p := l.proof(l.challenge())
			p.ClientNonce = crypto.NewNonce() // of an earlier login
			l.send(&protocol.Authenticated{Time: 1, Signature: p.SignWelcome(l.key)})
			l.gone()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, c := newScript(t, tt.f)
				s.keys.Relay = s.w.relay.Public()
				run(t, c)
				st := status(c)
				if st.State != Offline || st.Fatal || st.Code != CodeKeyChanged || !strings.Contains(st.Reason, tt.reason) {
					t.Errorf("%+v", st)
				}
				if wait := time.Until(st.RetryAt); wait < longPause/2 || wait > longPause {
					t.Errorf("tried again in %v", wait)
				}
				if n := len(s.dialled()); n != 1 {
					t.Errorf("%d connections", n)
				}
			})
		})
	}
}

// Whatever a relay does wrong, the client comes back, and nothing of it was
// taken.
func TestMisbehaviour(t *testing.T) {
	escape := protocol.Code("\x1b[2J")
	for _, tt := range []struct {
		name string
		f    func(*line)
	}{
		{"another version", func(l *line) {
			n := crypto.NewNonce()
			l.send(&protocol.Challenge{Version: protocol.Version + 1, Relay: l.key.Public(), Nonce: n, Signature: crypto.SignChallenge(l.key, n)})
			l.gone()
		}},
		{"hangs up at once", func(l *line) {}},
		{"cuts after login", func(l *line) { l.login() }},
		{"mail before login", func(l *line) { l.send(l.fromBob(1, "early")); l.gone() }},
		{"mail instead of a welcome", func(l *line) { l.proof(l.challenge()); l.send(l.fromBob(1, "early")); l.gone() }},
		{"refuses the login", func(l *line) {
			l.proof(l.challenge())
			l.send(&protocol.Error{Code: escape, Message: "\x1b[2J"})
			l.gone()
		}},
		{"garbage", func(l *line) { l.login(); l.raw(websocket.TextMessage, []byte("{")); l.gone() }},
		{"no UTF-8", func(l *line) { l.login(); l.raw(websocket.TextMessage, []byte{0xff}); l.gone() }},
		{"binary", func(l *line) { l.login(); l.raw(websocket.BinaryMessage, []byte("{}")); l.gone() }},
		{"unknown type", func(l *line) { l.login(); l.raw(websocket.TextMessage, []byte(`{"type":"poll"}`)); l.gone() }},
		{"too large", func(l *line) {
			l.login()
			go l.raw(websocket.TextMessage, make([]byte, protocol.MaxFrame+1)) // a pipe holds nothing
			l.gone()
		}},
		{"slow reader", func(l *line) { l.login(); l.close(protocol.CloseSlow) }},
		{"cannot store", func(l *line) { l.login(); l.close(websocket.CloseInternalServerErr) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, c := newScript(t, tt.f, func(l *line) { l.login(); l.gone() })
				run(t, c)
				st := status(c)
				if st.State != Offline || st.Fatal || st.Reason == "" || strings.ContainsAny(st.Reason, "\x1b\n") {
					t.Errorf("%+v", st)
				}
				time.Sleep(time.Until(st.RetryAt))
				if st := status(c); st.State != Connected || len(s.dialled()) != 2 {
					t.Errorf("afterwards: %+v", st)
				}
				if ms, _ := c.History(t.Context(), Query{}); len(ms) != 0 {
					t.Errorf("taken: %+v", ms)
				}
			})
		})
	}
}

// A relay that does not read keeps nobody from leaving.
func TestLeaveStuckLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		_, _, c := newScript(t, func(l *line) {
			l.login()
			<-release
		})
		if _, err := c.Send(t.Context(), "bob", strings.Repeat("a", MaxText)); err != nil {
			t.Fatal(err)
		}
		stop := run(t, c)
		synctest.Wait()
		began := time.Now()
		stop()
		if took := time.Since(began); took > closeTimeout {
			t.Errorf("it took %v", took)
		}
		close(release)
	})
}

// Leaving in the middle of a login is at once.
func TestLeaveLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t, (*line).gone)
		stop := run(t, c)
		synctest.Wait()
		began := time.Now()
		stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
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

// Steps come one after the other, whoever asks for them.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 20
		_, _, c := newScript(t, func(l *line) {
			l.login()
			for i := range each {
				l.send(l.fromBob(uint64(i+1), "hello"))
			}
			for f := l.read(); f != nil; f = l.read() {
				if m, ok := f.(*protocol.SendMessage); ok {
					l.stored(m.ID)
				}
			}
		})
		stop := run(t, c)
		done := make(chan error)
		for range 8 {
			go func() {
				var err error
				for range each {
					_, e1 := c.Send(context.Background(), "bob", "hi")
					_, e2 := c.Contacts(context.Background())
					err = errors.Join(err, e1, e2, c.MarkRead(context.Background(), "bob", 1<<60))
				}
				done <- err
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if st := status(c); st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
		ms, err := c.History(t.Context(), Query{Limit: MaxLimit})
		if err != nil || len(ms) != 9*each {
			t.Errorf("%d messages, %v", len(ms), err)
		}
		stop()
	})
}
