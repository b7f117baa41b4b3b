package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

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
